//! Matplotlib's sequential colour maps, with turbo and jet, as tables of 256 colours.
//!
//! The tables are matplotlib's own, value for value; `make_tables.py` writes them. Their origins:
//! viridis, plasma, inferno and magma by N. J. Smith, S. van der Walt and E. Firing (CC0); cividis
//! by Nuñez, Anderton and Renslow 2018 (doi:10.1371/journal.pone.0199239, CC0); the maps from Greys
//! to YlGn by C. Brewer and M. Harrower (ColorBrewer, Apache-2.0); turbo by A. Mikhailov, Google
//! (Apache-2.0); the rest by the matplotlib developers (matplotlib licence, BSD-like) after MATLAB's
//! and gist's. `LICENSES.md` beside the tables has the notices.

use std::sync::OnceLock;

use crate::Error;
use mednet_base::suggest;

/// Colours in a table.
pub const COLOURS: usize = 256;

static NAMES: &str = include_str!("colormaps.txt");
static TABLES: &[u8] = include_bytes!("colormaps.bin");
static PLASMA: &[u8] = include_bytes!("plasma.bin");

/// A colour for every value between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colormap {
    name: &'static str,
    table: &'static [u8],
    reversed: bool,
}

impl Colormap {
    /// The map the original draws with.
    #[must_use]
    pub fn plasma() -> Self {
        // The tests look every listed name up, this one among them.
        Self::find("plasma").unwrap_or(Self {
            name: "gray",
            table: &TABLES[..3 * COLOURS],
            reversed: false,
        })
    }

    /// The map of this name; `_r` at its end turns it round, as in matplotlib.
    ///
    /// # Errors
    /// Where no map has this name.
    pub fn by_name(name: &str) -> Result<Self, Error> {
        let found = match name.strip_suffix("_r") {
            Some(forward) => Self::find(forward).map(|map| Self {
                reversed: !map.reversed,
                ..map
            }),
            None => Self::find(name),
        };
        found.ok_or_else(|| Error::UnknownColormap {
            name: name.to_owned(),
            hint: suggest::hint(name, names()),
            known: names().collect::<Vec<_>>().join(", "),
        })
    }

    fn find(name: &str) -> Option<Self> {
        let (index, name) = names().enumerate().find(|(_, known)| *known == name)?;
        let table = TABLES.get(index * 3 * COLOURS..(index + 1) * 3 * COLOURS)?;
        Some(Self {
            name,
            table,
            reversed: false,
        })
    }

    /// Its name, without the `_r` of a reversed map.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The colour of entry `index`: red, green, blue, 0 to 255.
    #[must_use]
    pub fn entry(&self, index: u8) -> [u8; 3] {
        let index = usize::from(if self.reversed { 255 - index } else { index });
        [
            self.table[3 * index],
            self.table[3 * index + 1],
            self.table[3 * index + 2],
        ]
    }

    /// The colour of a value: entry `trunc(value * 256)`, 255 for 1, the ends beyond them.
    #[must_use]
    pub fn colour(&self, value: f32) -> [u8; 3] {
        self.entry(index_of(value))
    }

    /// The colour of a value as three numbers between 0 and 1.
    ///
    /// For plasma these are matplotlib's own numbers, which its bytes were cut from; for every
    /// other map they are the bytes divided by 255.
    #[must_use]
    pub fn exact_colour(&self, value: f32) -> [f64; 3] {
        let index = index_of(value);
        if self.name == "plasma" {
            let index = if self.reversed { 255 - index } else { index };
            return exact_plasma()[usize::from(index)];
        }
        self.entry(index).map(|byte| f64::from(byte) / 255.0)
    }

    /// The most saturated colour of the table: what an outline over a gray image is drawn in.
    #[must_use]
    pub fn most_vivid(&self) -> [u8; 3] {
        let chroma = |colour: &[u8; 3]| {
            let [red, green, blue] = *colour;
            red.max(green).max(blue) - red.min(green).min(blue)
        };
        let brightness = |colour: &[u8; 3]| colour.iter().map(|&byte| u16::from(byte)).sum::<u16>();
        (0..=255_u8)
            .map(|index| self.entry(index))
            .max_by_key(|colour| (chroma(colour), brightness(colour)))
            .unwrap_or([255; 3])
    }
}

fn index_of(value: f32) -> u8 {
    // The cast truncates, saturates at both ends and gives 0 for NaN.
    (value * 256.0) as u8
}

fn exact_plasma() -> &'static [[f64; 3]; COLOURS] {
    static TABLE: OnceLock<[[f64; 3]; COLOURS]> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = [[0.0; 3]; COLOURS];
        for (value, bytes) in table
            .as_flattened_mut()
            .iter_mut()
            .zip(PLASMA.chunks_exact(4))
        {
            let millionths = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            *value = f64::from(millionths) / 1e6;
        }
        table
    })
}

/// All names, in matplotlib's order: perceptually uniform, sequential, sequential (2), rainbows.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_table() {
        assert_eq!(names().count(), 41);
        assert_eq!(TABLES.len(), 41 * 3 * COLOURS);
        for name in names() {
            assert_eq!(Colormap::by_name(name).unwrap().name(), name);
        }
        assert_eq!(Colormap::plasma().name(), "plasma");
    }

    #[test]
    fn known_colours() {
        // Printed by matplotlib 3.11.2.
        let expected = [
            ("viridis", 0, [68, 1, 84]),
            ("viridis", 255, [253, 231, 36]),
            ("plasma", 128, [203, 71, 119]),
            ("gray", 77, [77, 77, 77]),
            ("jet", 255, [127, 0, 0]),
            ("turbo", 200, [244, 101, 22]),
            ("Blues", 64, [197, 218, 238]),
        ];
        for (name, index, colour) in expected {
            assert_eq!(
                Colormap::by_name(name).unwrap().entry(index),
                colour,
                "{name} {index}"
            );
        }
    }

    #[test]
    fn values_outside_the_range_take_the_ends() {
        let map = Colormap::plasma();
        assert_eq!(map.colour(-1.0), map.entry(0));
        assert_eq!(map.colour(1.0), map.entry(255));
        assert_eq!(map.colour(7.0), map.entry(255));
        assert_eq!(map.colour(0.999_999), map.entry(255));
        assert_eq!(map.colour(0.5), map.entry(128));
    }

    #[test]
    fn the_bytes_are_cut_from_the_exact_values() {
        let map = Colormap::plasma();
        for index in 0..=255_u8 {
            let exact = exact_plasma()[usize::from(index)];
            assert_eq!(
                map.entry(index),
                exact.map(|value| (value * 255.0) as u8),
                "{index}"
            );
        }
    }

    #[test]
    fn reversed_maps_and_unknown_names() {
        let forward = Colormap::by_name("inferno").unwrap();
        let backward = Colormap::by_name("inferno_r").unwrap();
        assert_eq!(forward.entry(3), backward.entry(252));
        let message = Colormap::by_name("plasme").unwrap_err().to_string();
        assert!(message.contains("did you mean `plasma`?"), "{message}");
    }
}
