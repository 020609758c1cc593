//! Numpy's `.npy` files: two-dimensional maps, written with the very header bytes that numpy
//! writes, and read in the variants that numpy can write.
//!
//! Format: NEP 1, <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use mednet_saliency::Map;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The header is padded so that the values start at a multiple of this.
const ALIGNMENT: usize = 64;
/// Longest header that is read.
const HEADER_LIMIT: usize = 1 << 16;
/// Bytes that hold the header of almost every file.
const START: usize = 1024;
/// Most values that are read: a map of 16384 x 16384.
const VALUE_LIMIT: usize = 1 << 28;

/// A `.npy` file that cannot be used as a map.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The file cannot be read.
    #[error("cannot read the map `{path}`")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is something else, or damaged.
    #[error("`{path}` is not a saliency map: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The bytes of a map as `numpy.save` writes it: version 1.0, `<f4`, C order.
#[must_use]
pub fn to_bytes(map: &Map) -> Vec<u8> {
    let mut bytes = header(map);
    bytes.extend_from_slice(&values(map));
    bytes
}

/// What stands before the values.
pub(crate) fn header(map: &Map) -> Vec<u8> {
    let shape = format!("({}, {})", map.height, map.width);
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.extend(std::iter::repeat_n(
        ' ',
        unpadded.next_multiple_of(ALIGNMENT) - unpadded,
    ));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

/// The values as bytes, without copying them where the machine's order is that of the file.
pub(crate) fn values(map: &Map) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(&map.values))
    } else {
        map.values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }
}

/// Reads a map: any floating-point, integer or boolean type of numpy, either byte order, either
/// memory order; an extra first axis of extent 1 is dropped.
///
/// # Errors
/// Where the file is not there, is no `.npy` file, or holds something else than a plane of
/// numbers.
pub fn read(path: &Path) -> Result<Map, NpyError> {
    let unreadable = |source| NpyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_or(0, |about| about.len());
    let map = read_stream(file, length).map_err(unreadable)?;
    map.map_err(|reason| NpyError::Malformed {
        path: path.to_owned(),
        reason,
    })
}

/// Reads a map from a stream of about `length` bytes, or says what is wrong with it.
fn read_stream(mut stream: impl Read, length: u64) -> io::Result<Result<Map, String>> {
    let mut bytes = Vec::with_capacity(START);
    stream.by_ref().take(START as u64).read_to_end(&mut bytes)?;
    if let Some(map) = read_in_place(&bytes, &mut stream, length)? {
        return Ok(Ok(map));
    }
    let limit = (VALUE_LIMIT * 8 + HEADER_LIMIT) as u64;
    bytes.reserve_exact(length.min(limit) as usize);
    stream.take(limit).read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}

/// Reads values that lie in the file as they will lie in memory without a copy between; none where
/// they lie otherwise, or are more or fewer than the header says.
fn read_in_place(start: &[u8], rest: &mut impl Read, length: u64) -> io::Result<Option<Map>> {
    let Ok((layout, first)) = Layout::parse(start) else {
        return Ok(None);
    };
    let [height, width] = [layout.height, layout.width];
    let header = start.len() - first.len();
    let whole = length == (header + 4 * height * width) as u64;
    if !(cfg!(target_endian = "little") && layout.is_ours() && whole) {
        return Ok(None);
    }
    let mut values = vec![0.0_f32; height * width];
    let (begun, missing) = bytemuck::cast_slice_mut(&mut values).split_at_mut(first.len());
    begun.copy_from_slice(first);
    rest.read_exact(missing)?;
    Ok(Some(Map {
        height,
        width,
        values,
    }))
}

fn parse(bytes: &[u8]) -> Result<Map, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let (layout, values) = Layout::parse(bytes)?;
    let element = &layout.element;
    let expected = layout.height * layout.width * element.size;
    if values.len() != expected {
        let found = values.len();
        return Err(format!(
            "expected {expected} bytes of values, found {found}"
        ));
    }
    let values = values.chunks_exact(element.size);
    let values: Vec<f32> = values.map(|bytes| element.value(bytes)).collect();
    Ok(Map {
        height: layout.height,
        width: layout.width,
        values: if layout.fortran {
            transpose(&values, layout.height)
        } else {
            values
        },
    })
}

/// How the values of a plane lie in a file.
struct Layout {
    element: Element,
    /// Column after column.
    fortran: bool,
    height: usize,
    width: usize,
}

impl Layout {
    /// The layout and the bytes after the header.
    fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), String> {
        let (header, values) = split_header(bytes)?;
        let descr = field(header, "descr").ok_or("its header names no type")?;
        let element = Element::parse(descr.trim_matches(['\'', '"']))?;
        let fortran = field(header, "fortran_order").ok_or("its header names no order")? == "True";
        let shape = parse_shape(field(header, "shape").ok_or("its header names no shape")?)?;
        let ([height, width] | [1, height, width]) = shape[..] else {
            return Err(format!(
                "expected a plane, found an array of shape {shape:?}"
            ));
        };
        height
            .checked_mul(width)
            .filter(|&count| count <= VALUE_LIMIT)
            .ok_or_else(|| format!("a map of {height} x {width} is too large"))?;
        let layout = Self {
            element,
            fortran,
            height,
            width,
        };
        Ok((layout, values))
    }

    /// Whether it is what [`to_bytes`] writes.
    fn is_ours(&self) -> bool {
        let Element {
            kind,
            size,
            big_endian,
        } = self.element;
        (kind, size, big_endian, self.fortran) == (b'f', 4, false, false)
    }
}

/// The text of the header and the bytes of the values.
fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("it does not start like a .npy file")?;
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [major, ..] => return Err(format!("version {major} of the format is not known")),
        [] => return Err("it ends in its header".to_owned()),
    };
    let (header, values) = rest
        .split_at_checked(length)
        .filter(|_| length <= HEADER_LIMIT)
        .ok_or("it ends in its header")?;
    Ok((
        std::str::from_utf8(header).map_err(|_| "its header is not text")?,
        values,
    ))
}

/// The value of a key of the header, a Python dictionary of three entries.
fn field<'h>(header: &'h str, key: &str) -> Option<&'h str> {
    let start = header.find(&format!("'{key}'"))? + key.len() + 2;
    let value = header[start..].trim_start().strip_prefix(':')?.trim_start();
    let end = match value.chars().next()? {
        '(' => value.find(')')? + 1,
        quote @ ('\'' | '"') => value[1..].find(quote)? + 2,
        _ => value.find([',', '}'])?,
    };
    Some(value[..end].trim())
}

fn parse_shape(text: &str) -> Result<Vec<usize>, String> {
    let inside = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'));
    inside
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|extent| !extent.is_empty())
        .map(|extent| extent.parse().map_err(|_| format!("its shape is `{text}`")))
        .collect()
}

fn transpose(values: &[f32], height: usize) -> Vec<f32> {
    (0..height)
        .flat_map(|row| values.iter().skip(row).step_by(height.max(1)))
        .copied()
        .collect()
}

/// A type of numpy's numbers.
struct Element {
    kind: u8,
    size: usize,
    big_endian: bool,
}

impl Element {
    fn parse(descr: &str) -> Result<Self, String> {
        let unknown = || format!("values of type `{descr}` are not numbers that can be read");
        let (&order, rest) = descr.as_bytes().split_first().ok_or_else(unknown)?;
        let (&kind, size) = rest.split_first().ok_or_else(unknown)?;
        let size = std::str::from_utf8(size)
            .ok()
            .and_then(|size| size.parse().ok());
        let size: usize = size.ok_or_else(unknown)?;
        let known = match kind {
            b'f' => matches!(size, 2 | 4 | 8),
            b'i' | b'u' => matches!(size, 1 | 2 | 4 | 8),
            b'b' => size == 1,
            _ => false,
        };
        let order_known = matches!(order, b'<' | b'>' | b'|' | b'=');
        (known && order_known)
            .then_some(Self {
                kind,
                size,
                big_endian: order == b'>',
            })
            .ok_or_else(unknown)
    }

    fn value(&self, bytes: &[u8]) -> f32 {
        let mut word = [0; 8];
        for (position, &byte) in bytes.iter().enumerate() {
            word[if self.big_endian {
                self.size - 1 - position
            } else {
                position
            }] = byte;
        }
        let bits = u64::from_le_bytes(word);
        match (self.kind, self.size) {
            (b'f', 2) => half_to_single(bits as u16),
            (b'f', 4) => f32::from_bits(bits as u32),
            (b'f', _) => f64::from_bits(bits) as f32,
            (b'i', size) => {
                let unused = 64 - 8 * size as u32;
                (((bits << unused) as i64) >> unused) as f32
            }
            _ => bits as f32,
        }
    }
}

/// IEEE 754 half precision.
fn half_to_single(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(bits & 0x3ff);
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2.0_f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2.0_f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Map, String> {
        read_stream(bytes, bytes.len() as u64).unwrap()
    }

    #[test]
    fn the_header_is_numpys() {
        let bytes = to_bytes(&Map::zeros(512, 512));
        let mut expected = b"\x93NUMPY\x01\x00v\x00".to_vec();
        expected.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (512, 512), }");
        expected.resize(127, b' ');
        expected.push(b'\n');
        assert_eq!(&bytes[..128], &expected[..]);
        assert_eq!(bytes.len(), 128 + 4 * 512 * 512);
    }

    fn file(descr: &str, fortran: &str, shape: &str, values: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values);
        bytes
    }

    #[test]
    fn every_number_type_is_read() {
        let single = |bytes: &[u8]| read(bytes).unwrap().values;
        assert_eq!(
            single(&file("<f2", "False", "(1, 2)", &[0x00, 0x3c, 0x00, 0xc0])),
            [1.0, -2.0]
        );
        assert_eq!(
            single(&file(">f4", "False", "(1, 1)", &1.5_f32.to_be_bytes())),
            [1.5]
        );
        assert_eq!(
            single(&file("<f8", "False", "(1, 1)", &(-0.5_f64).to_le_bytes())),
            [-0.5]
        );
        assert_eq!(
            single(&file("|u1", "False", "(1, 2)", &[0, 255])),
            [0.0, 255.0]
        );
        assert_eq!(
            single(&file("<i2", "False", "(1, 1)", &(-3_i16).to_le_bytes())),
            [-3.0]
        );
        assert_eq!(
            single(&file("|b1", "False", "(1, 1, 2)", &[0, 1])),
            [0.0, 1.0]
        );
    }

    #[test]
    fn values_after_a_long_header_are_read() {
        let spaces = " ".repeat(2 * START);
        let values: Vec<u8> = (0..6)
            .flat_map(|value| (value as f32).to_le_bytes())
            .collect();
        let map = read(&file("<f4", "False", &format!("(2,{spaces} 3)"), &values)).unwrap();
        assert_eq!(map.values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn a_length_that_was_not_true_is_no_matter() {
        let map = Map::zeros(30, 20);
        for length in [0, 1, 1 << 20] {
            let read = read_stream(&to_bytes(&map)[..], length);
            assert_eq!(read.unwrap().unwrap(), map);
        }
        let shortened = &to_bytes(&map)[..2000];
        let read = read_stream(shortened, to_bytes(&map).len() as u64);
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn columns_first_are_turned() {
        let map = read(&file("|u1", "True", "(2, 3)", &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!(map.values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let reason = |bytes: &[u8]| read(bytes).unwrap_err();
        assert!(reason(b"").contains("empty"));
        assert!(reason(b"PNG").contains("does not start"));
        assert!(reason(&file("<f4", "False", "(2, 2)", &[0; 15])).contains("expected 16 bytes"));
        assert!(reason(&file("<f4", "False", "(4,)", &[0; 16])).contains("expected a plane"));
        assert!(reason(&file("|O", "False", "(1, 1)", &[0; 8])).contains("not numbers"));
        assert!(reason(&file("<f4", "False", "(99999999999, 99999999999)", &[])).contains("large"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(height in 0usize..40, width in 1usize..40, bits in any::<u32>()) {
            let values: Vec<f32> =
                (0..height * width).map(|i| f32::from_bits(bits.rotate_left(i as u32))).collect();
            let map = Map { height, width, values };
            let back = read(&to_bytes(&map)).unwrap();
            let bits = |map: &Map| map.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!((back.height, back.width), (height, width));
            prop_assert_eq!(bits(&back), bits(&map));
        }

        #[test]
        fn no_bytes_make_it_panic(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            header in any::<bool>(),
        ) {
            if header {
                let mut whole = file("<f4", "False", "(2, 2)", &[0; 16]);
                for (position, byte) in bytes.iter().enumerate().take(20) {
                    let at = (usize::from(*byte) * 7 + position * 11) % whole.len();
                    whole[at] ^= byte;
                }
                bytes = whole;
            }
            let _ = read(&bytes);
        }
    }
}
