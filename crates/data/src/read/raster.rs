//! Decoded pixels as integers.

use image::{ColorType, ImageDecoder, ImageFormat};

use super::jpeg;
use super::notice::Notice;
use crate::size::ImageSize;

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

/// Decode a picture. Palettes become colours, alpha is dropped, 1 to 4 bits become 8.
///
/// The pixels are decoded to where they stay; beside them a decoder has at most one buffer of its
/// own and `file`.
pub(super) fn decode(
    decoder: impl ImageDecoder,
    size: ImageSize,
    format: ImageFormat,
    file: &[u8],
    notices: &mut Vec<Notice>,
) -> Result<Raster, String> {
    let color = decoder.color_type();
    let bytes = decoder.total_bytes();
    let values = usize::try_from(bytes / u64::from(color.bytes_per_pixel()))
        .ok()
        .and_then(|pixels| pixels.checked_mul(usize::from(color.channel_count())))
        .ok_or_else(|| no_memory(bytes))?;
    let samples = match color {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
            let mut values: Vec<u8> = zeros(values)?;
            decoder
                .read_image(&mut values)
                .map_err(|error| error.to_string())?;
            Samples::Eight(values)
        }
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let mut values: Vec<u16> = zeros(values)?;
            decoder
                .read_image(bytemuck::cast_slice_mut(&mut values))
                .map_err(|error| error.to_string())?;
            Samples::Sixteen(values)
        }
        // Floating point, which no radiograph has.
        _ => return Err(format!("pixels of kind {color:?} are not supported")),
    };
    Ok(assemble(samples, color, size, format, file, notices))
}

/// Puts one colour, decoded as a gray picture, into a picture of three, which the first one makes.
pub(super) fn place_plane(
    whole: &mut Option<Raster>,
    index: usize,
    plane: Raster,
) -> Result<(), String> {
    fn place<T: Copy>(values: &mut [T], index: usize, plane: &[T]) {
        for (target, value) in values.iter_mut().skip(index).step_by(3).zip(plane) {
            *target = *value;
        }
    }
    if whole.is_none() {
        *whole = Some(Raster {
            channels: 3,
            size: plane.size,
            samples: match &plane.samples {
                Samples::Eight(values) => Samples::Eight(zeros(3 * values.len())?),
                Samples::Sixteen(values) => Samples::Sixteen(zeros(3 * values.len())?),
            },
        });
    }
    match (
        whole.as_mut().map(|whole| &mut whole.samples),
        plane.samples,
    ) {
        (Some(Samples::Eight(values)), Samples::Eight(plane)) => place(values, index, &plane),
        (Some(Samples::Sixteen(values)), Samples::Sixteen(plane)) => place(values, index, &plane),
        _ => return Err("its colours are of different depths".to_owned()),
    }
    Ok(())
}

/// Decode a JPEG, of which `color` and `length` in bytes are known.
pub(super) fn decode_jpeg(
    file: &[u8],
    length: u64,
    color: ColorType,
    size: ImageSize,
    notices: &mut Vec<Notice>,
) -> Result<Raster, String> {
    let length = usize::try_from(length).map_err(|_| no_memory(length))?;
    let (values, damage) = jpeg::decode(file, zeros(length)?)?;
    notices.extend(damage);
    let samples = Samples::Eight(values);
    Ok(assemble(
        samples,
        color,
        size,
        ImageFormat::Jpeg,
        file,
        notices,
    ))
}

/// So many zeros, unless there is no memory for them and as many again: a decoder that finds none
/// for its own buffer ends the program.
fn zeros<T: Copy + Default>(count: usize) -> Result<Vec<T>, String> {
    let both = count.saturating_mul(2);
    Vec::<T>::new()
        .try_reserve_exact(both)
        .map_err(|_| no_memory((both as u64).saturating_mul(size_of::<T>() as u64)))?;
    Ok(vec![T::default(); count])
}

/// What is said where the memory for so many bytes is not there.
pub(super) fn no_memory(bytes: u64) -> String {
    format!(
        "there is not enough memory for its {} MB",
        bytes.div_ceil(1 << 20)
    )
}

/// The values of the wanted channels.
fn assemble(
    samples: Samples,
    color: ColorType,
    size: ImageSize,
    format: ImageFormat,
    file: &[u8],
    notices: &mut Vec<Notice>,
) -> Raster {
    let stored = usize::from(color.channel_count());
    let channels = if stored >= 3 { 3 } else { 1 };
    if stored > channels {
        notices.push(Notice::AlphaDropped);
    }
    let raster = Raster {
        channels,
        size,
        samples: match samples {
            Samples::Eight(values) => Samples::Eight(without_alpha(values, stored, channels)),
            Samples::Sixteen(values) => Samples::Sixteen(without_alpha(values, stored, channels)),
        },
    };
    match format {
        // The colour type in the header chunk, which always comes first; 3 is a palette.
        ImageFormat::Png if file.get(25) == Some(&3) => {
            notices.push(Notice::PaletteConverted);
            raster
        }
        ImageFormat::Bmp if is_bmp_palette(file) => gray_or_palette(raster, notices),
        _ => raster,
    }
}

/// Moves what stays to the front, where it needs no second buffer.
fn without_alpha<T: Copy>(mut values: Vec<T>, stored: usize, channels: usize) -> Vec<T> {
    if stored == channels {
        return values;
    }
    let pixels = values.len() / stored;
    for pixel in 0..pixels {
        for channel in 0..channels {
            values[pixel * channels + channel] = values[pixel * stored + channel];
        }
    }
    values.truncate(pixels * channels);
    values.shrink_to_fit();
    values
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
