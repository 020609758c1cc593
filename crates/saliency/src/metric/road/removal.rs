//! Which pixels ROAD removes.

use mednet_data::Mode;
use rand::Rng;

use crate::map::Map;

/// The pixels that are removed at one percentile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// For each pixel, row by row, whether it is removed.
    pub unknown: Vec<bool>,
    /// Pixels removed.
    pub removed: usize,
    /// Pixels with the very saliency at which the asked share ends, if the share ends among them.
    pub tied: usize,
}

/// All removals of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Removals {
    /// Most relevant pixels first, one for each percentile.
    pub most: Vec<Removal>,
    /// Least relevant pixels first, one for each percentile.
    pub least: Vec<Removal>,
    /// Share of the pixels that are tied at any of the removals.
    pub tied_mass: f64,
    /// Whether the original's ranking removes every pixel at one of the percentiles.
    pub original_erases: bool,
}

/// The removals of a map of finite values.
///
/// [`Mode::Default`]: of `N` pixels exactly `round(p / 100 * N)` are removed, the most salient first
/// or the least salient first; pixels of the same saliency are in an order drawn from `random`, and
/// one of the two orders is the other one backwards.
///
/// [`Mode::Mednet`]: with t the percentile p of the map (numpy's, linear), all pixels from t on are
/// removed; least relevant first is the same on `1 - map`. So p is the share that is kept, and where
/// more than that share have the smallest value, nothing is left.
#[must_use]
pub fn removals(map: &Map, percentiles: &[u8], mode: Mode, random: &mut impl Rng) -> Removals {
    let ranked = Ranked::new(map, random);
    let pixels = ranked.order.len();
    let thresholds = |invert: bool| -> Vec<Threshold> {
        percentiles
            .iter()
            .map(|&percentile| ranked.threshold(percentile, invert))
            .collect()
    };
    let (most, least) = (thresholds(false), thresholds(true));
    let original_erases = most.iter().chain(&least).any(|threshold| threshold.erases);
    let mut groups = Vec::new();
    let mut removal = |percentile: u8, threshold: &Threshold| {
        let share = share_of(percentile, pixels);
        let asked = match mode {
            Mode::Default => share,
            Mode::Mednet => pixels - share,
        };
        // Position in the descending order where the asked share ends.
        let cut = if threshold.invert {
            pixels - asked
        } else {
            asked
        };
        let group = ranked.tied_at(map, cut);
        if group.1 > group.0 && !groups.contains(&group) {
            groups.push(group);
        }
        let unknown = match mode {
            Mode::Default if threshold.invert => ranked.mask(cut..pixels),
            Mode::Default => ranked.mask(0..cut),
            Mode::Mednet => threshold.mask(map),
        };
        Removal {
            removed: unknown.iter().filter(|unknown| **unknown).count(),
            tied: group.1 - group.0,
            unknown,
        }
    };
    let mut all = |thresholds: &[Threshold]| -> Vec<Removal> {
        percentiles
            .iter()
            .zip(thresholds)
            .map(|(&percentile, threshold)| removal(percentile, threshold))
            .collect()
    };
    let (most, least) = (all(&most), all(&least));
    let tied: usize = groups.iter().map(|(first, last)| last - first).sum();
    Removals {
        most,
        least,
        tied_mass: tied as f64 / pixels.max(1) as f64,
        original_erases,
    }
}

fn share_of(percentile: u8, pixels: usize) -> usize {
    (f64::from(percentile) / 100.0 * pixels as f64).round() as usize
}

/// The pixels of a map in the order of their saliency.
struct Ranked {
    /// Positions, the most salient first.
    order: Vec<u32>,
    /// Saliency in ascending order.
    ascending: Vec<f32>,
}

impl Ranked {
    fn new(map: &Map, random: &mut impl Rng) -> Self {
        let mut keyed: Vec<(u64, u32)> = map
            .values
            .iter()
            .enumerate()
            .map(|(position, &value)| {
                let key = u64::from(!ascending_bits(value)) << 32 | u64::from(random.next_u32());
                (key, position as u32)
            })
            .collect();
        keyed.sort_unstable();
        let order: Vec<u32> = keyed.iter().map(|(_, position)| *position).collect();
        let ascending = order
            .iter()
            .rev()
            .map(|&p| map.values[p as usize])
            .collect();
        Self { order, ascending }
    }

    /// True for the pixels at these ranks.
    fn mask(&self, ranks: std::ops::Range<usize>) -> Vec<bool> {
        let mut mask = vec![false; self.order.len()];
        for &position in &self.order[ranks] {
            mask[position as usize] = true;
        }
        mask
    }

    /// The ranks `first..last` of the pixels that are equal to both the pixel before rank `cut` and
    /// the one at it; empty if those two differ.
    fn tied_at(&self, map: &Map, cut: usize) -> (usize, usize) {
        let value = |rank: usize| map.values[self.order[rank] as usize];
        if cut == 0 || cut >= self.order.len() || value(cut - 1) != value(cut) {
            return (cut, cut);
        }
        let tied = value(cut);
        let above = self.order[..cut].partition_point(|&p| map.values[p as usize] > tied);
        let not_below = self.order[cut..].partition_point(|&p| map.values[p as usize] >= tied);
        (above, cut + not_below)
    }

    /// The original's threshold on the map, or on 1 - map, in single precision as numpy.
    fn threshold(&self, percentile: u8, invert: bool) -> Threshold {
        let last = self.ascending.len().saturating_sub(1);
        let at = |rank: usize| {
            if invert {
                1.0 - self.ascending[last - rank]
            } else {
                self.ascending[rank]
            }
        };
        if self.ascending.is_empty() {
            return Threshold {
                value: 0.0,
                invert,
                erases: true,
            };
        }
        let position = f64::from(percentile) / 100.0 * last as f64;
        let below = position.floor() as usize;
        let part = (position - below as f64) as f32;
        let (low, high) = (at(below), at((below + 1).min(last)));
        // From the nearer end, as numpy.
        let value = if part < 0.5 {
            low + (high - low) * part
        } else {
            high - (high - low) * (1.0 - part)
        };
        Threshold {
            value,
            invert,
            erases: at(0) >= value,
        }
    }
}

/// A threshold from which on the original removes pixels.
struct Threshold {
    value: f32,
    /// On 1 - map.
    invert: bool,
    /// No pixel is below it.
    erases: bool,
}

impl Threshold {
    fn mask(&self, map: &Map) -> Vec<bool> {
        map.values
            .iter()
            .map(|&value| {
                let value = if self.invert { 1.0 - value } else { value };
                value >= self.value
            })
            .collect()
    }
}

/// A number that grows with the value; both zeros are the same.
fn ascending_bits(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}
