//! Weights and images from a seed: the same bits here and in `seeded_weights.py`, which states the
//! rules in full.
//!
//! No golden case stores the weights or the input of its network; tests draw them from here. Only
//! 64-bit integer arithmetic and single IEEE operations are used (FNV-1a over the tensor's name,
//! splitmix64: Steele, Lea, Flood, OOPSLA 2014, doi 10.1145/2660193.2660195).

// A test binary includes this file as a module and may use only one of the two functions.
#![allow(dead_code, unreachable_pub)]

/// FNV-1a, 64 bits, of the utf-8 bytes of `text`.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The start of the stream `name`.
fn start(name: &str, seed: u64) -> u64 {
    fnv1a(name) ^ seed
}

/// Word `index` of a stream.
fn word(state: u64, index: u64) -> u64 {
    let mut z = state.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The 24 high bits of a word as a value in [-1, 1), exact in `f32`.
fn uniform(z: u64) -> f64 {
    ((z >> 40) as f64 - 8_388_608.0) / 8_388_608.0
}

/// A parameter of a network, row-major: a He-uniform weight for rank 2 and above, else a batch norm
/// scale (`.weight`, one in sixteen negative), variance, mean, or a bias; zeros for
/// `num_batches_tracked`.
///
/// # Panics
///
/// If no rule fits the name and shape.
pub fn tensor(name: &str, shape: &[usize], seed: u64) -> Vec<f32> {
    let count: usize = shape.iter().product();
    if name.ends_with("num_batches_tracked") {
        return vec![0.0; count];
    }
    let state = start(name, seed);
    let words = (0..count as u64).map(|index| word(state, index));
    if shape.len() >= 2 {
        let fan_in: usize = shape[1..].iter().product();
        let bound = (6.0 / fan_in as f64).sqrt();
        words.map(|z| (uniform(z) * bound) as f32).collect()
    } else if name.ends_with(".running_var") {
        words.map(|z| (1.0 + 0.5 * uniform(z)) as f32).collect()
    } else if name.ends_with(".weight") {
        let scale = |z: u64| {
            let magnitude = 1.0 + 0.5 * uniform(z);
            (if z.is_multiple_of(16) {
                -magnitude
            } else {
                magnitude
            }) as f32
        };
        words.map(scale).collect()
    } else if name.ends_with(".bias") || name.ends_with(".running_mean") {
        words.map(|z| (0.2 * uniform(z)) as f32).collect()
    } else {
        panic!("no rule for a tensor named {name} of shape {shape:?}")
    }
}

/// Bilinear interpolation, in integers, of a lattice of 16-bit values `spacing` pixels apart.
fn smooth(state: u64, columns: usize, spacing: usize, x: usize, y: usize) -> u64 {
    let lattice = |row: usize, column: usize| word(state, (row * columns + column) as u64) >> 48;
    let (row, column) = (y / spacing, x / spacing);
    let (fy, fx) = ((y % spacing) as u64, (x % spacing) as u64);
    let s = spacing as u64;
    let top = lattice(row, column) * (s - fx) + lattice(row, column + 1) * fx;
    let bottom = lattice(row + 1, column) * (s - fx) + lattice(row + 1, column + 1) * fx;
    (top * (s - fy) + bottom * fy) / (s * s)
}

/// An image `[channels, height, width]`, row-major, in [0, 1): five parts of 64-pixel structures,
/// two of 16-pixel ones, one of white noise.
pub fn image(channels: usize, height: usize, width: usize, seed: u64) -> Vec<f32> {
    let mut values = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        let coarse = start(&format!("image.{channel}.64"), seed);
        let fine = start(&format!("image.{channel}.16"), seed);
        let noise = start(&format!("image.{channel}.noise"), seed);
        for y in 0..height {
            for x in 0..width {
                let total = 5 * smooth(coarse, width / 64 + 2, 64, x, y)
                    + 2 * smooth(fine, width / 16 + 2, 16, x, y)
                    + (word(noise, (y * width + x) as u64) >> 48);
                values.push(total as f32 / 524_288.0);
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::{image, tensor};

    /// FNV-1a over 32-bit words, as `checksum` of the Python side.
    fn checksum(values: &[f32]) -> u64 {
        values
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |state: u64, value| {
                (state ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3)
            })
    }

    fn bits(values: &[f32]) -> [u32; 4] {
        [0, 1, 2, 3].map(|index: usize| values[index].to_bits())
    }

    #[test]
    fn tensors_have_the_bits_that_python_draws() {
        type Case<'a> = (&'a str, &'a [usize], [u32; 4], u64);
        let cases: [Case<'_>; 6] = [
            (
                "features.conv0.weight",
                &[64, 3, 7, 7],
                [0xbca4_b384, 0x3d9f_d212, 0x3e41_4c4b, 0x3e3c_0163],
                0x1362_08d2_b31c_ea98,
            ),
            (
                "features.norm0.weight",
                &[64],
                [0x3f38_7fc6, 0xbf8b_016f, 0x3fb9_82cc, 0x3f92_7606],
                0x10e0_ff92_3fdd_fa45,
            ),
            (
                "features.norm0.bias",
                &[64],
                [0x3d92_67e3, 0xbd8a_c090, 0xbde4_dccd, 0xbd47_7f4d],
                0xa285_60b0_a5e8_62ca,
            ),
            (
                "features.norm0.running_mean",
                &[64],
                [0x3db3_00ea, 0xbde5_f7a0, 0x3df5_857a, 0xbd2b_063a],
                0x1cf6_486c_0468_89e5,
            ),
            (
                "features.norm0.running_var",
                &[64],
                [0x3f5d_341e, 0x3f84_49ba, 0x3f71_c742, 0x3f64_9dad],
                0x4237_3e21_a095_9668,
            ),
            (
                "classifier.weight",
                &[2, 1024],
                [0x3d93_d903, 0x3d52_8fb1, 0xbcc5_8b5d, 0xbd8c_ae71],
                0x94a2_a5d3_8269_ac16,
            ),
        ];
        for (name, shape, first, sum) in cases {
            let values = tensor(name, shape, 7);
            assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
            assert_eq!(bits(&values), first, "{name}");
            assert_eq!(checksum(&values), sum, "{name}");
        }
    }

    #[test]
    fn images_have_the_bits_that_python_draws() {
        let values = image(3, 70, 130, 7);
        assert_eq!(
            bits(&values),
            [0x3e79_5f80, 0x3e41_4880, 0x3e92_d500, 0x3e56_1680]
        );
        assert_eq!(checksum(&values), 0x752d_8373_9305_1795);
    }
}
