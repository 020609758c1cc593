//! The bytes of a split file, decompressed as they are needed.

use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use mednet_base::file::open_regular;

use crate::error::Error;

/// Largest split that is read, in bytes after decompression (the largest stock split has 50 MB).
const SIZE_LIMIT: u64 = 1 << 29;
/// Bytes that are decompressed at a time.
const PART: usize = 1 << 16;

/// A file of text that may be compressed by gzip or bzip2, a byte after the other.
pub(super) struct Bytes {
    path: PathBuf,
    decoder: Box<dyn Read>,
    /// What was decompressed and not all handed on.
    part: Vec<u8>,
    place: usize,
    /// Bytes decompressed so far.
    total: u64,
    line: usize,
}

impl Bytes {
    /// Told apart by content: a renamed file is read all the same.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut reader = BufReader::new(open_regular(path).map_err(unreadable)?);
        let mut start = Vec::new();
        reader
            .by_ref()
            .take(3)
            .read_to_end(&mut start)
            .map_err(unreadable)?;
        let whole = Cursor::new(start.clone()).chain(reader);
        let decoder: Box<dyn Read> = match start.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
            b"BZh" => Box::new(bzip2::read::MultiBzDecoder::new(whole)),
            _ => Box::new(whole),
        };
        Ok(Self {
            path: path.to_owned(),
            decoder,
            part: Vec::with_capacity(PART),
            place: 0,
            total: 0,
            line: 1,
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The line of the next byte, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The next byte, which stays the next.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        if self.place == self.part.len() {
            self.decompress()?;
        }
        Ok(self.part.get(self.place).copied())
    }

    /// The next byte, `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<u8>, Error> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.place += 1;
            self.line += usize::from(byte == b'\n');
        }
        Ok(byte)
    }

    fn decompress(&mut self) -> Result<(), Error> {
        self.part.clear();
        self.place = 0;
        self.decoder
            .by_ref()
            .take(PART as u64)
            .read_to_end(&mut self.part)
            .map_err(|source| Error::Unreadable {
                path: self.path.clone(),
                source,
            })?;
        self.total += self.part.len() as u64;
        match self.total > SIZE_LIMIT {
            true => Err(Error::TooLarge {
                path: self.path.clone(),
                limit: SIZE_LIMIT,
            }),
            false => Ok(()),
        }
    }
}
