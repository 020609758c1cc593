//! The outer structure of a split file: where one sample ends and the next begins.
//!
//! Samples are cut out by their brackets and read one by one, so that a mistake in one of them says
//! nothing about the others, and the file is never in memory as a whole.

use super::bytes::Bytes;
use crate::error::Error;

/// Longest text of one sample, in bytes: some 40 000 boxes.
pub(super) const LONGEST: usize = 1 << 20;
/// Deepest nesting that is followed.
const DEEPEST: usize = 1000;

/// Reads JSON up to the level of samples.
pub(super) struct Scanner {
    bytes: Bytes,
}

impl Scanner {
    pub(super) fn new(bytes: Bytes) -> Result<Self, Error> {
        let mut scanner = Self { bytes };
        match scanner.bytes.peek()? {
            // A byte order mark, which some editors put in front.
            Some(0xef) => {
                for expected in [0xef, 0xbb, 0xbf] {
                    if scanner.bytes.next()? != Some(expected) {
                        return Err(scanner.syntax("the text is not UTF-8"));
                    }
                }
            }
            Some(0xfe | 0xff) => {
                return Err(scanner.syntax("the text is UTF-16, not UTF-8"));
            }
            None => return Err(scanner.syntax("it is empty")),
            Some(_) => {}
        }
        Ok(scanner)
    }

    /// The line of the next byte, from 1.
    pub(super) fn line(&self) -> usize {
        self.bytes.line()
    }

    /// That the structure is wrong at the next byte.
    pub(super) fn syntax(&self, reason: &str) -> Error {
        Error::SplitSyntax {
            path: self.bytes.path().to_owned(),
            reason: format!("line {}: {reason}", self.line()),
        }
    }

    /// The next byte that is no blank, which stays the next.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.peek()? {
            self.bytes.next()?;
        }
        self.bytes.peek()
    }

    /// Takes this byte, if it is the next that is no blank.
    pub(super) fn accept(&mut self, byte: u8) -> Result<bool, Error> {
        let found = self.peek()? == Some(byte);
        if found {
            self.bytes.next()?;
        }
        Ok(found)
    }

    /// Takes this byte, which must be the next that is no blank; `what` it is, for the message.
    pub(super) fn expect(&mut self, byte: u8, what: &str) -> Result<(), Error> {
        match self.accept(byte)? {
            true => Ok(()),
            false => Err(self.unexpected(what)),
        }
    }

    /// That something else was expected in the place of the next byte.
    pub(super) fn unexpected(&mut self, expected: &str) -> Error {
        match self.peek() {
            Err(error) => error,
            Ok(None) => self.syntax(&format!("expected {expected}, found the end of the file")),
            Ok(Some(byte)) if byte.is_ascii_graphic() => self.syntax(&format!(
                "expected {expected}, found `{}`",
                char::from(byte)
            )),
            Ok(Some(byte)) => {
                self.syntax(&format!("expected {expected}, found the byte {byte:#04x}"))
            }
        }
    }

    /// Cuts out one value of any kind, with `text` as its bytes; false where these are more than
    /// [`LONGEST`] and `text` holds only the first of them.
    pub(super) fn value(&mut self, text: &mut Vec<u8>) -> Result<bool, Error> {
        text.clear();
        let begin = match self.peek()? {
            None | Some(b',' | b']' | b'}' | b':') => return Err(self.unexpected("a value")),
            Some(_) => self.line(),
        };
        let mut closing = Vec::new();
        let mut length = 0;
        loop {
            if closing.is_empty()
                && length > 0
                && matches!(
                    self.bytes.peek()?,
                    None | Some(b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\r' | b'\n')
                )
            {
                break;
            }
            let Some(byte) = self.bytes.next()? else {
                return Err(
                    self.syntax(&format!("the file ends within what begins in line {begin}"))
                );
            };
            keep(byte, text, &mut length);
            match byte {
                b'"' => self.rest_of_string(text, &mut length, begin)?,
                b'[' => closing.push(b']'),
                b'{' => closing.push(b'}'),
                b']' | b'}' => {
                    let expected = closing.pop();
                    if expected != Some(byte) {
                        return Err(self.syntax(&format!(
                            "`{}` closes nothing of what begins in line {begin}",
                            char::from(byte)
                        )));
                    }
                }
                _ => {}
            }
            if closing.len() > DEEPEST {
                return Err(self.syntax(&format!("lists nest deeper than {DEEPEST}")));
            }
            if closing.is_empty() && matches!(byte, b'"' | b']' | b'}') {
                break;
            }
        }
        Ok(length <= LONGEST)
    }

    /// A string up to its closing quote, behind the opening one.
    fn rest_of_string(
        &mut self,
        text: &mut Vec<u8>,
        length: &mut usize,
        begin: usize,
    ) -> Result<(), Error> {
        let mut escaped = false;
        loop {
            let Some(byte) = self.bytes.next()? else {
                return Err(self.syntax(&format!(
                    "the file ends within a text of what begins in line {begin}"
                )));
            };
            keep(byte, text, length);
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return Ok(()),
                _ => {}
            }
        }
    }
}

fn keep(byte: u8, text: &mut Vec<u8>, length: &mut usize) {
    if text.len() < LONGEST {
        text.push(byte);
    }
    *length = length.saturating_add(1);
}
