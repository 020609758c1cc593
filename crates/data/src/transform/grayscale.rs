//! Colour to gray by the luma weights of ITU-R BT.601 as torchvision rounds them.

use crate::sample::Image;

/// Weights of red, green and blue. They add up to 0.9999: white becomes 0.9999.
const WEIGHTS: [f32; 3] = [0.2989, 0.587, 0.114];

/// Pixels from which on a second buffer is not worth its memory. For fewer, it is: to cut a buffer
/// short makes the system take its pages back and give them anew for the next picture.
const LARGE: usize = 1 << 23;

/// `[3, H, W]` to `[1, H, W]`; other pictures unchanged.
///
/// The sums take the place of the red values: large pictures need no second buffer.
pub(super) fn apply(mut image: Image) -> Image {
    if image.channels != 3 {
        return image;
    }
    let plane = image.height * image.width;
    let (red, others) = image.pixels.split_at_mut(plane);
    let (green, blue) = others.split_at(plane);
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        // The order of the sum is torchvision's.
        *red = *red * WEIGHTS[0] + green * WEIGHTS[1] + blue * WEIGHTS[2];
    }
    if plane > LARGE {
        image.pixels.truncate(plane);
        image.pixels.shrink_to_fit();
    } else {
        image.pixels = image.pixels[..plane].to_vec();
    }
    Image {
        channels: 1,
        ..image
    }
}
