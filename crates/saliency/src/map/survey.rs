//! What all values of a map have in common, in one pass.

use super::Map;

/// Values that are looked at together: several vectors of every instruction set.
const TOGETHER: usize = 64;

/// The range of a map's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Survey {
    /// Whether all values are finite numbers; if not, the others mean nothing.
    pub finite: bool,
    /// The smallest value.
    pub smallest: f32,
    /// The largest value.
    pub largest: f32,
}

impl Survey {
    /// Whether all values are zero: nothing in the image speaks for the class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.finite && self.smallest == 0.0 && self.largest == 0.0
    }
}

impl Map {
    /// The range of the values.
    #[must_use]
    pub fn survey(&self) -> Survey {
        let mut smallest = [f32::INFINITY; TOGETHER];
        let mut largest = [f32::NEG_INFINITY; TOGETHER];
        // The product with zero is zero, unless the value is infinite or not a number.
        let mut zeros = [0.0_f32; TOGETHER];
        let mut take = |lane: usize, value: f32| {
            smallest[lane] = if value < smallest[lane] {
                value
            } else {
                smallest[lane]
            };
            largest[lane] = if value > largest[lane] {
                value
            } else {
                largest[lane]
            };
            zeros[lane] += value * 0.0;
        };
        let chunks = self.values.chunks_exact(TOGETHER);
        for (lane, &value) in chunks.remainder().iter().enumerate() {
            take(lane, value);
        }
        for chunk in chunks {
            for (lane, &value) in chunk.iter().enumerate() {
                take(lane, value);
            }
        }
        Survey {
            finite: zeros.iter().all(|&zero| zero == 0.0),
            smallest: smallest.into_iter().fold(f32::INFINITY, f32::min),
            largest: largest.into_iter().fold(f32::NEG_INFINITY, f32::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(values: Vec<f32>) -> Survey {
        let (height, width) = (1, values.len());
        Map {
            height,
            width,
            values,
        }
        .survey()
    }

    #[test]
    fn every_position_is_looked_at() {
        for length in [1, 5, 63, 64, 65, 200] {
            for position in 0..length {
                let with = |value| {
                    let mut values = vec![0.0; length];
                    values[position] = value;
                    survey(values)
                };
                assert_eq!(
                    (with(2.0).smallest, with(2.0).largest),
                    (if length > 1 { 0.0 } else { 2.0 }, 2.0)
                );
                assert_eq!(with(-3.0).smallest, -3.0);
                assert!(with(1e30).finite && !with(1e30).is_empty());
                for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    assert!(!with(odd).finite, "{odd} at {position}");
                }
            }
            assert!(survey(vec![-0.0; length]).is_empty());
        }
    }
}
