//! The centre control: a Gaussian in the middle of the image, with a standard deviation of a
//! quarter of each side. Anatomy is centred, and so this is hard to beat.

use rand_chacha::ChaCha8Rng;

use super::Control;
use crate::map::Map;

/// Standard deviation, as a share of the side.
const DEVIATION: f64 = 0.25;

pub(super) struct ControlCenter;

impl Control for ControlCenter {
    fn name(&self) -> &'static str {
        "control-center"
    }

    fn description(&self) -> &'static str {
        "a control: a Gaussian in the middle, its deviation a quarter of each side"
    }

    fn draw(&self, height: usize, width: usize, _: &mut ChaCha8Rng) -> Map {
        let rows = profile(height);
        let columns = profile(width);
        let values = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| (row * column) as f32))
            .collect();
        Map {
            height,
            width,
            values,
        }
    }
}

/// The Gaussian along one side, at the centres of its pixels.
fn profile(side: usize) -> Vec<f64> {
    let deviation = DEVIATION * side as f64;
    (0..side)
        .map(|position| {
            let distance = (position as f64 + 0.5 - side as f64 / 2.0) / deviation;
            (-0.5 * distance * distance).exp()
        })
        .collect()
}
