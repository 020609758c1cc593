//! What all values of a map have in common, in one pass.

use mednet_simd::{InstructionSet, multiversion};

use super::{Map, extremes};

/// The bit of an `f32` that holds its sign.
const SIGN: u32 = 1 << 31;
/// Magnitudes from here on are infinite or no numbers.
const INFINITE: u32 = 0x7f80_0000;

/// The range of a map's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Survey {
    /// Whether all values are finite numbers; if not, the others mean nothing.
    pub finite: bool,
    /// The smallest value; 0 where none is negative.
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
        // Without its sign, the bits of a number are in the order of its size.
        let [all, magnitude] = bits(InstructionSet::best(), &self.values);
        let [smallest, largest] = match all & SIGN {
            0 => [0.0, f32::from_bits(magnitude)],
            _ => extremes(&self.values),
        };
        Survey {
            finite: magnitude < INFINITE,
            smallest,
            largest,
        }
    }
}

multiversion! {
    /// All bits that are set anywhere, and the largest magnitude.
    fn bits(values: &[f32]) -> [u32; 2] = bits_body
}

#[inline(always)]
fn bits_body<const FMA: bool>(values: &[f32]) -> [u32; 2] {
    /// Values that are looked at together: each comparison would wait for the one before it.
    const TOGETHER: usize = 32;
    let (mut all, mut largest) = ([0_u32; TOGETHER], [0_u32; TOGETHER]);
    let (chunks, rest) = values.as_chunks::<TOGETHER>();
    for chunk in chunks {
        for lane in 0..TOGETHER {
            let value = chunk[lane].to_bits();
            all[lane] |= value;
            largest[lane] = largest[lane].max(value & !SIGN);
        }
    }
    for value in rest {
        all[0] |= value.to_bits();
        largest[0] = largest[0].max(value.to_bits() & !SIGN);
    }
    [
        all.into_iter().fold(0, |all, bits| all | bits),
        largest.into_iter().fold(0, u32::max),
    ]
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
                assert_eq!((with(2.0).smallest, with(2.0).largest), (0.0, 2.0));
                assert_eq!(with(-3.0).smallest, -3.0);
                for large in [f32::MAX, -f32::MAX, 1e-45] {
                    assert!(with(large).finite && !with(large).is_empty());
                }
                for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    assert!(!with(odd).finite, "{odd} at {position}");
                }
            }
            assert!(survey(vec![-0.0; length]).is_empty());
        }
    }
}
