//! The input transforms of a network, exact on picture and boxes.
//!
//! They compute what torchvision's `v2` transforms compute on `float32` tensors and integer boxes:
//! measured on shrinking and enlarging, pixels agree within 1.2e-7 (one rounding) and boxes
//! exactly (`tests/golden/transform`).

mod box_faults;
mod grayscale;
mod pad;
mod resize;
mod rgb;

use crate::annotation::BoundingBox;
use crate::sample::{Image, Sample};
use crate::size::ImageSize;

pub use box_faults::BoxFaults;

/// One step between the stored picture and the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transform {
    /// Red, green and blue weighted into one channel; a gray picture stays as it is.
    Grayscale,
    /// Zeros around the picture so that it becomes square, with the picture in the centre. Where
    /// the missing rows or columns are odd in number, the smaller half comes first.
    SquareCenterPad,
    /// The shorter side becomes `size` pixels: bilinear, antialiased when shrinking.
    Resize {
        /// Pixels of the shorter side, at least 1.
        size: usize,
    },
    /// A gray picture repeated three times; a colour picture stays as it is.
    Rgb,
}

impl Transform {
    /// The picture after this step.
    #[must_use]
    pub fn apply_to_image(self, image: Image) -> Image {
        match self {
            Self::Grayscale => grayscale::apply(image),
            Self::SquareCenterPad => pad::apply(image),
            Self::Resize { size } => resize::apply(image, size),
            Self::Rgb => rgb::apply(image),
        }
    }

    /// Rows and columns after this step.
    #[must_use]
    pub fn output_size(self, input: ImageSize) -> ImageSize {
        match self {
            Self::Grayscale | Self::Rgb => input,
            Self::SquareCenterPad => pad::output_size(input),
            Self::Resize { size } => resize::output_size(input, size),
        }
    }

    /// The boxes after this step, clamped to the new canvas. `input` is the size of the picture
    /// before the step.
    #[must_use]
    pub fn apply_to_boxes(self, boxes: &[BoundingBox], input: ImageSize) -> Vec<BoundingBox> {
        match self {
            Self::Grayscale | Self::Rgb => boxes.to_vec(),
            Self::SquareCenterPad => boxes.iter().map(|b| pad::move_box(*b, input)).collect(),
            Self::Resize { size } => boxes
                .iter()
                .map(|b| resize::scale_box(*b, input, size))
                .collect(),
        }
    }
}

impl Transform {
    /// The step as a noun, for messages.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Grayscale => "conversion to gray",
            Self::SquareCenterPad => "padding to a square",
            Self::Resize { .. } => "resizing",
            Self::Rgb => "conversion to three channels",
        }
    }
}

impl std::fmt::Display for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grayscale => f.write_str("grayscale"),
            Self::SquareCenterPad => f.write_str("square-center-pad"),
            Self::Resize { size } => write!(f, "resize({size})"),
            Self::Rgb => f.write_str("rgb"),
        }
    }
}

/// The input transforms of a network, in order. Empty: samples stay as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TransformPipeline {
    transforms: Vec<Transform>,
}

impl std::fmt::Display for TransformPipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps: Vec<String> = self.transforms.iter().map(ToString::to_string).collect();
        f.write_str(&steps.join(", "))
    }
}

impl TransformPipeline {
    /// These steps, in this order.
    #[must_use]
    pub fn new(transforms: Vec<Transform>) -> Self {
        Self { transforms }
    }

    /// One gray channel, padded to a square and resized to `size` (pasa: 512).
    #[must_use]
    pub fn gray_square(size: usize) -> Self {
        Self::new(vec![
            Transform::Grayscale,
            Transform::SquareCenterPad,
            Transform::Resize { size },
        ])
    }

    /// Padded to a square, resized to `size`, three channels (densenet: 512, alexnet: 430).
    #[must_use]
    pub fn rgb_square(size: usize) -> Self {
        Self::new(vec![
            Transform::SquareCenterPad,
            Transform::Resize { size },
            Transform::Rgb,
        ])
    }

    /// The steps, in order.
    #[must_use]
    pub fn transforms(&self) -> &[Transform] {
        &self.transforms
    }

    /// Rows and columns after each step, from those of the stored picture.
    pub fn sizes(&self, input: ImageSize) -> impl Iterator<Item = (Transform, ImageSize)> {
        self.transforms.iter().scan(input, |size, step| {
            *size = step.output_size(*size);
            Some((*step, *size))
        })
    }

    /// Picture and boxes of a sample through all steps.
    #[must_use]
    pub fn apply(&self, sample: Sample) -> Sample {
        let boxes = sample
            .boxes
            .map(|boxes| self.apply_to_boxes(&boxes, sample.image.size()));
        Sample {
            image: self.apply_to_image(sample.image),
            boxes,
            ..sample
        }
    }

    /// A picture through all steps.
    #[must_use]
    pub fn apply_to_image(&self, image: Image) -> Image {
        self.transforms
            .iter()
            .fold(image, |image, step| step.apply_to_image(image))
    }

    /// Boxes through all steps, without any picture. `input` is the size of the picture the boxes
    /// are drawn on.
    #[must_use]
    pub fn apply_to_boxes(&self, boxes: &[BoundingBox], input: ImageSize) -> Vec<BoundingBox> {
        let mut size = input;
        let mut boxes = boxes.to_vec();
        for step in &self.transforms {
            boxes = step.apply_to_boxes(&boxes, size);
            size = step.output_size(size);
        }
        boxes
    }

    /// How points of a picture of size `input` map to the network's input and back.
    #[must_use]
    pub fn geometry(&self, input: ImageSize) -> Geometry {
        let mut geometry = Geometry::identity(input);
        for step in &self.transforms {
            let from = geometry.output;
            let to = step.output_size(from);
            match step {
                Transform::Grayscale | Transform::Rgb => {}
                Transform::SquareCenterPad => {
                    let (left, top) = pad::offsets(from);
                    geometry.offset_x += left as f64;
                    geometry.offset_y += top as f64;
                }
                Transform::Resize { .. } => {
                    let scale_x = ratio(to.width, from.width);
                    let scale_y = ratio(to.height, from.height);
                    geometry.scale_x *= scale_x;
                    geometry.scale_y *= scale_y;
                    geometry.offset_x *= scale_x;
                    geometry.offset_y *= scale_y;
                }
            }
            geometry.output = to;
        }
        geometry
    }
}

fn ratio(to: usize, from: usize) -> f64 {
    if from == 0 {
        1.0
    } else {
        to as f64 / from as f64
    }
}

/// How the input transforms move points: `out = in * scale + offset`, in both directions.
///
/// Points are in units of pixels, with (0, 0) at the outer corner of the top left pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Size of the picture before the transforms.
    pub input: ImageSize,
    /// Size of the picture after the transforms.
    pub output: ImageSize,
    /// Output pixels an input pixel is wide.
    pub scale_x: f64,
    /// Output pixels an input pixel is high.
    pub scale_y: f64,
    /// Output pixels of padding left of the picture.
    pub offset_x: f64,
    /// Output pixels of padding above the picture.
    pub offset_y: f64,
}

impl Geometry {
    /// Nothing moves.
    #[must_use]
    pub fn identity(size: ImageSize) -> Self {
        Self {
            input: size,
            output: size,
            scale_x: 1.0,
            scale_y: 1.0,
            offset_x: 0.0,
            offset_y: 0.0,
        }
    }

    /// Where the point (`x`, `y`) of the stored picture is in the network's input.
    #[must_use]
    pub fn to_output(&self, x: f64, y: f64) -> (f64, f64) {
        (
            x * self.scale_x + self.offset_x,
            y * self.scale_y + self.offset_y,
        )
    }

    /// Where the point (`x`, `y`) of the network's input is in the stored picture. Points in the
    /// padding lie outside of it.
    #[must_use]
    pub fn to_input(&self, x: f64, y: f64) -> (f64, f64) {
        (
            (x - self.offset_x) / self.scale_x,
            (y - self.offset_y) / self.scale_y,
        )
    }
}
