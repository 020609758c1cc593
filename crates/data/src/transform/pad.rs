//! Padding to a square with zeros, the picture in the centre.

use crate::annotation::BoundingBox;
use crate::sample::Image;
use crate::size::ImageSize;

/// Columns added on the left and rows added on top.
pub(super) fn offsets(input: ImageSize) -> (usize, usize) {
    let side = input.height.max(input.width);
    ((side - input.width) / 2, (side - input.height) / 2)
}

/// The square around the picture.
pub(super) fn output_size(input: ImageSize) -> ImageSize {
    let side = input.height.max(input.width);
    ImageSize::new(side, side)
}

/// `[C, H, W]` to `[C, M, M]` with `M = max(H, W)`.
///
/// The rows move within one buffer, the last first, so that large pictures need no second one: a
/// row never moves towards the front, and none is overwritten before it has moved.
pub(super) fn apply(mut image: Image) -> Image {
    let input = image.size();
    let output = output_size(input);
    if input == output {
        return image;
    }
    let (left, top) = offsets(input);
    let length = image.channels * output.height * output.width;
    let pixels = &mut image.pixels;
    pixels.reserve_exact(length.saturating_sub(pixels.len()));
    pixels.resize(length, 0.0);
    // What lies behind is done.
    let mut end = length;
    for channel in (0..image.channels).rev() {
        for row in (0..input.height).rev() {
            let from = (channel * input.height + row) * input.width;
            let to = (channel * output.height + top + row) * output.width + left;
            pixels.copy_within(from..from + input.width, to);
            pixels[to + input.width..end].fill(0.0);
            end = to;
        }
    }
    pixels[..end].fill(0.0);
    Image {
        height: output.height,
        width: output.width,
        ..image
    }
}

/// The box on the padded canvas.
pub(super) fn move_box(b: BoundingBox, input: ImageSize) -> BoundingBox {
    let (left, top) = offsets(input);
    let left = i64::try_from(left).unwrap_or(i64::MAX);
    let top = i64::try_from(top).unwrap_or(i64::MAX);
    BoundingBox {
        x1: b.x1.saturating_add(left),
        y1: b.y1.saturating_add(top),
        x2: b.x2.saturating_add(left),
        y2: b.y2.saturating_add(top),
    }
    .clamped(output_size(input))
}
