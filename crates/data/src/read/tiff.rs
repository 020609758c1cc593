//! The directory of a TIFF (TIFF 6.0, and BigTIFF), for kinds of files that the decoder reads wrong
//! or speaks of in words of its own.

use std::io::{self, Read, Seek, SeekFrom};

use super::raster::Samples;

const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const SAMPLES: u16 = 277;
const PLANES: u16 = 284;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTES: u16 = 325;
const EXTRA_SAMPLES: u16 = 338;
const SAMPLE_FORMAT: u16 = 339;

/// The kind of values of two bytes.
const SHORT: u16 = 3;

/// Most entries of a directory that is looked at.
const MOST_ENTRIES: u64 = 4096;

/// Whether a file begins as a BigTIFF, of which the crate `image` does not know that it reads it.
pub(super) fn is_big(start: &[u8]) -> bool {
    start.starts_with(b"II+\0") || start.starts_with(b"MM\0+")
}

/// The first directory of a file.
pub(super) struct Directory {
    big: bool,
    little_endian: bool,
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The values, where they have room; else where they are. Of the 8 bytes, a classic TIFF has 4.
    field: [u8; 8],
}

impl Directory {
    /// Reads it, from anywhere in the source.
    pub(super) fn read(source: &mut (impl Read + Seek)) -> io::Result<Self> {
        source.rewind()?;
        let mut start = [0; 4];
        source.read_exact(&mut start)?;
        let mut directory = Self {
            big: is_big(&start),
            little_endian: start[0] == b'I',
            entries: Vec::new(),
        };
        if directory.big {
            directory.number(source, 4)?; // size of offsets, and zero
        }
        let place = directory.number(source, directory.offset_size())?;
        source.seek(SeekFrom::Start(place))?;
        let count = directory.number(source, if directory.big { 8 } else { 2 })?;
        for _ in 0..count.min(MOST_ENTRIES) {
            let tag = directory.number(source, 2)? as u16;
            let kind = directory.number(source, 2)? as u16;
            let count = directory.number(source, directory.offset_size())?;
            let mut field = [0; 8];
            source.read_exact(&mut field[..directory.offset_size()])?;
            directory.entries.push(Entry {
                tag,
                kind,
                count,
                field,
            });
        }
        Ok(directory)
    }

    fn offset_size(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    fn number(&self, source: &mut impl Read, size: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        source.read_exact(&mut bytes[..size])?;
        Ok(self.value(&bytes[..size]))
    }

    fn value(&self, bytes: &[u8]) -> u64 {
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.little_endian {
            true => bytes.iter().rev().fold(0, add),
            false => bytes.iter().fold(0, add),
        }
    }

    fn bytes(&self, value: u64, size: usize) -> Vec<u8> {
        match self.little_endian {
            true => value.to_le_bytes()[..size].to_vec(),
            false => value.to_be_bytes()[8 - size..].to_vec(),
        }
    }

    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The value of a tag that has one, or several equal short ones that lie elsewhere.
    fn get(&self, source: &mut (impl Read + Seek), tag: u16) -> Option<u64> {
        let entry = self.entry(tag)?;
        let size = size_of_kind(entry.kind)?;
        if (size as u64).checked_mul(entry.count)? <= self.offset_size() as u64 {
            return (entry.count > 0).then(|| self.value(&entry.field[..size]));
        }
        let place = self.value(&entry.field[..self.offset_size()]);
        source.seek(SeekFrom::Start(place)).ok()?;
        self.number(source, size).ok()
    }

    /// Why a TIFF is not read, in plain words, where its kind is the reason.
    pub(super) fn kind_not_read(&self, source: &mut (impl Read + Seek)) -> Option<String> {
        let mut get = |tag, default| self.get(source, tag).unwrap_or(default);
        let what = match (get(PHOTOMETRIC, 1), get(SAMPLE_FORMAT, 1), get(BITS, 1)) {
            (3, _, _) => "with a palette".to_owned(),
            (6, _, _) => "in YCbCr colours".to_owned(),
            (8, _, _) => "in CIELab colours".to_owned(),
            (_, 2, _) => "of signed numbers".to_owned(),
            (_, 3, _) => "of floating-point numbers".to_owned(),
            (_, _, bits) if !matches!(bits, 1 | 8 | 16) => format!("of {bits} bits a value"),
            _ => match get(COMPRESSION, 1) {
                2 | 3 => "compressed as a facsimile".to_owned(),
                6 => "with JPEG of an old kind in it".to_owned(),
                compression @ (34_925 | 50_000..) => {
                    format!("of an uncommon compression ({compression})")
                }
                _ => return None,
            },
        };
        Some(not_read(&what))
    }

    /// Whether the bits of each byte are to be read in reverse order.
    ///
    /// # Errors
    ///
    /// Where that concerns coded bytes, of which only the coder knows what it means.
    pub(super) fn bits_are_reversed(
        &self,
        source: &mut (impl Read + Seek),
    ) -> Result<bool, String> {
        let mut get = |tag, default| self.get(source, tag).unwrap_or(default);
        if get(FILL_ORDER, 1) != 2 {
            return Ok(false);
        }
        match (get(COMPRESSION, 1), get(BITS, 1)) {
            (1, 8 | 16) => Ok(true),
            _ => Err(not_read("with its bits in reverse order (FillOrder 2)")),
        }
    }

    /// The directories of three pictures of one colour each, for a picture whose colours are in
    /// tiles of their own: the decoder takes the tiles of the second colour for such outside of the
    /// picture.
    pub(super) fn planes(&self, source: &mut (impl Read + Seek)) -> Option<[Self; 3]> {
        let mut get = |tag| self.get(source, tag);
        let in_planes = get(PLANES) == Some(2) && get(PHOTOMETRIC) == Some(2);
        let in_tiles = self.entry(TILE_OFFSETS).is_some();
        if !in_planes || !in_tiles || get(SAMPLES) != Some(3) {
            return None;
        }
        let plane = |index| self.plane(source, index);
        let [red, green, blue] = [0, 1, 2].map(plane);
        Some([red?, green?, blue?])
    }

    fn plane(&self, source: &mut (impl Read + Seek), index: u64) -> Option<Self> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let one = |value| {
                let mut field = [0; 8];
                let bytes = self.bytes(value, 2);
                field[..2].copy_from_slice(&bytes);
                Entry {
                    tag: entry.tag,
                    kind: SHORT,
                    count: 1,
                    field,
                }
            };
            entries.push(match entry.tag {
                EXTRA_SAMPLES => continue,
                BITS | SAMPLE_FORMAT => one(self.get(source, entry.tag)?),
                PHOTOMETRIC | SAMPLES | PLANES => one(1),
                TILE_OFFSETS | TILE_BYTES => self.third(source, entry, index)?,
                _ => entry.clone(),
            });
        }
        Some(Self { entries, ..*self })
    }

    /// One of three parts of a list.
    fn third(&self, source: &mut (impl Read + Seek), entry: &Entry, index: u64) -> Option<Entry> {
        let size = size_of_kind(entry.kind)?;
        let count = entry.count / 3;
        if !entry.count.is_multiple_of(3) || count == 0 {
            return None;
        }
        let all = entry.count.checked_mul(size as u64)?;
        // Short offsets in the entry itself, which no writer makes.
        if all <= self.offset_size() as u64 {
            return None;
        }
        let length = all / 3;
        let list = self.value(&entry.field[..self.offset_size()]);
        let place = list.checked_add(index * length)?;
        let mut field = [0; 8];
        if length <= self.offset_size() as u64 {
            source.seek(SeekFrom::Start(place)).ok()?;
            source.read_exact(&mut field[..length as usize]).ok()?;
        } else {
            let bytes = self.bytes(place, self.offset_size());
            field[..bytes.len()].copy_from_slice(&bytes);
        }
        Some(Entry {
            count,
            field,
            ..entry.clone()
        })
    }

    /// Puts this directory behind the first `length` bytes of a file, in place of its own.
    pub(super) fn replace(&self, file: &mut Vec<u8>, length: usize) {
        file.truncate(length);
        file.resize(length.next_multiple_of(2), 0);
        let size = self.offset_size();
        let place = self.bytes(file.len() as u64, size);
        file[size..2 * size].copy_from_slice(&place);
        let count_size = if self.big { 8 } else { 2 };
        file.extend(self.bytes(self.entries.len() as u64, count_size));
        for entry in &self.entries {
            file.extend(self.bytes(u64::from(entry.tag), 2));
            file.extend(self.bytes(u64::from(entry.kind), 2));
            file.extend(self.bytes(entry.count, size));
            file.extend_from_slice(&entry.field[..size]);
        }
        file.extend(std::iter::repeat_n(0, size));
    }
}

/// Bytes of a whole number of this kind.
fn size_of_kind(kind: u16) -> Option<usize> {
    match kind {
        1 => Some(1),
        SHORT => Some(2),
        4 => Some(4),
        16 => Some(8),
        _ => None,
    }
}

fn not_read(what: &str) -> String {
    format!("it is a TIFF {what}, which is not read: convert it, for instance to PNG")
}

/// The values with the bits of each byte in reverse order.
pub(super) fn reverse_bits(samples: &mut Samples) {
    match samples {
        Samples::Eight(values) => {
            for value in values {
                *value = value.reverse_bits();
            }
        }
        Samples::Sixteen(values) => {
            for value in values {
                *value = u16::from_ne_bytes(value.to_ne_bytes().map(u8::reverse_bits));
            }
        }
    }
}
