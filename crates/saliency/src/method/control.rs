//! Control maps: maps that know neither the network nor the image. A score of a method says little
//! unless it is better than theirs.
//!
//! To add one: write its file with a unit struct that is a [`Control`] and add it to [`CONTROLS`].

use rand_chacha::ChaCha8Rng;

use super::{control_center, control_random, control_uniform};
use crate::map::Map;
use crate::random::{Purpose, generator};

/// All controls. They are no methods: `all` methods does not mean them.
pub const CONTROLS: &[&dyn Control] = &[
    &control_center::ControlCenter,
    &control_random::ControlRandom,
    &control_uniform::ControlUniform,
];

/// A map that knows neither the network nor the image.
pub trait Control: Sync {
    /// What users call it; also the name of its output folder.
    fn name(&self) -> &'static str;
    /// One line for people.
    fn description(&self) -> &'static str;
    /// Whether the map depends on the seed.
    fn uses_seed(&self) -> bool {
        false
    }
    /// The map `[H, W]`, values in `[0, 1]`, from the random numbers of a sample.
    fn draw(&self, height: usize, width: usize, random: &mut ChaCha8Rng) -> Map;
}

impl dyn Control {
    /// The map of a sample, `[H, W]`: the same in every command, for every class, with the same
    /// seed.
    #[must_use]
    pub fn map(&self, height: usize, width: usize, seed: u64, sample: &str) -> Map {
        let mut random = generator(seed, sample, 0, Purpose::ControlRandom);
        self.draw(height, width, &mut random)
    }
}

/// Finds a control by its name, in upper or lower case.
#[must_use]
pub fn find_control(name: &str) -> Option<&'static dyn Control> {
    CONTROLS
        .iter()
        .copied()
        .find(|control| control.name().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(name: &str, seed: u64, sample: &str) -> Map {
        find_control(name).unwrap().map(64, 96, seed, sample)
    }

    #[test]
    fn controls_are_maps_and_no_methods() {
        for control in CONTROLS {
            let map = control.map(64, 96, 42, "a");
            assert_eq!((map.height, map.width, map.values.len()), (64, 96, 64 * 96));
            assert!(map.values.iter().all(|value| (0.0..=1.0).contains(value)));
            assert!(crate::method::find(control.name()).is_none());
            assert!(find_control(&control.name().to_uppercase()).is_some());
        }
        assert!(find_control("gradcam").is_none());
    }

    #[test]
    fn chance_depends_on_seed_and_sample_only() {
        let first = map("control-random", 42, "a");
        assert_eq!(first, map("control-random", 42, "a"));
        assert_ne!(first, map("control-random", 43, "a"));
        assert_ne!(first, map("control-random", 42, "b"));
        let mean = first.values.iter().sum::<f32>() / first.values.len() as f32;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }

    #[test]
    fn the_centre_is_the_highest_and_a_quarter_of_a_side_is_one_deviation() {
        let map = map("control-center", 42, "a");
        let at = |row: usize, column: usize| map.values[row * 96 + column];
        // Four pixels share the centre of an even grid.
        assert_eq!(at(31, 47), at(32, 48));
        assert!(map.values.iter().all(|&value| value <= at(32, 48)));
        let one_deviation_down = at(32 + 16, 48) / at(32, 48);
        assert!((one_deviation_down - (-0.5_f32).exp()).abs() < 0.03);
        assert!(at(0, 0) < 0.03);
    }

    #[test]
    fn the_uniform_map_is_one_half_everywhere() {
        assert!(
            map("control-uniform", 42, "a")
                .values
                .iter()
                .all(|&v| v == 0.5)
        );
    }
}
