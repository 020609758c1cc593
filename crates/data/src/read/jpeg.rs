//! JPEG files: damage is noticed, and decoding goes on behind it where restart markers allow that.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::jpeg_restart::Restarts;
use super::notice::Notice;

/// What the decoder writes where it has nothing.
const NOTHING: u8 = 128;

/// Fills `values`, which has the bytes of the pixels, and gives them back, with a notice where not
/// all of them are there.
///
/// What decodes without a fault is decoded once. A file with a fault is decoded again: with the
/// stretches between restart markers that hold a fault taken out, or, where there are no such
/// markers, up to the fault. What is missing is gray.
pub(super) fn decode(
    file: &[u8],
    mut values: Vec<u8>,
) -> Result<(Vec<u8>, Option<Notice>), String> {
    let restarts = Restarts::of(file);
    // The decoder does not miss a marker.
    let complete = restarts.as_ref().is_none_or(|all| all.complete(file));
    if complete && decode_into(file, true, &mut values).is_ok() {
        return Ok((values, None));
    }
    if let Some(restarts) = restarts {
        let (whole, lost, stretches) = restarts.repaired(file, |stretch, length| {
            decode_into(stretch, true, &mut vec![0; length]).is_ok()
        });
        if decode_into(&whole, true, &mut values).is_ok() {
            let damage = (lost > 0).then(|| damaged(lost, stretches));
            return Ok((values, damage));
        }
    }
    values.fill(0);
    decode_into(file, false, &mut values)?;
    let missing = values.iter().rev().take_while(|value| **value == NOTHING);
    let missing = missing.count();
    let length = values.len();
    Ok((values, Some(damaged(missing, length))))
}

fn damaged(missing: usize, of: usize) -> Notice {
    let percent = (100 * missing as u128).div_ceil(of.max(1) as u128);
    Notice::JpegDamaged {
        missing_percent: u8::try_from(percent).unwrap_or(100),
    }
}

/// Decodes as the crate `image` does, but `strict` makes an error of a fault in the coded pixels.
/// Faults of the header are forgiven in any case.
fn decode_into(file: &[u8], strict: bool, values: &mut [u8]) -> Result<(), String> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder
        .decode_headers()
        .map_err(|error| error.to_string())?;
    let color = match decoder.input_colorspace() {
        Some(
            color @ (ColorSpace::RGB | ColorSpace::RGBA | ColorSpace::Luma | ColorSpace::LumaA),
        ) => color,
        _ => ColorSpace::RGB,
    };
    let options = options.jpeg_set_out_colorspace(color);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder
        .decode_headers()
        .map_err(|error| error.to_string())?;
    decoder.set_options(options.set_strict_mode(strict));
    decoder
        .decode_into(values)
        .map_err(|error| error.to_string())
}
