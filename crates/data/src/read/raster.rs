//! PNG, JPEG, TIFF and BMP files as integers, told apart by their content, not by their name.

use std::io::{BufReader, Read as _};
use std::path::Path;

use image::{ColorType, ImageDecoder, ImageFormat, ImageReader};
use mednet_base::file::open_regular;

use super::Notice;
use crate::error::Error;
use crate::size::ImageSize;

/// Largest file that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 30;
/// Most pixels that are decoded (the largest chest radiographs have about 20 million).
const PIXEL_LIMIT: u64 = 1 << 28;

/// A decoded picture: values as stored, channels of a pixel side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    /// 1 (gray) or 3 (red, green, blue).
    pub(crate) channels: usize,
    /// Rows and columns.
    pub(crate) size: ImageSize,
    /// Shape `[H, W, C]`.
    pub(crate) samples: Samples,
}

/// The values, at the depth of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Samples {
    /// `0..=255`.
    Eight(Vec<u8>),
    /// `0..=65535`.
    Sixteen(Vec<u16>),
}

/// Decode a file. Palettes become colours, alpha is dropped, 1 to 4 bits become 8.
pub(super) fn read(path: &Path, notices: &mut Vec<Notice>) -> Result<Raster, Error> {
    let undecodable = |reason: String| Error::Undecodable {
        path: path.to_owned(),
        reason: plain(&reason),
    };
    let bytes = read_bytes(path)?;
    let format = format_of(path, &bytes)?;
    if format == ImageFormat::Jpeg && !has_jpeg_end(&bytes) {
        return Err(undecodable(
            "the file is truncated (no end of image)".to_owned(),
        ));
    }
    let mut reader = ImageReader::with_format(std::io::Cursor::new(&bytes), format);
    reader.limits(limits());
    let mut decoder = reader
        .into_decoder()
        .map_err(|error| undecodable(error.to_string()))?;
    let size = checked_size(path, decoder.dimensions())?;
    decoder
        .set_limits(limits())
        .map_err(|error| undecodable(error.to_string()))?;
    let color = decoder.color_type();
    let length = usize::try_from(decoder.total_bytes())
        .map_err(|_| undecodable("the picture does not fit into memory".to_owned()))?;
    let mut data = vec![0; length];
    decoder
        .read_image(&mut data)
        .map_err(|error| undecodable(error.to_string()))?;
    assemble(data, color, size, format, &bytes, notices)
        .ok_or_else(|| undecodable(format!("pixels of kind {color:?} are not supported")))
}

/// Rows and columns of a picture, from the header of its file.
pub(super) fn size(path: &Path) -> Result<ImageSize, Error> {
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut reader = open_regular(path)
        .and_then(|file| ImageReader::new(BufReader::new(file)).with_guessed_format())
        .map_err(unreadable)?;
    if !reader.format().is_some_and(supported) {
        return Err(unknown_format(path));
    }
    reader.limits(limits());
    let dimensions = reader
        .into_dimensions()
        .map_err(|error| Error::Undecodable {
            path: path.to_owned(),
            reason: plain(&error.to_string()),
        })?;
    checked_size(path, dimensions)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = open_regular(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            limit: FILE_LIMIT,
        });
    }
    Ok(bytes)
}

fn supported(format: ImageFormat) -> bool {
    matches!(
        format,
        ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Tiff | ImageFormat::Bmp
    )
}

fn unknown_format(path: &Path) -> Error {
    Error::Undecodable {
        path: path.to_owned(),
        reason: "the content is not that of a PNG, JPEG, TIFF or BMP file".to_owned(),
    }
}

fn format_of(path: &Path, bytes: &[u8]) -> Result<ImageFormat, Error> {
    if bytes.is_empty() {
        return Err(Error::Undecodable {
            path: path.to_owned(),
            reason: "the file is empty".to_owned(),
        });
    }
    image::guess_format(bytes)
        .ok()
        .filter(|format| supported(*format))
        .ok_or_else(|| unknown_format(path))
}

fn limits() -> image::Limits {
    let mut limits = image::Limits::default();
    // Three channels of 16 bits, and as much again for the decoder's own buffers.
    limits.max_alloc = Some(PIXEL_LIMIT * 12);
    limits
}

fn checked_size(path: &Path, (width, height): (u32, u32)) -> Result<ImageSize, Error> {
    let size = ImageSize::new(height as usize, width as usize);
    if u64::from(width) * u64::from(height) > PIXEL_LIMIT {
        return Err(Error::ImageTooLarge {
            path: path.to_owned(),
            size,
            limit: PIXEL_LIMIT,
        });
    }
    if width == 0 || height == 0 {
        return Err(Error::Undecodable {
            path: path.to_owned(),
            reason: format!("the picture has no pixels: {size}"),
        });
    }
    Ok(size)
}

/// Messages of decoders, in one line and without a full stop.
fn plain(message: &str) -> String {
    let joined = message.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.trim_end_matches('.').to_owned()
}

/// Values of the wanted channels, or `None` for kinds of pixels that no radiograph has (floats).
fn assemble(
    data: Vec<u8>,
    color: ColorType,
    size: ImageSize,
    format: ImageFormat,
    file: &[u8],
    notices: &mut Vec<Notice>,
) -> Option<Raster> {
    let stored = usize::from(color.channel_count());
    let channels = if stored >= 3 { 3 } else { 1 };
    if stored > channels {
        notices.push(Notice::AlphaDropped);
    }
    let raster = match color {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => Raster {
            channels,
            size,
            samples: Samples::Eight(without_alpha(data, stored, channels)),
        },
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let values = data
                .chunks_exact(2)
                .map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
                .collect();
            Raster {
                channels,
                size,
                samples: Samples::Sixteen(without_alpha(values, stored, channels)),
            }
        }
        _ => return None,
    };
    match format {
        // The colour type in the header chunk, which always comes first; 3 is a palette.
        ImageFormat::Png if file.get(25) == Some(&3) => {
            notices.push(Notice::PaletteConverted);
            Some(raster)
        }
        ImageFormat::Bmp if is_bmp_palette(file) => Some(gray_or_palette(raster, notices)),
        _ => Some(raster),
    }
}

fn without_alpha<T: Copy>(values: Vec<T>, stored: usize, channels: usize) -> Vec<T> {
    if stored == channels {
        return values;
    }
    values
        .chunks_exact(stored)
        .flat_map(|pixel| pixel[..channels].iter().copied())
        .collect()
}

/// Whether a BMP holds indices: 8 bits a pixel or fewer.
fn is_bmp_palette(file: &[u8]) -> bool {
    // The length of the information header tells its version: 12 is that of OS/2.
    let position = if file.get(14) == Some(&12) { 24 } else { 28 };
    file.get(position).is_some_and(|bits| *bits <= 8)
}

/// A BMP has no gray pixels of its own: a palette of grays means a gray picture.
fn gray_or_palette(raster: Raster, notices: &mut Vec<Notice>) -> Raster {
    let Samples::Eight(values) = &raster.samples else {
        return raster;
    };
    if raster.channels != 3 {
        return raster;
    }
    if values
        .chunks_exact(3)
        .any(|pixel| pixel[0] != pixel[1] || pixel[1] != pixel[2])
    {
        notices.push(Notice::PaletteConverted);
        return raster;
    }
    let gray = values.iter().copied().step_by(3).collect();
    Raster {
        channels: 1,
        size: raster.size,
        samples: Samples::Eight(gray),
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
