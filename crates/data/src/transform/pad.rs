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
pub(super) fn apply(image: Image) -> Image {
    let input = image.size();
    let output = output_size(input);
    if input == output {
        return image;
    }
    let (left, top) = offsets(input);
    let mut pixels = vec![0.0; image.channels * output.height * output.width];
    for channel in 0..image.channels {
        for (row, values) in image
            .channel(channel)
            .chunks_exact(input.width.max(1))
            .enumerate()
        {
            let start = (channel * output.height + top + row) * output.width + left;
            pixels[start..start + input.width].copy_from_slice(values);
        }
    }
    Image {
        channels: image.channels,
        height: output.height,
        width: output.width,
        pixels,
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
