//! Bytes of a pickle, with a limit.

use std::io::{BufRead, Read};

use crate::checkpoint::error::Fault;
use crate::checkpoint::limits;

/// A source of bytes that ends at a limit.
pub(super) struct Input<'a, R> {
    reader: &'a mut R,
    left: u64,
}

impl<'a, R: BufRead> Input<'a, R> {
    pub(super) fn new(reader: &'a mut R, limit: u64) -> Self {
        Self {
            reader,
            left: limit,
        }
    }

    fn spend(&mut self, count: u64) -> Result<(), Fault> {
        self.left = self.left.checked_sub(count).ok_or_else(|| {
            Fault::BeyondLimit(format!(
                "a pickle of more than {} bytes",
                limits::PICKLE_BYTES
            ))
        })?;
        Ok(())
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.spend(N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// `count` bytes; memory grows with what is really there.
    pub(super) fn bytes(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        self.spend(count)?;
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(count).read_to_end(&mut bytes)?;
        if read as u64 == count {
            Ok(bytes)
        } else {
            Err(Fault::damaged("it ends too early"))
        }
    }

    /// Bytes up to a line feed, which is taken but not returned.
    pub(super) fn line(&mut self) -> Result<Vec<u8>, Fault> {
        let limit = self.left.min(limits::PICKLE_LINE as u64);
        let mut line = Vec::new();
        self.reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)?;
        self.spend(line.len() as u64)?;
        if line.pop() == Some(b'\n') {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            Ok(line)
        } else if line.len() as u64 + 1 >= limit {
            Err(Fault::BeyondLimit(format!(
                "a pickle with a line of more than {limit} bytes"
            )))
        } else {
            Err(Fault::damaged("it ends too early"))
        }
    }

    /// A line as text.
    pub(super) fn text_line(&mut self) -> Result<String, Fault> {
        String::from_utf8(self.line()?).map_err(|_| Fault::damaged("a pickle line is no text"))
    }
}
