//! The stack machine: what each opcode does.

use std::collections::HashSet;
use std::io::BufRead;

use super::input::Input;
use super::literal::{integer, quoted, raw_unicode_escape, text_integer};
use super::value::{Arena, Global, Id, Value};
use crate::checkpoint::error::{Fault, malformed};

/// Reads one pickle up to its end mark and nothing beyond; returns its values and the outermost.
pub(in crate::checkpoint) fn read<R: BufRead>(
    reader: &mut R,
    limit: u64,
) -> Result<(Arena, Id), Fault> {
    let mut machine = Machine {
        input: Input::new(reader, limit),
        arena: Arena::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        memoized: 0,
        copied: 0,
        attributes: HashSet::new(),
    };
    let root = machine.run()?;
    machine.note_refused_names();
    Ok((machine.arena, root))
}

pub(super) struct Machine<'a, R> {
    input: Input<'a, R>,
    pub(super) arena: Arena,
    pub(super) stack: Vec<Id>,
    /// Heights of the stack at which unfinished containers begin.
    pub(super) marks: Vec<usize>,
    /// Values by memo index; Python numbers them from 0 without gaps.
    pub(super) memo: Vec<Option<Id>>,
    pub(super) memoized: u64,
    /// Parts copied from one container into another, which the pickle's length does not bound.
    pub(super) copied: usize,
    /// What `getattr` gave.
    pub(super) attributes: HashSet<Id>,
}

impl<R: BufRead> Machine<'_, R> {
    fn run(&mut self) -> Result<Id, Fault> {
        loop {
            let opcode = self.input.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode)?;
        }
    }

    #[allow(clippy::too_many_lines)] // one arm per opcode
    fn step(&mut self, opcode: u8) -> Result<(), Fault> {
        match opcode {
            // Stack and memo.
            b'(' => self.mark()?,
            b'0' => self.pop_or_mark()?,
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.push_id(top)?;
            }
            b'g' => {
                let index = self.decimal()?;
                self.recall(index)?;
            }
            b'h' => {
                let index = self.input.byte()?;
                self.recall(u64::from(index))?;
            }
            b'j' => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.recall(u64::from(index))?;
            }
            b'p' => {
                let index = self.decimal()?;
                self.remember(index)?;
            }
            b'q' => {
                let index = self.input.byte()?;
                self.remember(u64::from(index))?;
            }
            b'r' => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.remember(u64::from(index))?;
            }
            0x94 => self.remember(self.memoized)?,
            // Protocol number and frame lengths say nothing that is needed.
            0x80 => drop(self.input.byte()?),
            0x95 => drop(self.input.array::<8>()?),

            // Plain values.
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'I' => {
                let line = self.input.text_line()?;
                self.push(match line.as_str() {
                    "00" => Value::Bool(false),
                    "01" => Value::Bool(true),
                    number => text_integer(number)?,
                })?;
            }
            b'L' => {
                let line = self.input.text_line()?;
                self.push(text_integer(line.strip_suffix('L').unwrap_or(&line))?)?;
            }
            b'J' => {
                let value = i32::from_le_bytes(self.input.array()?);
                self.push(Value::Int(i64::from(value)))?;
            }
            b'K' => {
                let value = self.input.byte()?;
                self.push(Value::Int(i64::from(value)))?;
            }
            b'M' => {
                let value = u16::from_le_bytes(self.input.array()?);
                self.push(Value::Int(i64::from(value)))?;
            }
            0x8a => {
                let length = u64::from(self.input.byte()?);
                self.long(length)?;
            }
            0x8b => {
                let length = self.length4()?;
                self.long(length)?;
            }
            b'F' => {
                let line = self.input.text_line()?;
                let value = line.trim().parse().map_err(|_| malformed("a number"))?;
                self.push(Value::Float(value))?;
            }
            b'G' => {
                let value = f64::from_be_bytes(self.input.array()?);
                self.push(Value::Float(value))?;
            }
            b'V' => {
                let line = self.input.line()?;
                self.push(Value::Text(raw_unicode_escape(&line).into()))?;
            }
            b'S' => {
                let line = self.input.line()?;
                let text = quoted(&line).ok_or_else(|| malformed("a quoted text"))?;
                self.push(Value::Text(text.into()))?;
            }
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            // Python 2's `str`, which torch used for names.
            b'T' => self.text(4)?,
            b'U' => self.text(1)?,
            b'B' => self.bytes(4)?,
            b'C' => self.bytes(1)?,
            0x8e | 0x96 => self.bytes(8)?,

            // Containers.
            b')' => self.push(Value::Tuple(Box::default()))?,
            b']' | 0x8f => self.push(Value::List(Vec::new()))?,
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items.into()))?;
            }
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let items = self.pop_many(count)?;
                self.push(Value::Tuple(items.into()))?;
            }
            b'l' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items))?;
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Dict(pairs(&items)?))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.extend(&items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.insert(&items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.insert(&items)?;
            }

            // Names, calls, attributes.
            b'c' => {
                let module = self.input.text_line()?;
                let name = self.input.text_line()?;
                self.push(Value::Global(Box::new(Global { module, name })))?;
            }
            0x93 => {
                let parts = self.pop_many(2)?;
                let (Some(module), Some(name)) =
                    (self.arena.text(parts[0]), self.arena.text(parts[1]))
                else {
                    return Err(malformed("a global without a name"));
                };
                let global = Global {
                    module: module.to_owned(),
                    name: name.to_owned(),
                };
                self.charge(1 + (global.module.len() + global.name.len()) / 64)?;
                self.push(Value::Global(Box::new(global)))?;
            }
            b'R' => {
                let parts = self.pop_many(2)?;
                self.call(parts[0], parts[1])?;
            }
            0x81 => {
                let parts = self.pop_many(2)?;
                self.construct(parts[0], parts[1])?;
            }
            0x92 => {
                let parts = self.pop_many(3)?;
                self.check_harmless(parts[2])?;
                self.construct(parts[0], parts[1])?;
            }
            b'i' => {
                let module = self.input.text_line()?;
                let name = self.input.text_line()?;
                let arguments = self.pop_to_mark()?;
                let class = self.add(Value::Global(Box::new(Global { module, name })))?;
                let arguments = self.add(Value::Tuple(arguments.into()))?;
                self.call(class, arguments)?;
            }
            b'o' => {
                let parts = self.pop_to_mark()?;
                let (&class, arguments) = parts
                    .split_first()
                    .ok_or_else(|| malformed("a class is missing"))?;
                let arguments = self.add(Value::Tuple(arguments.into()))?;
                self.call(class, arguments)?;
            }
            b'b' => {
                let state = self.pop()?;
                let target = self.top()?;
                self.build(target, state)?;
            }
            b'Q' => {
                let id = self.pop()?;
                self.persistent(id)?;
            }
            b'P' => return Err(malformed("a persistent id as text")),
            0x82..=0x84 => return Err(malformed("an extension code, which torch does not write")),
            0x97 | 0x98 => return Err(malformed("a buffer outside the pickle")),
            other => return Err(malformed(&format!("opcode {other:#04x} is unknown"))),
        }
        Ok(())
    }

    fn decimal(&mut self) -> Result<u64, Fault> {
        self.input
            .text_line()?
            .trim()
            .parse()
            .map_err(|_| malformed("a memo index"))
    }

    fn length4(&mut self) -> Result<u64, Fault> {
        Ok(u64::from(u32::from_le_bytes(self.input.array()?)))
    }

    fn length(&mut self, width: u8) -> Result<u64, Fault> {
        match width {
            1 => Ok(u64::from(self.input.byte()?)),
            4 => self.length4(),
            _ => Ok(u64::from_le_bytes(self.input.array()?)),
        }
    }

    fn long(&mut self, length: u64) -> Result<(), Fault> {
        let bytes = self.input.bytes(length)?;
        self.push(integer(&bytes))
    }

    fn text(&mut self, width: u8) -> Result<(), Fault> {
        let length = self.length(width)?;
        let bytes = self.input.bytes(length)?;
        // Python may pickle lone surrogates, which are no UTF-8; names of weights have none.
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        self.push(Value::Text(text.into()))
    }

    fn bytes(&mut self, width: u8) -> Result<(), Fault> {
        let length = self.length(width)?;
        let bytes = self.input.bytes(length)?;
        self.push(Value::Bytes(bytes.into()))
    }

    // ----- containers -----

    fn extend(&mut self, items: &[Id]) -> Result<(), Fault> {
        let target = self.top()?;
        match self.arena.get_mut(target) {
            Value::List(list) => list.extend_from_slice(items),
            Value::Object(object) => object.items.extend_from_slice(items),
            _ => return Err(malformed("something is appended to what is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), Fault> {
        let target = self.top()?;
        let new = pairs(items)?;
        match self.arena.get_mut(target) {
            Value::Dict(entries) => entries.extend(new),
            Value::Object(object) => object.entries.extend(new),
            _ => return Err(malformed("an entry is set in what is no dictionary")),
        }
        Ok(())
    }

    fn build(&mut self, target: Id, state: Id) -> Result<(), Fault> {
        self.check_harmless(target)?;
        self.note_state(target, state);
        if let Value::Object(object) = self.arena.get_mut(target) {
            object.state = Some(state);
        }
        // Attributes of dictionaries (`_metadata` of a state dict) and tensors are not needed.
        Ok(())
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, Fault> {
    let chunks = items.chunks_exact(2);
    if !chunks.remainder().is_empty() {
        return Err(malformed("a dictionary key without value"));
    }
    Ok(chunks.map(|pair| (pair[0], pair[1])).collect())
}
