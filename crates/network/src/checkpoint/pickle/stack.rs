//! The stack and the memo of the machine, with their limits.

use std::io::BufRead;

use super::machine::Machine;
use super::value::{Id, Value};
use crate::checkpoint::error::{Fault, malformed, too_many};
use crate::checkpoint::limits;

impl<R: BufRead> Machine<'_, R> {
    pub(super) fn charge(&mut self, count: usize) -> Result<(), Fault> {
        self.copied = self.copied.saturating_add(count);
        if self.copied > limits::PICKLE_OBJECTS {
            return Err(too_many("objects", limits::PICKLE_OBJECTS));
        }
        Ok(())
    }

    pub(super) fn add(&mut self, value: Value) -> Result<Id, Fault> {
        let index = self.arena.values.len();
        if index >= limits::PICKLE_OBJECTS {
            return Err(too_many("objects", limits::PICKLE_OBJECTS));
        }
        self.arena.values.push(value);
        u32::try_from(index)
            .map(Id)
            .map_err(|_| too_many("objects", limits::PICKLE_OBJECTS))
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), Fault> {
        let id = self.add(value)?;
        self.push_id(id)
    }

    pub(super) fn push_id(&mut self, id: Id) -> Result<(), Fault> {
        if self.stack.len() >= limits::PICKLE_OBJECTS {
            return Err(too_many("values on its stack", limits::PICKLE_OBJECTS));
        }
        self.stack.push(id);
        Ok(())
    }

    /// The lowest height that may be popped to.
    pub(super) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self) -> Result<Id, Fault> {
        match self.stack.last() {
            Some(&id) if self.stack.len() > self.floor() => Ok(id),
            _ => Err(malformed("its stack is empty")),
        }
    }

    pub(super) fn pop(&mut self) -> Result<Id, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    pub(super) fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= self.floor() => Ok(self.stack.split_off(start)),
            _ => Err(malformed("its stack is empty")),
        }
    }

    pub(super) fn mark(&mut self) -> Result<(), Fault> {
        if self.marks.len() >= limits::PICKLE_MARKS {
            return Err(too_many("containers in each other", limits::PICKLE_MARKS));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    pub(super) fn pop_or_mark(&mut self) -> Result<(), Fault> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            Ok(())
        } else {
            self.pop().map(drop)
        }
    }

    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let start = self
            .marks
            .pop()
            .ok_or_else(|| malformed("a mark is missing"))?;
        Ok(self.stack.split_off(start))
    }

    pub(super) fn remember(&mut self, index: u64) -> Result<(), Fault> {
        let top = self.top()?;
        let slot = usize::try_from(index).unwrap_or(usize::MAX);
        if slot >= limits::PICKLE_OBJECTS {
            return Err(too_many("memo entries", limits::PICKLE_OBJECTS));
        }
        if slot >= self.memo.len() {
            self.memo.resize(slot + 1, None);
        }
        if self.memo[slot].replace(top).is_none() {
            self.memoized += 1;
        }
        Ok(())
    }

    pub(super) fn recall(&mut self, index: u64) -> Result<(), Fault> {
        let slot = usize::try_from(index).unwrap_or(usize::MAX);
        let id = self.memo.get(slot).copied().flatten();
        self.push_id(id.ok_or_else(|| malformed("a memo entry is missing"))?)
    }
}
