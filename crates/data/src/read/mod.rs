//! Image files as the raw rule of a database wants them.

mod border;
mod image_file;
mod jpeg;
mod jpeg_restart;
mod notice;
mod raster;
mod tiff;
mod turn;

use std::path::{Path, PathBuf};

use crate::annotation::BoundingBox;
use crate::error::Error;
use crate::file_facts::FileFacts;
use crate::mode::Mode;
use crate::sample::Image;
use border::Kept;
use raster::{Raster, Samples, no_memory};

pub use image_file::{DEFAULT_MAX_PIXELS, ImageFile, file_facts, image_size};
pub use notice::Notice;

/// Which channels a database's pictures have when they reach the transforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Gray stays gray, colour stays colour.
    AsStored,
    /// One channel, by the luma of ITU-R BT.601 in integers (Pillow's mode "L").
    Gray,
}

/// What happens to black rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borders {
    /// Nothing.
    Keep,
    /// Every row and every column that is black throughout is removed, also inside the picture.
    Remove,
}

/// How the files of a database are turned into pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawRule {
    /// Channels.
    pub colour: Colour,
    /// Black rows and columns.
    pub borders: Borders,
}

/// A picture, its boxes, and what was done to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The picture.
    pub image: Image,
    /// The boxes in pixels of `image`.
    pub boxes: Option<Vec<BoundingBox>>,
    /// What the owner of the file should know.
    pub notices: Vec<Notice>,
    /// Of the bytes that were decoded.
    pub file: FileFacts,
}

/// Read a picture of at most [`DEFAULT_MAX_PIXELS`] by the rule of its database. `boxes` are in
/// pixels of the stored picture (of a TIFF: turned by its orientation tag); they follow the removal
/// of black rows and columns.
///
/// # Errors
///
/// As [`ImageFile::open`] and [`decode`].
pub fn read(
    path: &Path,
    rule: RawRule,
    boxes: Option<&[BoundingBox]>,
    mode: Mode,
) -> Result<Read, Error> {
    decode(
        ImageFile::open(path, DEFAULT_MAX_PIXELS)?,
        rule,
        boxes,
        mode,
    )
}

/// The picture of a file by the rule of its database. `boxes` are in pixels of the stored picture
/// (of a TIFF: turned by its orientation tag); they follow the removal of black rows and columns.
///
/// At its peak this takes, beside the values of the picture that is given back, less than four
/// times the memory of the pixels as integers.
///
/// # Errors
///
/// If the file is truncated, damaged, black throughout (where borders are removed), of a kind that
/// no radiograph has, or there is not enough memory for it.
pub fn decode(
    file: ImageFile,
    rule: RawRule,
    boxes: Option<&[BoundingBox]>,
    mode: Mode,
) -> Result<Read, Error> {
    let path: PathBuf = file.path().to_owned();
    let facts = file.facts();
    let mut notices = Vec::new();
    let mut raster = file.into_raster(&mut notices)?;
    if let Samples::Sixteen(values) = &raster.samples {
        let largest = values.iter().copied().max().unwrap_or(0);
        notices.extend(Notice::of_largest(largest));
    }
    let alpha = notices.contains(&Notice::AlphaDropped);
    if mode == Mode::Mednet && (raster.channels == 3 || alpha) {
        reduce_to_eight_bits(&mut raster, &mut notices);
    }
    if rule.colour == Colour::Gray {
        if raster.channels == 1 && matches!(raster.samples, Samples::Sixteen(_)) {
            notices.push(Notice::SixteenBitGrayScaled);
        }
        raster = to_gray(raster);
    }
    let mut boxes = boxes.map(<[BoundingBox]>::to_vec);
    if rule.borders == Borders::Remove {
        let kept = Kept::of(&raster);
        if kept.size().height == 0 {
            return Err(Error::EntirelyBlack { path });
        }
        boxes = boxes.map(|all| all.into_iter().map(|b| kept.move_box(b)).collect());
        raster = kept.crop(raster);
    }
    let image = to_unit_range(&raster).map_err(|reason| Error::Undecodable { path, reason })?;
    Ok(Read {
        image,
        boxes,
        notices,
        file: facts,
    })
}

/// The high byte of every value, as Pillow reads 16-bit colour.
fn reduce_to_eight_bits(raster: &mut Raster, notices: &mut Vec<Notice>) {
    if let Samples::Sixteen(values) = &raster.samples {
        raster.samples = Samples::Eight(values.iter().map(|value| (value >> 8) as u8).collect());
        notices.push(Notice::ReducedToEightBits);
    }
}

/// Luma in 16-bit fixed point: 0.299, 0.587 and 0.114 times 65536, rounded to nearest.
fn luma(pixel: [u64; 3]) -> u64 {
    (19_595 * pixel[0] + 38_470 * pixel[1] + 7_471 * pixel[2] + 32_768) >> 16
}

fn to_gray(raster: Raster) -> Raster {
    if raster.channels == 1 {
        return raster;
    }
    // The weights add up to 65536, so that the result never exceeds the depth it came from.
    let samples = match &raster.samples {
        Samples::Eight(values) => Samples::Eight(
            values
                .chunks_exact(3)
                .map(|p| luma([p[0], p[1], p[2]].map(u64::from)) as u8)
                .collect(),
        ),
        Samples::Sixteen(values) => Samples::Sixteen(
            values
                .chunks_exact(3)
                .map(|p| luma([p[0], p[1], p[2]].map(u64::from)) as u16)
                .collect(),
        ),
    };
    Raster {
        channels: 1,
        size: raster.size,
        samples,
    }
}

/// `[H, W, C]` integers to `[C, H, W]` in `[0, 1]`: times the reciprocal in `f32`, as torchvision
/// does it, which is not always the same number as the quotient.
fn to_unit_range(raster: &Raster) -> Result<Image, String> {
    fn planes<T: Copy>(
        values: &[T],
        channels: usize,
        unit: impl Fn(T) -> f32,
    ) -> Result<Vec<f32>, String> {
        let mut pixels = Vec::new();
        pixels
            .try_reserve_exact(values.len())
            .map_err(|_| no_memory(values.len() as u64 * 4))?;
        for channel in 0..channels {
            let plane = values.iter().skip(channel).step_by(channels);
            pixels.extend(plane.map(|value| unit(*value)));
        }
        Ok(pixels)
    }
    let pixels = match &raster.samples {
        Samples::Eight(values) => planes(values, raster.channels, |value| {
            f32::from(value) * (1.0 / 255.0)
        }),
        Samples::Sixteen(values) => planes(values, raster.channels, |value| {
            f32::from(value) * (1.0 / 65_535.0)
        }),
    };
    Ok(Image {
        channels: raster.channels,
        height: raster.size.height,
        width: raster.size.width,
        pixels: pixels?,
    })
}
