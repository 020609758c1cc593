//! An image file whose header is known before memory is asked for its pixels.

use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader, Limits};
use mednet_base::file::open_regular;
use mednet_base::panic::guard;

use super::notice::Notice;
use super::raster::{self, Raster, no_memory};
use super::tiff::{self, Directory};
use super::turn::{turned, turned_size};
use crate::error::Error;
use crate::file_facts::FileFacts;
use crate::size::ImageSize;

/// Pixels of the largest picture that is read where nobody says otherwise. The largest chest
/// radiographs have about 20 million.
pub const DEFAULT_MAX_PIXELS: u64 = 100_000_000;

/// Bytes of a pixel of the deepest kind that is read: four channels of 16 bits.
const DEEPEST_PIXEL: u64 = 8;
/// Bytes a file may have beside its pixels, and a decoder may use for them: colour profiles, texts,
/// tables.
const METADATA_LIMIT: u64 = 64 << 20;
/// Bytes at the beginning of a PNG that hold its size.
const PNG_HEADER: usize = 24;

/// A file in memory, the size of its picture, and nothing decoded yet.
#[derive(Debug)]
pub struct ImageFile {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Header,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    format: ImageFormat,
    /// As the pixels are stored.
    size: ImageSize,
    /// As TIFF and EXIF number it: 1, as stored, to 8.
    orientation: u8,
}

impl Header {
    /// As Pillow does it: a TIFF is turned when it is loaded, other files are not.
    fn turns(&self) -> bool {
        self.format == ImageFormat::Tiff
    }

    /// Rows and columns of the picture that is handed on.
    fn handed_on(&self) -> ImageSize {
        match self.turns() {
            true => turned_size(self.size, self.orientation),
            false => self.size,
        }
    }
}

impl ImageFile {
    /// Reads a file and the header of its picture.
    ///
    /// # Errors
    ///
    /// If the file is missing, no regular file, or holds no PNG, JPEG, TIFF or BMP picture;
    /// [`Error::ImageTooLarge`] where the header says more than `max_pixels`, whether the pixels
    /// are there or not; [`Error::ImageFileTooLarge`] where the file has more bytes than such a
    /// picture can need.
    pub fn open(path: &Path, max_pixels: u64) -> Result<Self, Error> {
        let bytes = read_bytes(path, max_pixels)?;
        let header = header(path, Cursor::new(&bytes), max_pixels)?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            header,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rows and columns of the picture; of a TIFF, turned by its orientation tag.
    #[must_use]
    pub fn size(&self) -> ImageSize {
        self.header.handed_on()
    }

    /// Length and digest of the bytes.
    #[must_use]
    pub fn facts(&self) -> FileFacts {
        FileFacts::of(&self.bytes)
    }

    /// The pixels. The bytes of the file are given back before anything is made of these.
    pub(super) fn into_raster(self, notices: &mut Vec<Notice>) -> Result<Raster, Error> {
        let path = self.path.clone();
        guarded(&path, || self.decode(notices))
    }

    fn decode(self, notices: &mut Vec<Notice>) -> Result<Raster, Error> {
        let Self {
            path,
            bytes,
            header,
        } = self;
        let Header {
            format,
            size,
            orientation,
        } = header;
        let failed = |reason: String| undecodable(&path, &reason);
        if format == ImageFormat::Jpeg && !has_jpeg_end(&bytes) {
            return Err(failed("the file is truncated (no end of image)".to_owned()));
        }
        let raster = match format {
            ImageFormat::Jpeg => {
                let decoder = limited_decoder(&bytes, format, size).map_err(failed)?;
                let (color, length) = (decoder.color_type(), decoder.total_bytes());
                drop(decoder);
                raster::decode_jpeg(&bytes, length, color, size, notices)
            }
            ImageFormat::Tiff => decode_tiff(bytes, size, notices),
            _ => limited_decoder(&bytes, format, size)
                .and_then(|decoder| raster::decode(decoder, size, format, &bytes, notices)),
        }
        .map_err(failed)?;
        if orientation == 1 {
            return Ok(raster);
        }
        Ok(match header.turns() {
            true => {
                notices.push(Notice::Turned { orientation });
                turned(raster, orientation)
            }
            false => {
                notices.push(Notice::OrientationIgnored { orientation });
                raster
            }
        })
    }
}

/// Rows and columns of the stored picture (of a TIFF: turned by its orientation tag), before any
/// removal of borders. Of PNG, TIFF and BMP
/// files only the header is read.
///
/// # Errors
///
/// As [`ImageFile::open`].
pub fn image_size(path: &Path, max_pixels: u64) -> Result<ImageSize, Error> {
    let file = open_regular(path).map_err(|source| unreadable(path, source))?;
    Ok(header(path, BufReader::new(file), max_pixels)?.handed_on())
}

/// Decoding of untrusted bytes by code of others: a panic is an error of this file alone.
fn guarded<T>(path: &Path, decode: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    guard(decode).unwrap_or_else(|what| {
        Err(Error::DecoderFault {
            path: path.to_owned(),
            what,
        })
    })
}

/// Length and digest of an image file, without decoding it.
///
/// # Errors
///
/// If the file is missing, no regular file, or cannot be read.
pub fn file_facts(path: &Path) -> Result<FileFacts, Error> {
    open_regular(path)
        .and_then(FileFacts::read)
        .map_err(|source| unreadable(path, source))
}

fn header<R: BufRead + Seek>(path: &Path, source: R, max_pixels: u64) -> Result<Header, Error> {
    guarded(path, || unguarded_header(path, source, max_pixels))
}

fn unguarded_header<R: BufRead + Seek>(
    path: &Path,
    mut source: R,
    max_pixels: u64,
) -> Result<Header, Error> {
    let mut start = Vec::with_capacity(PNG_HEADER);
    source
        .by_ref()
        .take(PNG_HEADER as u64)
        .read_to_end(&mut start)
        .and_then(|_| source.rewind())
        .map_err(|source| unreadable(path, source))?;
    if start.is_empty() {
        return Err(undecodable(path, "the file is empty"));
    }
    let format = match tiff::is_big(&start) {
        true => Some(ImageFormat::Tiff),
        false => image::guess_format(&start).ok().filter(|format| {
            matches!(
                format,
                ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Tiff | ImageFormat::Bmp
            )
        }),
    };
    let Some(format) = format else {
        let reason = "the content is not that of a PNG, JPEG, TIFF or BMP file";
        return Err(undecodable(path, reason));
    };
    // The decoder of PNG makes room for a row before it tells the size.
    if let (ImageFormat::Png, Some(size)) = (format, png_size(&start)) {
        checked_size(path, size, max_pixels)?;
    }
    let told = decoder(&mut source, format, limits_for(max_pixels))
        .map(|mut decoder| {
            // Notes that cannot be read are no reason to refuse the pixels.
            let orientation = decoder.orientation().map_or(1, Orientation::to_exif);
            (decoder.dimensions(), orientation)
        })
        .map_err(|error| error.to_string());
    let ((width, height), orientation) =
        told.map_err(|reason| undecodable(path, &in_words(reason, format, source)))?;
    let size = ImageSize::new(height as usize, width as usize);
    checked_size(path, size, max_pixels)?;
    Ok(Header {
        format,
        size,
        orientation,
    })
}

fn decoder<'a, R: BufRead + Seek + 'a>(
    source: R,
    format: ImageFormat,
    limits: Limits,
) -> image::ImageResult<impl ImageDecoder + 'a> {
    let mut reader = ImageReader::with_format(source, format);
    reader.limits(limits);
    reader.into_decoder()
}

/// A decoder for a file with a picture of this size.
fn limited_decoder(
    bytes: &[u8],
    format: ImageFormat,
    size: ImageSize,
) -> Result<impl ImageDecoder + '_, String> {
    let limits = limits_for(size.pixels());
    let mut decoder =
        decoder(Cursor::new(bytes), format, limits.clone()).map_err(|error| error.to_string())?;
    decoder
        .set_limits(limits)
        .map_err(|error| error.to_string())?;
    Ok(decoder)
}

/// A TIFF, also of kinds that the decoder alone reads wrong.
fn decode_tiff(
    mut bytes: Vec<u8>,
    size: ImageSize,
    notices: &mut Vec<Notice>,
) -> Result<Raster, String> {
    let format = ImageFormat::Tiff;
    let mut decode = |bytes: &[u8]| {
        limited_decoder(bytes, format, size)
            .and_then(|decoder| raster::decode(decoder, size, format, bytes, notices))
    };
    let directory = Directory::read(&mut Cursor::new(&bytes)).ok();
    let Some(directory) = directory else {
        return decode(&bytes);
    };
    let reversed = directory.bits_are_reversed(&mut Cursor::new(&bytes))?;
    let planes = directory.planes(&mut Cursor::new(&bytes));
    let mut raster = match planes {
        None => decode(&bytes).map_err(|reason| in_words(reason, format, Cursor::new(&bytes)))?,
        Some(planes) => {
            let length = bytes.len();
            let mut whole = None;
            for (index, plane) in planes.iter().enumerate() {
                plane.replace(&mut bytes, length);
                raster::place_plane(&mut whole, index, decode(&bytes)?)?;
            }
            whole.ok_or("it has no colours")?
        }
    };
    if reversed {
        tiff::reverse_bits(&mut raster.samples);
    }
    Ok(raster)
}

/// What a decoder says, or in plain words what kind of file is not read.
fn in_words(reason: String, format: ImageFormat, mut source: impl Read + Seek) -> String {
    let kind = match format {
        ImageFormat::Tiff => Directory::read(&mut source)
            .ok()
            .and_then(|directory| directory.kind_not_read(&mut source)),
        _ => None,
    };
    kind.unwrap_or(reason)
}

/// What a decoder may ask for beside the pixels it hands over: as much again, where it decodes
/// into a buffer of its own first.
fn limits_for(pixels: u64) -> Limits {
    let mut limits = Limits::default();
    let decoded = pixels.saturating_mul(DEEPEST_PIXEL);
    limits.max_alloc = Some(decoded.saturating_mul(2).saturating_add(METADATA_LIMIT));
    limits
}

/// Width and height are the first of the header chunk, which always comes first.
fn png_size(start: &[u8]) -> Option<ImageSize> {
    let number = |place: usize| {
        let bytes = start.get(place..place + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    Some(ImageSize::new(number(20)?, number(16)?))
}

fn checked_size(path: &Path, size: ImageSize, max_pixels: u64) -> Result<(), Error> {
    if size.pixels() > max_pixels {
        return Err(Error::ImageTooLarge {
            path: path.to_owned(),
            stored: size,
            transformed: None,
            limit: max_pixels,
        });
    }
    if size.pixels() == 0 {
        return Err(undecodable(
            path,
            &format!("the picture has no pixels: {size}"),
        ));
    }
    Ok(())
}

/// The bytes of a file that may hold a picture of so many pixels.
fn read_bytes(path: &Path, max_pixels: u64) -> Result<Vec<u8>, Error> {
    let limit = max_pixels
        .saturating_mul(DEEPEST_PIXEL)
        .saturating_add(METADATA_LIMIT);
    let file = open_regular(path).map_err(|source| unreadable(path, source))?;
    let length = file
        .metadata()
        .map_err(|source| unreadable(path, source))?
        .len();
    let too_large = || Error::ImageFileTooLarge {
        path: path.to_owned(),
        limit,
        max_pixels,
    };
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // One more, so that the end is found without growing.
    bytes
        .try_reserve_exact(
            usize::try_from(length)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
        )
        .map_err(|_| undecodable(path, &no_memory(length)))?;
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| unreadable(path, source))?;
    match bytes.len() as u64 > limit {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// Messages of decoders in one line and without a full stop.
fn undecodable(path: &Path, reason: &str) -> Error {
    let joined = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    Error::Undecodable {
        path: path.to_owned(),
        reason: joined.trim_end_matches('.').to_owned(),
    }
}

/// Whether the coded pixels of a JPEG end with the marker that says so.
///
/// The decoder fills what is missing with gray; half a lung must not pass for a whole one. Inside
/// coded pixels the marker cannot occur, so that its first place after them is the end.
fn has_jpeg_end(file: &[u8]) -> bool {
    let mut position = 2;
    while let Some([0xff, marker, high, low]) = file
        .get(position..position + 4)
        .and_then(|b| <[u8; 4]>::try_from(b).ok())
    {
        if marker == 0xff {
            position += 1;
            continue;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        position += 2 + length;
        const START_OF_SCAN: u8 = 0xda;
        if marker == START_OF_SCAN {
            let coded = file.get(position..).unwrap_or_default();
            return coded.windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
    }
    // No scan at all: the decoder says what is wrong with it.
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_decoder_is_an_error_of_its_file() {
        let path = Path::new("imgs/a\r.tif");
        let error = guarded(path, || -> Result<(), Error> {
            panic!("assertion failed: row {} of {}", 7, "\x1b[2J")
        });
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with(
                "`imgs/a\\r.tif`: the decoder failed on it (assertion failed: row 7 of \\x1b[2J"
            ) && text.ends_with("): convert the file, for instance to PNG"),
            "{text}"
        );
        assert!(guarded(path, || Ok(3)).is_ok_and(|value| value == 3));
    }
}
