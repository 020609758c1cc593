//! A page as a list of lines, shapes, texts and pictures, and the two ways to put it in a file:
//! as vectors ([`pdf`]) and as pixels ([`raster`]).
//!
//! Lengths are points (1/72 inch); the origin is the top left corner, y runs down.

pub mod font;
pub mod pdf;
pub mod raster;

use std::sync::Arc;

use image::RgbImage;

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// 0 (invisible) to 1 (opaque).
    pub alpha: f32,
}

impl Colour {
    /// Opaque black.
    pub const BLACK: Self = Self::opaque([0, 0, 0]);
    /// Opaque white.
    pub const WHITE: Self = Self::opaque([255, 255, 255]);

    /// A colour that hides what is below.
    #[must_use]
    pub const fn opaque(rgb: [u8; 3]) -> Self {
        Self { rgb, alpha: 1.0 }
    }

    /// An opaque gray, 0 black to 255 white.
    #[must_use]
    pub const fn gray(value: u8) -> Self {
        Self::opaque([value; 3])
    }

    /// The same colour with another opacity.
    #[must_use]
    pub const fn with_alpha(self, alpha: f32) -> Self {
        Self {
            rgb: self.rgb,
            alpha,
        }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub colour: Colour,
    /// Its width in points.
    pub width: f64,
    /// Lengths of dashes and gaps, in turn; empty for a solid line.
    pub dashes: Vec<f64>,
}

impl Stroke {
    /// A solid line.
    #[must_use]
    pub fn solid(colour: Colour, width: f64) -> Self {
        Self {
            colour,
            width,
            dashes: Vec::new(),
        }
    }

    /// A dashed line.
    #[must_use]
    pub fn dashed(colour: Colour, width: f64, dashes: &[f64]) -> Self {
        Self {
            colour,
            width,
            dashes: dashes.to_vec(),
        }
    }
}

/// Which part of a text lies at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A piece of text on one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// Where its anchor is.
    pub x: f64,
    /// Where its baseline is.
    pub y: f64,
    /// Size of the font in points.
    pub size: f64,
    /// Its colour.
    pub colour: Colour,
    /// What lies at (`x`, `y`).
    pub anchor: Anchor,
    /// Whether it runs upwards instead of to the right.
    pub upwards: bool,
}

/// One thing on a page.
#[derive(Debug, Clone)]
pub enum Item {
    /// Corners joined by straight lines.
    Path {
        /// The corners.
        points: Vec<(f64, f64)>,
        /// Whether the last corner is joined to the first.
        closed: bool,
        /// What the inside is filled with.
        fill: Option<Colour>,
        /// What the outline is drawn with.
        stroke: Option<Stroke>,
    },
    /// A circle.
    Circle {
        /// Its centre.
        centre: (f64, f64),
        /// Its radius.
        radius: f64,
        /// What it is filled with.
        fill: Option<Colour>,
        /// What its outline is drawn with.
        stroke: Option<Stroke>,
    },
    /// A piece of text.
    Text(Text),
    /// A picture, stretched to a rectangle.
    Picture {
        /// Left, top, width and height.
        frame: [f64; 4],
        /// The pixels.
        pixels: Arc<RgbImage>,
    },
}

/// A page and what is on it, in drawing order.
#[derive(Debug, Clone)]
pub struct Page {
    /// Width in points.
    pub width: f64,
    /// Height in points.
    pub height: f64,
    /// What is on it; later things hide earlier ones.
    pub items: Vec<Item>,
}

impl Page {
    /// An empty white page.
    #[must_use]
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            items: Vec::new(),
        }
    }

    /// Draws a line through the points.
    pub fn line(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let points = points.to_vec();
        self.items.push(Item::Path {
            points,
            closed: false,
            fill: None,
            stroke: Some(stroke),
        });
    }

    /// Draws a shape with these corners.
    pub fn polygon(
        &mut self,
        points: &[(f64, f64)],
        fill: impl Into<Option<Colour>>,
        stroke: impl Into<Option<Stroke>>,
    ) {
        let (fill, stroke) = (fill.into(), stroke.into());
        self.items.push(Item::Path {
            points: points.to_vec(),
            closed: true,
            fill,
            stroke,
        });
    }

    /// Draws a rectangle: left, top, width, height.
    pub fn rectangle(
        &mut self,
        [left, top, width, height]: [f64; 4],
        fill: impl Into<Option<Colour>>,
        stroke: impl Into<Option<Stroke>>,
    ) {
        let (right, bottom) = (left + width, top + height);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        self.polygon(&corners, fill, stroke);
    }

    /// Draws a circle.
    pub fn circle(
        &mut self,
        centre: (f64, f64),
        radius: f64,
        fill: impl Into<Option<Colour>>,
        stroke: impl Into<Option<Stroke>>,
    ) {
        self.items.push(Item::Circle {
            centre,
            radius,
            fill: fill.into(),
            stroke: stroke.into(),
        });
    }

    /// Writes text from left to right; `y` is the baseline.
    pub fn text(&mut self, text: &str, (x, y): (f64, f64), size: f64, anchor: Anchor) {
        self.coloured_text(text, (x, y), size, anchor, Colour::BLACK);
    }

    /// Writes coloured text from left to right; `y` is the baseline.
    pub fn coloured_text(
        &mut self,
        text: &str,
        (x, y): (f64, f64),
        size: f64,
        anchor: Anchor,
        colour: Colour,
    ) {
        let text = text.to_owned();
        self.items.push(Item::Text(Text {
            text,
            x,
            y,
            size,
            colour,
            anchor,
            upwards: false,
        }));
    }

    /// Writes text from below upwards; `x` is the baseline.
    pub fn upward_text(&mut self, text: &str, (x, y): (f64, f64), size: f64, anchor: Anchor) {
        let (text, colour) = (text.to_owned(), Colour::BLACK);
        self.items.push(Item::Text(Text {
            text,
            x,
            y,
            size,
            colour,
            anchor,
            upwards: true,
        }));
    }

    /// Puts a picture into a rectangle: left, top, width, height.
    pub fn picture(&mut self, frame: [f64; 4], pixels: Arc<RgbImage>) {
        self.items.push(Item::Picture { frame, pixels });
    }
}
