//! Pages as pixels.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path as Outline, PathBuilder, Pixmap,
    PremultipliedColorU8, StrokeDash, Transform,
};
use ttf_parser::{GlyphId, OutlineBuilder};

use super::{Colour, Item, Page, Stroke, Text, font};
use crate::Error;

/// Most pixels of a picture: 64 million.
const MOST_PIXELS: f64 = 64e6;

/// Draws a page with `resolution` pixels an inch.
///
/// # Errors
/// Where the picture would be empty or have more than 64 million pixels.
pub fn render(page: &Page, resolution: f64) -> Result<RgbImage, Error> {
    let scale = resolution / 72.0;
    let (width, height) = ((page.width * scale).round(), (page.height * scale).round());
    let too_large = || Error::TooLarge {
        width: width as u64,
        height: height as u64,
    };
    // The comparisons are false for NaN.
    if !(width >= 1.0 && height >= 1.0 && width * height <= MOST_PIXELS) {
        return Err(too_large());
    }
    let mut pixmap = Pixmap::new(width as u32, height as u32).ok_or_else(too_large)?;
    pixmap.fill(Color::WHITE);
    for item in &page.items {
        draw(&mut pixmap, item, scale);
    }
    let bytes = pixmap
        .data()
        .chunks_exact(4)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
    RgbImage::from_raw(width as u32, height as u32, bytes.collect()).ok_or_else(too_large)
}

/// The bytes of a PNG file.
///
/// # Errors
/// Where the encoder refuses the picture.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| Error::Encoding {
            reason: error.to_string(),
        })?;
    Ok(bytes.into_inner())
}

fn draw(pixmap: &mut Pixmap, item: &Item, scale: f64) {
    let transform = Transform::from_scale(scale as f32, scale as f32);
    match item {
        Item::Path {
            points,
            closed,
            fill,
            stroke,
        } => {
            let mut builder = PathBuilder::new();
            for (index, &(x, y)) in points.iter().enumerate() {
                if index == 0 {
                    builder.move_to(x as f32, y as f32);
                } else {
                    builder.line_to(x as f32, y as f32);
                }
            }
            if *closed {
                builder.close();
            }
            if let Some(path) = builder.finish() {
                paint(pixmap, &path, *fill, stroke.as_ref(), transform);
            }
        }
        Item::Circle {
            centre,
            radius,
            fill,
            stroke,
        } => {
            let (x, y) = *centre;
            if let Some(path) = PathBuilder::from_circle(x as f32, y as f32, *radius as f32) {
                paint(pixmap, &path, *fill, stroke.as_ref(), transform);
            }
        }
        Item::Text(text) => draw_text(pixmap, text, transform),
        Item::Picture { frame, pixels } => draw_picture(pixmap, *frame, pixels, scale),
    }
}

fn paint_of(colour: Colour) -> Paint<'static> {
    let mut paint = Paint {
        anti_alias: true,
        ..Paint::default()
    };
    let [red, green, blue] = colour.rgb;
    let alpha = (colour.alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
    paint.set_color_rgba8(red, green, blue, alpha);
    paint
}

fn paint(
    pixmap: &mut Pixmap,
    path: &Outline,
    fill: Option<Colour>,
    stroke: Option<&Stroke>,
    transform: Transform,
) {
    if let Some(colour) = fill {
        pixmap.fill_path(path, &paint_of(colour), FillRule::Winding, transform, None);
    }
    if let Some(stroke) = stroke {
        let dashes = stroke.dashes.iter().map(|&length| length as f32).collect();
        let style = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: StrokeDash::new(dashes, 0.0),
            ..tiny_skia::Stroke::default()
        };
        pixmap.stroke_path(path, &paint_of(stroke.colour), &style, transform, None);
    }
}

struct GlyphPath<'a> {
    builder: &'a mut PathBuilder,
    x: f32,
    scale: f32,
}

impl OutlineBuilder for GlyphPath<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.builder
            .move_to(self.x + x * self.scale, -y * self.scale);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.builder
            .line_to(self.x + x * self.scale, -y * self.scale);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (at, by) = (self.x, self.scale);
        self.builder
            .quad_to(at + x1 * by, -y1 * by, at + x * by, -y * by);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (at, by) = (self.x, self.scale);
        self.builder.cubic_to(
            at + x1 * by,
            -y1 * by,
            at + x2 * by,
            -y2 * by,
            at + x * by,
            -y * by,
        );
    }

    fn close(&mut self) {
        self.builder.close();
    }
}

fn draw_text(pixmap: &mut Pixmap, text: &Text, transform: Transform) {
    let face = font::face();
    let scale = (text.size / f64::from(face.units_per_em())) as f32;
    let mut builder = PathBuilder::new();
    let mut x = 0.0;
    for glyph in font::glyphs(&text.text) {
        let mut path = GlyphPath {
            builder: &mut builder,
            x: (x * text.size) as f32,
            scale,
        };
        face.outline_glyph(GlyphId(glyph.id), &mut path);
        x += glyph.advance;
    }
    let Some(path) = builder.finish() else { return };
    let (x, y) = font::start(text);
    let placed = if text.upwards {
        Transform::from_row(0.0, -1.0, 1.0, 0.0, x as f32, y as f32)
    } else {
        Transform::from_translate(x as f32, y as f32)
    };
    paint(
        pixmap,
        &path,
        Some(text.colour),
        None,
        placed.post_concat(transform),
    );
}

/// Copies a picture to whole pixels, resized once with a filter that neither aliases nor rings.
fn draw_picture(pixmap: &mut Pixmap, frame: [f64; 4], pixels: &RgbImage, scale: f64) {
    let [left, top, right, bottom] = [frame[0], frame[1], frame[0] + frame[2], frame[1] + frame[3]]
        .map(|at| (at * scale).round());
    let (width, height) = ((right - left) as u32, (bottom - top) as u32);
    if width == 0 || height == 0 || f64::from(width) * f64::from(height) > MOST_PIXELS {
        return;
    }
    let resized = imageops::resize(pixels, width, height, FilterType::Triangle);
    let (columns, rows) = (i64::from(pixmap.width()), i64::from(pixmap.height()));
    for (x, y, pixel) in resized.enumerate_pixels() {
        let (x, y) = (left as i64 + i64::from(x), top as i64 + i64::from(y));
        if (0..columns).contains(&x) && (0..rows).contains(&y) {
            let [red, green, blue] = pixel.0;
            if let Some(colour) = PremultipliedColorU8::from_rgba(red, green, blue, 255) {
                pixmap.pixels_mut()[(y * columns + x) as usize] = colour;
            }
        }
    }
}
