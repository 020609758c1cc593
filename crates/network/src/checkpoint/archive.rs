//! A minimal reader of zip archives, for those that `torch.save` writes.
//!
//! Layout after PKWARE's APPNOTE 6.3. Our own because a checkpoint needs little of the format
//! (entries stored or deflated, zip64) but needs it strict: sizes checked against the file before
//! anything is allocated, entries that overlap refused, and nothing read that is not asked for.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use super::error::{Fault, shorten};
use super::limits;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const END64_LOCATOR: u32 = 0x0706_4b50;
/// Length of the end record, without comment.
const END_BYTES: usize = 22;
const LOCAL_HEADER_BYTES: u64 = 30;

/// One file within the archive.
#[derive(Debug, Clone)]
struct Entry {
    header: u64,
    stored: u64,
    size: u64,
    checksum: u32,
    method: u16,
    encrypted: bool,
}

/// The table of contents of a zip archive.
#[derive(Debug)]
pub(super) struct Archive {
    entries: BTreeMap<String, Entry>,
    file_length: u64,
}

impl Archive {
    /// Reads the table of contents of a file of `file_length` bytes.
    pub(super) fn open<R: Read + Seek>(reader: &mut R, file_length: u64) -> Result<Self, Fault> {
        let (count, directory_start, directory_length) = find_directory(reader, file_length)?;
        if count > limits::ARCHIVE_ENTRIES {
            return Err(Fault::BeyondLimit(format!(
                "{count} zip entries, at most {} are read",
                limits::ARCHIVE_ENTRIES
            )));
        }
        let directory = read_at(reader, directory_start, directory_length, file_length)?;
        let mut rest = directory.as_slice();
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let (name, entry) = parse_entry(&mut rest)?;
            if entries.insert(name.clone(), entry).is_some() {
                return Err(Fault::damaged(format!(
                    "zip entry `{}` is twice there",
                    shorten(&name)
                )));
            }
        }
        let archive = Self {
            entries,
            file_length,
        };
        archive.check_disjoint(directory_start)?;
        Ok(archive)
    }

    /// Entries that share bytes let a small file expand without bound; no writer makes them.
    fn check_disjoint(&self, directory_start: u64) -> Result<(), Fault> {
        let mut spans: Vec<(u64, u64)> = self
            .entries
            .values()
            .map(|e| {
                (
                    e.header,
                    e.header
                        .saturating_add(LOCAL_HEADER_BYTES)
                        .saturating_add(e.stored),
                )
            })
            .collect();
        spans.sort_unstable();
        spans.push((directory_start, directory_start));
        if spans.windows(2).any(|pair| pair[0].1 > pair[1].0) {
            return Err(Fault::damaged("zip entries overlap"));
        }
        Ok(())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The uncompressed content of an entry of at most `limit` bytes.
    pub(super) fn read<R: Read + Seek>(
        &self,
        reader: &mut R,
        name: &str,
        limit: u64,
    ) -> Result<Vec<u8>, Fault> {
        let shown = shorten(name);
        let entry = self
            .entries
            .get(name)
            .ok_or_else(|| Fault::damaged(format!("zip entry `{shown}` is not there")))?;
        if entry.encrypted {
            return Err(Fault::not_a_checkpoint(
                "an encrypted zip archive",
                "save it again without a password",
            ));
        }
        if entry.size > limit {
            return Err(Fault::BeyondLimit(format!(
                "zip entry `{shown}` has {} bytes, at most {limit} are read",
                entry.size
            )));
        }
        let header = read_at(reader, entry.header, LOCAL_HEADER_BYTES, self.file_length)?;
        let mut fields = header.as_slice();
        if take_u32(&mut fields)? != LOCAL_HEADER {
            return Err(Fault::damaged(format!("zip entry `{shown}` has no header")));
        }
        take(&mut fields, 22)?;
        let name_length = u64::from(take_u16(&mut fields)?);
        let extra_length = u64::from(take_u16(&mut fields)?);
        let start = entry.header + LOCAL_HEADER_BYTES + name_length + extra_length;
        let stored = read_at(reader, start, entry.stored, self.file_length)?;
        let content = match entry.method {
            0 => stored,
            8 => inflate(&stored, entry.size, &shown)?,
            other => {
                return Err(Fault::not_a_checkpoint(
                    format!("a zip archive compressed by method {other}"),
                    "save it again with torch.save",
                ));
            }
        };
        if content.len() as u64 != entry.size {
            return Err(Fault::damaged(format!(
                "zip entry `{shown}` has another size than stated"
            )));
        }
        // torch.save writes 0 where checksums were switched off.
        if entry.checksum != 0 {
            let mut checksum = flate2::Crc::new();
            checksum.update(&content);
            if checksum.sum() != entry.checksum {
                return Err(Fault::damaged(format!(
                    "zip entry `{shown}` fails its checksum"
                )));
            }
        }
        Ok(content)
    }
}

/// Uncompresses to exactly `size` bytes; memory grows with what is really there, not with `size`.
fn inflate(stored: &[u8], size: u64, shown: &str) -> Result<Vec<u8>, Fault> {
    let mut content = Vec::new();
    flate2::read::DeflateDecoder::new(stored)
        .take(size.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|_| Fault::damaged(format!("zip entry `{shown}` does not uncompress")))?;
    Ok(content)
}

/// Number of entries, start and length of the central directory.
fn find_directory<R: Read + Seek>(
    reader: &mut R,
    file_length: u64,
) -> Result<(u64, u64, u64), Fault> {
    let cut_off = || Fault::damaged("a zip archive without its end");
    let tail_length = file_length.min(END_BYTES as u64 + 65_535);
    let tail_start = file_length - tail_length;
    let tail = read_at(reader, tail_start, tail_length, file_length)?;
    let last = tail.len().checked_sub(END_BYTES).ok_or_else(cut_off)?;
    let at = (0..=last)
        .rev()
        .find(|&at| {
            let record = &tail[at..];
            record.starts_with(&END.to_le_bytes())
                && usize::from(u16::from_le_bytes([record[20], record[21]]))
                    == record.len() - END_BYTES
        })
        .ok_or_else(cut_off)?;
    let mut record = &tail[at + 4..];
    let (disk, directory_disk) = (take_u16(&mut record)?, take_u16(&mut record)?);
    take(&mut record, 2)?;
    let count = u64::from(take_u16(&mut record)?);
    let length = u64::from(take_u32(&mut record)?);
    let start = u64::from(take_u32(&mut record)?);
    if (disk != 0 && disk != u16::MAX) || (directory_disk != 0 && directory_disk != u16::MAX) {
        return Err(Fault::damaged("one volume of a zip archive of several"));
    }

    let locator_at = (tail_start + at as u64).checked_sub(20);
    if let Some(locator_at) = locator_at {
        let locator = read_at(reader, locator_at, 20, file_length)?;
        let mut locator = locator.as_slice();
        if take_u32(&mut locator)? == END64_LOCATOR {
            take(&mut locator, 4)?;
            let end_at = take_u64(&mut locator)?;
            let end = read_at(reader, end_at, 56, file_length)?;
            let mut end = end.as_slice();
            if take_u32(&mut end)? != END64 {
                return Err(Fault::damaged("a zip64 archive without its end"));
            }
            take(&mut end, 28)?;
            let count = take_u64(&mut end)?;
            let length = take_u64(&mut end)?;
            return Ok((count, take_u64(&mut end)?, length));
        }
    }
    Ok((count, start, length))
}

fn parse_entry(rest: &mut &[u8]) -> Result<(String, Entry), Fault> {
    if take_u32(rest)? != CENTRAL_HEADER {
        return Err(Fault::damaged("the table of contents of the zip archive"));
    }
    take(rest, 4)?;
    let flags = take_u16(rest)?;
    let method = take_u16(rest)?;
    take(rest, 4)?;
    let checksum = take_u32(rest)?;
    let mut stored = u64::from(take_u32(rest)?);
    let mut size = u64::from(take_u32(rest)?);
    let name_length = usize::from(take_u16(rest)?);
    let extra_length = usize::from(take_u16(rest)?);
    let comment_length = usize::from(take_u16(rest)?);
    take(rest, 8)?;
    let mut header = u64::from(take_u32(rest)?);
    let name = String::from_utf8_lossy(take(rest, name_length)?).into_owned();
    let mut extra = take(rest, extra_length)?;
    take(rest, comment_length)?;
    while extra.len() >= 4 {
        let id = take_u16(&mut extra)?;
        let length = usize::from(take_u16(&mut extra)?);
        let length = length.min(extra.len());
        let mut field = take(&mut extra, length)?;
        if id == 1 {
            // Zip64: only those that did not fit, in this order.
            for value in [&mut size, &mut stored, &mut header] {
                if *value == u64::from(u32::MAX) {
                    *value = take_u64(&mut field)?;
                }
            }
        }
    }
    Ok((
        name,
        Entry {
            header,
            stored,
            size,
            checksum,
            method,
            encrypted: flags & 1 != 0,
        },
    ))
}

/// Reads `length` bytes from `start`, which must lie within the file.
pub(super) fn read_at<R: Read + Seek>(
    reader: &mut R,
    start: u64,
    length: u64,
    file_length: u64,
) -> Result<Vec<u8>, Fault> {
    if start
        .checked_add(length)
        .is_none_or(|end| end > file_length)
    {
        return Err(Fault::damaged(format!(
            "it should have {length} bytes at {start}, but has {file_length} in all"
        )));
    }
    reader.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))
        .map_err(|_| Fault::BeyondLimit(format!("{length} bytes do not fit into memory")))?;
    if reader.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(Fault::damaged("it became shorter while it was read"));
    }
    Ok(bytes)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Fault> {
    let (head, tail) = rest
        .split_at_checked(count)
        .ok_or_else(|| Fault::damaged("the table of contents of the zip archive ends too early"))?;
    *rest = tail;
    Ok(head)
}

fn take_u16(rest: &mut &[u8]) -> Result<u16, Fault> {
    let bytes = take(rest, 2)?;
    Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, Fault> {
    Ok(u32::from(take_u16(rest)?) | u32::from(take_u16(rest)?) << 16)
}

fn take_u64(rest: &mut &[u8]) -> Result<u64, Fault> {
    Ok(u64::from(take_u32(rest)?) | u64::from(take_u32(rest)?) << 32)
}
