//! What Python would execute of a pickle that is read without executing anything.
//!
//! Calls that can only run programs or code are refused ([`super::global`]). Of the others, most
//! describe data ([`super::data`]). What remains may do harm where somebody opens the file in Python,
//! so that people hear of it.

use std::io::BufRead;

use super::data::{may_hold_settings, only_describes_data};
use super::global::refusal;
use super::machine::Machine;
use super::value::{Global, Id, Value};
use crate::checkpoint::error::shorten;
use crate::checkpoint::limits;

/// Most texts or numbers that an instance of somebody's own class is made of.
const PLAIN_PARTS: usize = 16;

impl<R: BufRead> Machine<'_, R> {
    /// A function or class is called.
    pub(super) fn note_call(&mut self, function: Id, arguments: Id) {
        let (function, arguments) = self.rebuilt(function, arguments);
        let parts = self.arena.sequence(arguments).unwrap_or(&[]);
        let executed = match self.arena.get(function) {
            Value::Global(global) => match (global.module.as_str(), global.name.as_str()) {
                // One argument asks for a class, more make one.
                (_, "type") if global.is_builtin() => (parts.len() > 1).then_some(function),
                // One within another is nothing that torch writes.
                ("torch._tensor", _) => Some(function),
                // Calls the second of its arguments.
                ("copyreg" | "copy_reg", "_reconstructor") => {
                    parts.get(1).copied().filter(|&base| {
                        let data =
                            |base: &Global| only_describes_data(base) || may_hold_settings(base);
                        !self.arena.global(base).is_some_and(data)
                    })
                }
                ("copyreg" | "copy_reg", "__newobj__" | "__newobj_ex__") => {
                    match parts.split_first() {
                        Some((&class, rest)) => {
                            let plain = rest.iter().all(|&part| self.is_empty(part));
                            (!plain && !self.makes_no_call(class)).then_some(class)
                        }
                        None => None,
                    }
                }
                _ if only_describes_data(global) => None,
                _ if may_hold_settings(global) && self.are_plain(parts) => None,
                _ => Some(function),
            },
            // What a call has given is called.
            Value::Object(_) => Some(function),
            _ => None,
        };
        if let Some(executed) = executed {
            self.note(executed);
        }
    }

    /// An instance of a class is made without its being called.
    pub(super) fn note_construction(&mut self, class: Id, arguments: Id) {
        if !self.is_empty(arguments) && !self.makes_no_call(class) {
            self.note(class);
        }
    }

    /// A thing is given its state.
    pub(super) fn note_state(&mut self, target: Id, state: Id) {
        if self.arena.global(target).is_some() {
            self.note(target);
        }
        // A dictionary, or a pair of two.
        let parts = match self.arena.sequence(state) {
            Some(parts) => parts.get(..2).unwrap_or(parts),
            None => &[state],
        };
        let setters = parts
            .iter()
            .filter_map(|&part| self.arena.entry(part, "__setstate__"));
        for setter in setters.collect::<Vec<_>>() {
            self.note(setter);
        }
    }

    /// Functions that are refused where they are called, and are named without a call.
    pub(super) fn note_refused_names(&mut self) {
        let values = self.arena.values.iter();
        let globals = values.filter_map(|value| match value {
            Value::Global(global) => Some(&**global),
            _ => None,
        });
        let refused = globals
            // Calls of it have been judged.
            .filter(|global| !(global.is_builtin() && global.name == "getattr"))
            .filter_map(refusal);
        for name in refused.take(limits::CALLS_NAMED).collect::<Vec<_>>() {
            self.note_name(&name);
        }
    }

    fn note(&mut self, function: Id) {
        // At the end of a long chain of calls: the first of them has been noted.
        let Some(name) = self.maker(function).map(Global::full_name) else {
            return;
        };
        self.note_name(&name);
    }

    fn note_name(&mut self, name: &str) {
        let noted = &mut self.arena.would_execute;
        if noted.len() < limits::CALLS_NAMED {
            noted.insert(shorten(name));
        }
    }

    /// The call that torch writes in another one for tensors of classes of their own.
    fn rebuilt(&self, function: Id, arguments: Id) -> (Id, Id) {
        let inner = match self.arena.global(function) {
            Some(global) if global.module == "torch._tensor" => match global.name.as_str() {
                "_rebuild_from_type" => 1,
                "_rebuild_from_type_v2" => 2,
                _ => return (function, arguments),
            },
            _ => return (function, arguments),
        };
        let parts = self.arena.sequence(arguments).unwrap_or(&[]);
        match (parts.first(), parts.get(inner)) {
            (Some(&function), Some(&arguments)) => (function, arguments),
            _ => (function, arguments),
        }
    }

    /// Whether an instance of this class can be made of anything and nothing is called for it but
    /// the class's own `__new__`.
    fn makes_no_call(&self, class: Id) -> bool {
        let class_or_data = |global: &Global| global.is_class() || only_describes_data(global);
        self.arena.global(class).is_some_and(class_or_data)
    }

    fn is_empty(&self, arguments: Id) -> bool {
        let no_parts = self.arena.sequence(arguments).is_some_and(<[Id]>::is_empty);
        no_parts || matches!(self.arena.get(arguments), Value::Dict(entries) if entries.is_empty())
    }

    /// Whether these can be the value of a member of an enumeration: at most one text that is no
    /// path, number, or short list of such.
    fn are_plain(&self, parts: &[Id]) -> bool {
        let &[part] = parts else {
            return parts.is_empty();
        };
        match self.arena.sequence(part) {
            Some(parts) => {
                parts.len() <= PLAIN_PARTS && parts.iter().all(|&part| self.is_plain(part))
            }
            None => self.is_plain(part),
        }
    }

    fn is_plain(&self, id: Id) -> bool {
        match self.arena.get(id) {
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => true,
            Value::Text(text) => text
                .chars()
                .all(|c| c.is_alphanumeric() || "_- ".contains(c)),
            _ => false,
        }
    }
}
