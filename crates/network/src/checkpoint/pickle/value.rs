//! What a pickle can hold.

use std::collections::BTreeSet;

use crate::checkpoint::scalar::Scalar;

/// Index of a value in its [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::checkpoint) struct Id(pub(super) u32);

/// One value; containers refer to their parts by index.
#[derive(Debug)]
pub(in crate::checkpoint) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: little-endian two's complement.
    Long(Box<[u8]>),
    Float(f64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    /// A list or a set.
    List(Vec<Id>),
    Tuple(Box<[Id]>),
    /// A dictionary of any class, in order; a later equal key wins.
    Dict(Vec<(Id, Id)>),
    /// A class or function by name, as in `module.name`.
    Global(Box<Global>),
    /// An instance of a class that is not known here, or the result of a function that is not.
    Object(Box<Object>),
    Storage(Box<StorageRef>),
    Tensor(Box<TensorRef>),
}

#[derive(Debug)]
pub(in crate::checkpoint) struct Global {
    pub(in crate::checkpoint) module: String,
    pub(in crate::checkpoint) name: String,
}

impl Global {
    /// Whether it belongs to Python's builtins.
    pub(super) fn is_builtin(&self) -> bool {
        matches!(
            self.module.as_str(),
            "builtins" | "__builtin__" | "__builtins__"
        )
    }

    /// Whether it seems to be a class: its name begins with a capital letter.
    pub(super) fn is_class(&self) -> bool {
        let last = self.name.rsplit('.').next().unwrap_or_default();
        last.starts_with(char::is_uppercase)
    }

    pub(in crate::checkpoint) fn full_name(&self) -> String {
        format!("{}.{}", self.module, self.name)
    }
}

/// The inert remains of an instance.
#[derive(Debug)]
pub(in crate::checkpoint) struct Object {
    /// What was called to make it, usually a [`Value::Global`].
    pub(in crate::checkpoint) class: Id,
    /// What it was called with.
    pub(in crate::checkpoint) arguments: Id,
    /// Its attributes, usually a [`Value::Dict`].
    pub(in crate::checkpoint) state: Option<Id>,
    /// Its entries, if the class is a kind of dictionary.
    pub(in crate::checkpoint) entries: Vec<(Id, Id)>,
    /// Its items, if the class is a kind of list.
    pub(in crate::checkpoint) items: Vec<Id>,
}

/// A block of numbers outside the pickle.
#[derive(Debug, Clone)]
pub(in crate::checkpoint) struct StorageRef {
    /// The [`Value::Text`] under which the file holds it.
    pub(in crate::checkpoint) key: Id,
    pub(in crate::checkpoint) scalar: Scalar,
    /// First value, within the block, of a view on part of it (oldest format only).
    pub(in crate::checkpoint) offset: u64,
}

/// A strided view on a storage, all in units of values.
#[derive(Debug, Clone)]
pub(in crate::checkpoint) struct TensorRef {
    pub(in crate::checkpoint) storage: StorageRef,
    pub(in crate::checkpoint) scalar: Scalar,
    pub(in crate::checkpoint) offset: u64,
    pub(in crate::checkpoint) shape: Vec<usize>,
    pub(in crate::checkpoint) strides: Vec<u64>,
}

/// All values of one pickle.
#[derive(Debug, Default)]
pub(in crate::checkpoint) struct Arena {
    pub(super) values: Vec<Value>,
    /// Names of functions that Python would have called, and that do more than describe data, fit
    /// for a message.
    pub(in crate::checkpoint) would_execute: BTreeSet<String>,
}

impl Arena {
    pub(in crate::checkpoint) fn get(&self, id: Id) -> &Value {
        // Ids are only handed out by this arena's own `push`, and nothing is ever removed.
        &self.values[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value {
        &mut self.values[id.0 as usize]
    }

    pub(in crate::checkpoint) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::checkpoint) fn object(&self, id: Id) -> Option<&Object> {
        match self.get(id) {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The class of an object, or the global itself.
    pub(in crate::checkpoint) fn global(&self, id: Id) -> Option<&Global> {
        match self.get(id) {
            Value::Global(global) => Some(global),
            _ => None,
        }
    }

    /// The entries of a dictionary, or of an instance of a dictionary-like class.
    pub(in crate::checkpoint) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(entries) => Some(entries),
            Value::Object(object) if !object.entries.is_empty() => Some(&object.entries),
            _ => None,
        }
    }

    /// The value of a text key in a dictionary.
    pub(in crate::checkpoint) fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        let entries = self.entries(dict)?;
        entries
            .iter()
            .rev()
            .find(|(k, _)| self.text(*k) == Some(key))
            .map(|&(_, value)| value)
    }

    /// The parts of a list, set, or tuple.
    pub(in crate::checkpoint) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::List(items) => Some(items),
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// All references to storages, in the order of the pickle.
    pub(in crate::checkpoint) fn storages(&self) -> impl Iterator<Item = &StorageRef> {
        self.values.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some(&**storage),
            _ => None,
        })
    }

    /// What kind of thing a value is, for messages.
    pub(in crate::checkpoint) fn kind(&self, id: Id) -> String {
        match self.get(id) {
            Value::None => "None".to_owned(),
            Value::Bool(_) => "a boolean".to_owned(),
            Value::Int(_) | Value::Long(_) => "an integer".to_owned(),
            Value::Float(_) => "a number".to_owned(),
            Value::Text(_) => "a text".to_owned(),
            Value::Bytes(_) => "bytes".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Tuple(_) => "a tuple".to_owned(),
            Value::Dict(_) => "a dictionary".to_owned(),
            Value::Global(global) => format!("the name {}", global.full_name()),
            Value::Storage(_) => "a storage".to_owned(),
            Value::Tensor(_) => "a tensor".to_owned(),
            Value::Object(object) => match self.global(object.class) {
                Some(class) => format!("a {}", class.full_name()),
                None => "an object".to_owned(),
            },
        }
    }
}
