//! A saliency map laid over its radiograph.

use image::{Rgb, RgbImage};
use mednet_data::BoundingBox;

use crate::Error;
use crate::colormap::Colormap;

/// The colour boxes are drawn in.
pub const BOX_COLOUR: [u8; 3] = [0, 128, 0];

/// Width of a box's line, in pixels.
const BOX_LINE: i64 = 2;

/// A picture of shape `[C, H, W]`, row-major, values in `[0, 1]`; one channel (gray) or three.
#[derive(Debug, Clone, Copy)]
pub struct ImageView<'a> {
    /// 1 or 3.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `channels * height * width` values.
    pub pixels: &'a [f32],
}

/// A saliency map of shape `[H, W]`, row-major.
#[derive(Debug, Clone, Copy)]
pub struct MapView<'a> {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height * width` values.
    pub values: &'a [f32],
}

/// How the map is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Style {
    /// Salient pixels are tinted.
    Wash,
    /// A line runs round the salient pixels.
    Contour,
}

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct OverlayOptions<'a> {
    /// Values below this share of the map's maximum count as nothing; 0 to 1.
    pub threshold: f32,
    /// Weight of the tint, 0 (image only) to 1 (tint only).
    pub alpha: f32,
    /// Colours of the tint.
    pub colormap: Colormap,
    /// Boxes to draw, in pixels of the image.
    pub boxes: Option<&'a [BoundingBox]>,
    /// Tint or outline.
    pub style: Style,
    /// Width of the outline, in pixels; 2 unless told otherwise, more where the picture is going
    /// to be shrunk.
    pub contour_width: usize,
    /// Truncate twice, as the original does, instead of rounding once.
    pub compat: bool,
}

impl Default for OverlayOptions<'_> {
    fn default() -> Self {
        Self {
            threshold: 0.2,
            alpha: 0.5,
            colormap: Colormap::plasma(),
            boxes: None,
            style: Style::Wash,
            contour_width: 2,
            compat: false,
        }
    }
}

/// The image with its map over it.
///
/// Where the map, after the threshold, is exactly 0 the image shows unchanged. Elsewhere a pixel
/// is `(1 - alpha) * image + alpha * colour`. By default the result is rounded, and a map that
/// exceeds 1 is first divided by its maximum; negative values count as nothing. In compat mode
/// image and result are both truncated to 8 bits, as the original does, and a map above 1 is
/// refused.
///
/// # Errors
/// Where shapes do not fit, a value is not finite, or an option lies outside its range.
pub fn overlay(
    image: ImageView<'_>,
    map: MapView<'_>,
    options: &OverlayOptions<'_>,
) -> Result<RgbImage, Error> {
    check_image(image)?;
    check_map(map)?;
    if (map.height, map.width) != (image.height, image.width) {
        return Err(Error::SizesDiffer {
            map_height: map.height,
            map_width: map.width,
            image_height: image.height,
            image_width: image.width,
        });
    }
    share("threshold", options.threshold)?;
    share("alpha", options.alpha)?;
    let maximum = map.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if options.compat && maximum > 1.0 {
        return Err(Error::MapAboveOne { maximum });
    }
    let least = options.threshold * maximum;
    let scale = if maximum > 1.0 { maximum } else { 1.0 };
    let shown = |value: f32| {
        let kept = if value < least { 0.0 } else { value };
        if options.compat {
            kept
        } else {
            (kept / scale).max(0.0)
        }
    };

    let size = image_size(image.width, image.height)?;
    let mut picture = RgbImage::new(size.0, size.1);
    let plane = image.height * image.width;
    for (index, pixel) in picture.pixels_mut().enumerate() {
        let gray = |channel: usize| image.pixels[(channel % image.channels) * plane + index];
        let rgb = [gray(0), gray(1), gray(2)];
        let value = shown(map.values[index]);
        let tinted = options.style == Style::Wash && value != 0.0;
        *pixel = Rgb(if options.compat {
            compat_pixel(
                rgb,
                tinted.then(|| options.colormap.exact_colour(value)),
                options.alpha,
            )
        } else {
            rounded_pixel(
                rgb,
                tinted.then(|| options.colormap.exact_colour(value)),
                options.alpha,
            )
        });
    }
    if options.style == Style::Contour {
        let salient: Vec<bool> = map.values.iter().map(|&value| shown(value) > 0.0).collect();
        let colour = options.colormap.most_vivid();
        draw_contour(
            &mut picture,
            &salient,
            colour,
            options.contour_width.clamp(1, 16),
        );
    }
    for shape in options.boxes.unwrap_or_default() {
        draw_box(&mut picture, *shape);
    }
    Ok(picture)
}

/// The image alone, as the same pixels that an overlay leaves untouched.
///
/// # Errors
/// Where the shape does not fit or a value is not finite.
pub fn plain(image: ImageView<'_>) -> Result<RgbImage, Error> {
    let nothing = vec![
        0.0;
        image
            .height
            .saturating_mul(image.width)
            .min(image.pixels.len())
    ];
    let map = MapView {
        height: image.height,
        width: image.width,
        values: &nothing,
    };
    overlay(image, map, &OverlayOptions::default())
}

fn check_image(image: ImageView<'_>) -> Result<(), Error> {
    check(
        "image",
        image.channels,
        image.height,
        image.width,
        image.pixels,
    )
}

fn check_map(map: MapView<'_>) -> Result<(), Error> {
    check("saliency map", 1, map.height, map.width, map.values)
}

fn check(
    what: &'static str,
    channels: usize,
    height: usize,
    width: usize,
    values: &[f32],
) -> Result<(), Error> {
    let expected = height
        .checked_mul(width)
        .and_then(|plane| plane.checked_mul(channels));
    if !matches!(channels, 1 | 3) || expected != Some(values.len()) || values.is_empty() {
        return Err(Error::Shape {
            what,
            values: values.len(),
            channels,
            height,
            width,
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NotFinite {
            what,
            value: values[index],
            row: index / width % height,
            column: index % width,
        }),
    }
}

fn share(option: &'static str, value: f32) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::Option {
        option,
        value: value.to_string(),
        expected: "a number from 0 to 1",
    })
}

fn image_size(width: usize, height: usize) -> Result<(u32, u32), Error> {
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) => Ok((width, height)),
        _ => Err(Error::TooLarge {
            width: width as u64,
            height: height as u64,
        }),
    }
}

fn rounded_pixel(rgb: [f32; 3], heat: Option<[f64; 3]>, alpha: f32) -> [u8; 3] {
    let alpha = f64::from(alpha);
    std::array::from_fn(|channel| {
        let image = f64::from(rgb[channel].clamp(0.0, 1.0));
        let value = match heat {
            Some(heat) => (1.0 - alpha) * image + alpha * heat[channel],
            None => image,
        };
        (255.0 * value).round() as u8
    })
}

/// The image goes through 8 bits and `f32`, the blend is in `f64`, and both ends are cut off.
fn compat_pixel(rgb: [f32; 3], heat: Option<[f64; 3]>, alpha: f32) -> [u8; 3] {
    std::array::from_fn(|channel| {
        let image = f32::from((rgb[channel] * 255.0) as u8) / 255.0;
        let value = match heat {
            Some(heat) => f64::from((1.0 - alpha) * image) + f64::from(alpha) * heat[channel],
            None => f64::from(image),
        };
        (255.0 * value) as u8
    })
}

/// A line of `reach` pixels inside the edge in `colour`, half as much outside it darkened, so that
/// it is seen on bright and on dark ground. Nothing is drawn along the border of the picture.
fn draw_contour(picture: &mut RgbImage, salient: &[bool], colour: [u8; 3], reach: usize) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let near = |x: usize, y: usize, wanted: bool, reach: usize| {
        (y.saturating_sub(reach)..=(y + reach).min(height - 1)).any(|row| {
            (x.saturating_sub(reach)..=(x + reach).min(width - 1)).any(|column| {
                let distance = row.abs_diff(y) + column.abs_diff(x);
                distance <= reach && salient[row * width + column] == wanted
            })
        })
    };
    for y in 0..height {
        for x in 0..width {
            let pixel = picture.get_pixel_mut(x as u32, y as u32);
            if salient[y * width + x] {
                if near(x, y, false, reach) {
                    *pixel = Rgb(colour);
                }
            } else if near(x, y, true, reach.div_ceil(2)) {
                *pixel = Rgb(pixel.0.map(|byte| byte / 3));
            }
        }
    }
}

/// The outline of a box as Pillow's `rectangle` draws it: both corners belong to it, and the line
/// grows inwards. What lies outside the picture is cut off.
pub fn draw_box(picture: &mut RgbImage, shape: BoundingBox) {
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    let (left, right) = (shape.x1.min(shape.x2), shape.x1.max(shape.x2));
    let (top, bottom) = (shape.y1.min(shape.y2), shape.y1.max(shape.y2));
    let mut fill = |x1: i64, x2: i64, y1: i64, y2: i64| {
        for y in y1.max(0)..=y2.min(height - 1) {
            for x in x1.max(0)..=x2.min(width - 1) {
                picture.put_pixel(x as u32, y as u32, Rgb(BOX_COLOUR));
            }
        }
    };
    for inset in 0..BOX_LINE {
        let (above, below) = (top.saturating_add(inset), bottom.saturating_sub(inset));
        let (west, east) = (left.saturating_add(inset), right.saturating_sub(inset));
        fill(left, right, above, above);
        fill(left, right, below, below);
        fill(west, west, top, bottom);
        fill(east, east, top, bottom);
    }
}
