//! Gray to three equal channels.

use crate::sample::Image;

/// `[1, H, W]` to `[3, H, W]`; other pictures unchanged.
pub(super) fn apply(image: Image) -> Image {
    if image.channels != 1 {
        return image;
    }
    Image {
        channels: 3,
        pixels: image.pixels.repeat(3),
        ..image
    }
}
