//! Gray to three equal channels.

use crate::sample::Image;

/// `[1, H, W]` to `[3, H, W]`; other pictures unchanged.
pub(super) fn apply(mut image: Image) -> Image {
    if image.channels != 1 {
        return image;
    }
    let plane = image.pixels.len();
    image.pixels.reserve_exact(2 * plane);
    for _ in 0..2 {
        image.pixels.extend_from_within(..plane);
    }
    Image {
        channels: 3,
        ..image
    }
}
