//! Colour to gray by the luma weights of ITU-R BT.601 as torchvision rounds them.

use crate::sample::Image;

/// Weights of red, green and blue. They add up to 0.9999: white becomes 0.9999.
const WEIGHTS: [f32; 3] = [0.2989, 0.587, 0.114];

/// `[3, H, W]` to `[1, H, W]`; other pictures unchanged.
pub(super) fn apply(image: Image) -> Image {
    if image.channels != 3 {
        return image;
    }
    let pixels = image
        .channel(0)
        .iter()
        .zip(image.channel(1))
        .zip(image.channel(2))
        // The order of the sum is torchvision's.
        .map(|((red, green), blue)| red * WEIGHTS[0] + green * WEIGHTS[1] + blue * WEIGHTS[2])
        .collect();
    Image {
        channels: 1,
        pixels,
        ..image
    }
}
