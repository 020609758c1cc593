//! What calls in a pickle stand for: tensors and storages, or inert objects.

use std::io::BufRead;

use super::global::refusal;
use super::machine::Machine;
use super::value::{Global, Id, Object, StorageRef, TensorRef, Value};
use crate::checkpoint::error::{Fault, malformed, shorten, too_many};
use crate::checkpoint::limits;
use crate::checkpoint::scalar::Scalar;

impl<R: BufRead> Machine<'_, R> {
    /// Refuses a global that runs code, as callee or as an argument that a callee could call.
    pub(super) fn check_harmless(&self, id: Id) -> Result<(), Fault> {
        match self.arena.global(id).and_then(refusal) {
            Some(name) => Err(Fault::RunsCode(shorten(&name))),
            None => Ok(()),
        }
    }

    /// A function or class is called.
    pub(super) fn call(&mut self, function: Id, arguments: Id) -> Result<(), Fault> {
        if let Some(attribute) = self.attribute(function, arguments)? {
            return self.push_id(attribute);
        }
        self.check_no_method(function)?;
        self.note_call(function, arguments);
        self.result(function, arguments)
    }

    /// An instance of a class is made without its being called.
    pub(super) fn construct(&mut self, class: Id, arguments: Id) -> Result<(), Fault> {
        self.note_construction(class, arguments);
        self.result(class, arguments)
    }

    fn result(&mut self, class: Id, arguments: Id) -> Result<(), Fault> {
        self.check_harmless(class)?;
        let parts = self.arena.sequence(arguments).unwrap_or(&[]);
        for &part in parts {
            self.check_harmless(part)?;
            self.check_no_method(part)?;
        }
        self.charge(1 + parts.len().min(1 << 20) / 64)?;
        let result = match self.known_call(class, arguments, true)? {
            Some(id) => id,
            None => self.add(Value::Object(Box::new(Object {
                class,
                arguments,
                state: None,
                entries: Vec::new(),
                items: Vec::new(),
            })))?,
        };
        self.push_id(result)
    }

    /// What `getattr(thing, name)` gives, where files that mean no harm ask for it: Python writes
    /// classes within classes, methods and (3.11.0 to 3.11.4) members of enumerations so. `None` for
    /// any other call, and for attributes that lead elsewhere.
    fn attribute(&mut self, function: Id, arguments: Id) -> Result<Option<Id>, Fault> {
        const LONGEST: usize = 500;
        let getattr = |global: &Global| global.is_builtin() && global.name == "getattr";
        if !self.arena.global(function).is_some_and(getattr) {
            return Ok(None);
        }
        let &[thing, name] = self.arena.sequence(arguments).unwrap_or(&[]) else {
            return Ok(None);
        };
        let Some(name) = self.arena.text(name).filter(|name| is_public(name)) else {
            return Ok(None);
        };
        let value = match self.arena.get(thing) {
            Value::Global(global) => {
                let attribute = Global {
                    module: global.module.clone(),
                    name: format!("{}.{name}", global.name),
                };
                let refused = refusal(global).is_some() || refusal(&attribute).is_some();
                if refused || attribute.name.len() > LONGEST {
                    return Ok(None);
                }
                Value::Global(Box::new(attribute))
            }
            Value::Object(_) => Value::Object(Box::new(Object {
                class: function,
                arguments,
                state: None,
                entries: Vec::new(),
                items: Vec::new(),
            })),
            _ => return Ok(None),
        };
        self.charge(1 + LONGEST / 16)?;
        let id = self.add(value)?;
        self.attributes.insert(id);
        Ok(Some(id))
    }

    /// Refuses what `getattr` gave, as callee or as an argument that a callee could call, unless it
    /// seems to be a class.
    fn check_no_method(&self, id: Id) -> Result<(), Fault> {
        let class = || self.arena.global(id).is_some_and(Global::is_class);
        match self.attributes.contains(&id) && !class() {
            true => {
                let maker = self.maker(id).map(Global::full_name);
                let name = maker.unwrap_or_else(|| self.arena.kind(id));
                Err(Fault::RunsCode(shorten(&name)))
            }
            false => Ok(()),
        }
    }

    /// A function, or that which made it, made what made it, and so on as far as that is short.
    pub(super) fn maker(&self, function: Id) -> Option<&Global> {
        const DEEPEST: usize = 32;
        let maker = |id: &Id| self.arena.object(*id).map(|object| object.class);
        let makers = std::iter::successors(Some(function), maker).take(DEEPEST);
        makers.last().and_then(|id| self.arena.global(id))
    }

    /// The result of a function that describes data; `None` for any other.
    fn known_call(
        &mut self,
        function: Id,
        arguments: Id,
        nested: bool,
    ) -> Result<Option<Id>, Fault> {
        let Some(global) = self.arena.global(function) else {
            return Ok(None);
        };
        let parts = self.arena.sequence(arguments).unwrap_or(&[]);
        let first = parts.first().copied();
        let found = match (global.module.as_str(), global.name.as_str()) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => {
                let tensor = self.tensor(parts, None)?;
                Some(self.add(Value::Tensor(Box::new(tensor)))?)
            }
            ("torch._utils", "_rebuild_tensor_v3") => {
                let dtype = parts
                    .get(6)
                    .and_then(|&id| self.arena.global(id))
                    .and_then(|global| Scalar::from_dtype(&global.name))
                    .unwrap_or(Scalar::Other {
                        name: "an unknown format",
                        bytes: 1,
                    });
                let tensor = self.tensor(parts, Some(dtype))?;
                Some(self.add(Value::Tensor(Box::new(tensor)))?)
            }
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")
            | ("torch.nn.parameter", "Parameter" | "Buffer") => {
                first.filter(|&id| matches!(self.arena.get(id), Value::Tensor(_)))
            }
            ("torch._tensor", "_rebuild_from_type_v2" | "_rebuild_from_type") if nested => {
                let inner = if global.name.ends_with("v2") { 2 } else { 1 };
                match (first, parts.get(inner)) {
                    (Some(function), Some(&arguments)) => {
                        self.check_harmless(function)?;
                        self.known_call(function, arguments, false)?
                    }
                    _ => None,
                }
            }
            ("torch", "Size") => first.filter(|&id| self.arena.sequence(id).is_some()),
            ("collections", "OrderedDict") => {
                let entries = match first.and_then(|id| self.arena.sequence(id)) {
                    Some(items) => self.key_value_pairs(items)?,
                    None => Vec::new(),
                };
                self.charge(entries.len())?;
                Some(self.add(Value::Dict(entries))?)
            }
            ("collections", "defaultdict") => Some(self.add(Value::Dict(Vec::new()))?),
            ("_codecs", "encode") => match first.map(|id| self.arena.get(id)) {
                // How protocol 2 writes bytes: as text of the same code points.
                Some(Value::Text(text)) => {
                    let bytes: Option<Vec<u8>> = text
                        .chars()
                        .map(|c| u8::try_from(u32::from(c)).ok())
                        .collect();
                    let bytes = bytes.ok_or_else(|| malformed("bytes written as text"))?;
                    self.charge(bytes.len() / 16)?;
                    Some(self.add(Value::Bytes(bytes.into()))?)
                }
                _ => None,
            },
            ("copyreg" | "copy_reg", "_reconstructor") => match first {
                Some(class) => Some(self.add(Value::Object(Box::new(Object {
                    class,
                    arguments,
                    state: None,
                    entries: Vec::new(),
                    items: Vec::new(),
                })))?),
                None => None,
            },
            _ => None,
        };
        Ok(found)
    }

    fn key_value_pairs(&self, items: &[Id]) -> Result<Vec<(Id, Id)>, Fault> {
        items
            .iter()
            .map(|&item| match self.arena.sequence(item) {
                Some(&[key, value]) => Ok((key, value)),
                _ => Err(malformed("a dictionary entry that is no pair")),
            })
            .collect()
    }

    /// Arguments: storage, offset, shape, strides, ...
    fn tensor(&self, parts: &[Id], dtype: Option<Scalar>) -> Result<TensorRef, Fault> {
        let &[storage, offset, shape, strides, ..] = parts else {
            return Err(malformed(
                "a tensor without storage, offset, shape, or strides",
            ));
        };
        let Value::Storage(storage) = self.arena.get(storage) else {
            return Err(malformed("a tensor without storage"));
        };
        let offset = self.count(offset)?;
        let shape = self.counts(shape)?;
        let strides = self.counts(strides)?;
        if shape.len() != strides.len() {
            return Err(malformed("a tensor with as many strides as not axes"));
        }
        let shape = shape
            .into_iter()
            .map(|extent| usize::try_from(extent).map_err(|_| malformed("a tensor's shape")))
            .collect::<Result<_, _>>()?;
        let scalar = dtype.unwrap_or(storage.scalar);
        Ok(TensorRef {
            storage: (**storage).clone(),
            scalar,
            offset,
            shape,
            strides,
        })
    }

    fn count(&self, id: Id) -> Result<u64, Fault> {
        match self.arena.get(id) {
            Value::Int(value) => u64::try_from(*value).ok(),
            _ => None,
        }
        .ok_or_else(|| malformed("a size or offset that is no count"))
    }

    fn counts(&self, id: Id) -> Result<Vec<u64>, Fault> {
        let items = self
            .arena
            .sequence(id)
            .ok_or_else(|| malformed("a tensor's shape"))?;
        if items.len() > limits::TENSOR_AXES {
            return Err(too_many("axes of a tensor", limits::TENSOR_AXES));
        }
        items.iter().map(|&item| self.count(item)).collect()
    }

    /// `('storage', class, key, device, count[, view])` or, for a pickled network with its source
    /// text, `('module', class, file, text)`.
    pub(super) fn persistent(&mut self, id: Id) -> Result<(), Fault> {
        let parts = self.arena.sequence(id).unwrap_or(&[]);
        let kind = parts.first().and_then(|&id| self.arena.text(id));
        match (kind, parts) {
            (Some("module"), &[_, class, ..]) => self.push_id(class),
            (Some("storage"), &[_, class, key, _, _, ..]) => {
                let class = self
                    .arena
                    .global(class)
                    .ok_or_else(|| malformed("a storage without class"))?;
                let scalar = Scalar::from_storage(&class.name).unwrap_or(Scalar::Other {
                    name: "an unknown format",
                    bytes: 1,
                });
                if self.arena.text(key).is_none() {
                    return Err(malformed("a storage without key"));
                }
                // Oldest format: None, or (key of the view, offset, count).
                let view = parts.get(5).and_then(|&view| self.arena.sequence(view));
                let offset = match view {
                    Some(&[_, offset, ..]) => self.count(offset)?,
                    _ => 0,
                };
                self.push(Value::Storage(Box::new(StorageRef {
                    key,
                    scalar,
                    offset,
                })))
            }
            _ => Err(malformed(
                "a reference outside the pickle that is no storage",
            )),
        }
    }
}

/// Whether an attribute of this name is what its class was written for, not Python's machinery.
fn is_public(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(word)
}
