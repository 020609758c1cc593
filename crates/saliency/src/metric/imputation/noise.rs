//! The noise of noisy linear imputation.
//!
//! Gaussian noise from a counter-based generator: the draw of a pixel depends on the seed, the
//! channel and the pixel's position and on nothing else, so that it is the same for every mask, in
//! every order and on every number of threads. The counter goes through Philox 4x32 with 10 rounds
//! (Salmon, Moraes, Dror and Shaw 2011, doi:10.1145/2063384.2063405); its four words become four
//! normal variates by the transform of Box and Muller (1958, doi:10.1214/aoms/1177706645), with
//! logarithm, sine and cosine as polynomials of additions and multiplications only: the same bits
//! on every processor.

use mednet_simd::{InstructionSet, multiversion};

use super::ImputationError;

/// Counters handled together.
const BLOCK: usize = 16;

/// One round of the generator for `BLOCK` counters; leaves the next round's key.
#[inline(always)]
fn round(c: &mut [[u32; BLOCK]; 4], key: &mut [u32; 2]) {
    let [c0, c1, c2, c3] = c;
    for q in 0..BLOCK {
        let a = u64::from(c0[q]) * 0xD251_1F53;
        let b = u64::from(c2[q]) * 0xCD9E_8D57;
        c0[q] = (b >> 32) as u32 ^ c1[q] ^ key[0];
        c1[q] = b as u32;
        c2[q] = (a >> 32) as u32 ^ c3[q] ^ key[1];
        c3[q] = a as u32;
    }
    key[0] = key[0].wrapping_add(0x9E37_79B9);
    key[1] = key[1].wrapping_add(0xBB67_AE85);
}

/// Philox 4x32-10: the counters become random words.
#[inline(always)]
fn philox(c: &mut [[u32; BLOCK]; 4], mut key: [u32; 2]) {
    for _ in 0..10 {
        round(c, &mut key);
    }
}

/// Natural logarithm of u in (0, 1], to 2e-7 relative. u = 2^e m with m in [sqrt(1/2), sqrt(2)), and
/// ln m = 2 artanh(s) with s = (m - 1) / (m + 1).
#[inline(always)]
fn logarithm(u: f32) -> f32 {
    let bits = u.to_bits();
    let shifted = bits.wrapping_sub(0x3f35_04f3);
    let exponent = (shifted as i32) >> 23;
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = 1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0))));
    exponent as f32 * std::f32::consts::LN_2 + 2.0 * s * series
}

/// Sine and cosine of a whole turn's fraction `word / 2^32`. The top two bits (after rounding) pick
/// the quadrant, Taylor polynomials on [-pi/4, pi/4] do the rest.
#[inline(always)]
fn sine_cosine(word: u32) -> (f32, f32) {
    let rounded = word.wrapping_add(1 << 29);
    let quadrant = rounded >> 30;
    // 24 bits, so that the conversion is exact.
    let rest = (word.wrapping_sub(quadrant << 30) as i32) >> 8;
    let a = rest as f32 * (std::f32::consts::TAU / (1u32 << 24) as f32);
    let z = a * a;
    let sine = a * (1.0 + z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0))));
    let cosine = 1.0 + z * (-0.5 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z * (1.0 / 40320.0))));
    let (s, c) = if quadrant & 1 == 1 {
        (cosine, -sine)
    } else {
        (sine, cosine)
    };
    if quadrant & 2 == 2 { (-s, -c) } else { (s, c) }
}

/// 4 x `BLOCK` standard normal variates of `BLOCK` counters.
#[inline(always)]
fn normal(first: u32, channel: u32, key: [u32; 2]) -> [[f32; BLOCK]; 4] {
    let mut c = [
        std::array::from_fn(|q| first.wrapping_add(q as u32)),
        [channel; BLOCK],
        [0; BLOCK],
        [0; BLOCK],
    ];
    philox(&mut c, key);
    let mut out = [[0.0; BLOCK]; 4];
    for pair in 0..2 {
        for q in 0..BLOCK {
            // (0, 1]: 24 bits and a half step, never zero.
            let u = ((c[2 * pair][q] >> 8) as i32 as f32 + 0.5) * (1.0 / (1u32 << 24) as f32);
            let radius = (-2.0 * logarithm(u)).max(0.0).sqrt();
            let (sine, cosine) = sine_cosine(c[2 * pair + 1][q]);
            out[2 * pair][q] = radius * cosine;
            out[2 * pair + 1][q] = radius * sine;
        }
    }
    out
}

#[inline(always)]
fn add_to_channel_body<const FMA: bool>(
    channel: &mut [f32],
    unknown: &[bool],
    deviation: f32,
    index: u32,
    key: [u32; 2],
) {
    const PIXELS: usize = 4 * BLOCK;
    let chunks = channel.chunks_mut(PIXELS).zip(unknown.chunks(PIXELS));
    for (k, (pixels, mask)) in chunks.enumerate() {
        if !mask.iter().fold(false, |any, u| any | u) {
            continue;
        }
        let noise = normal((k * BLOCK) as u32, index, key);
        for ((pixel, &unknown), noise) in pixels.iter_mut().zip(mask).zip(noise.as_flattened()) {
            *pixel += if unknown { deviation * noise } else { 0.0 };
        }
    }
}
multiversion! {
    /// Adds noise to one channel.
    fn add_to_channel(
        channel: &mut [f32],
        unknown: &[bool],
        deviation: f32,
        index: u32,
        key: [u32; 2],
    ) = add_to_channel_body
}

/// Adds independent Gaussian noise of mean 0 and the given standard deviation (in the image's
/// units; Rong et al. use 0.01 on [0, 1]) to the unknown pixels of every channel.
///
/// `image` is [C, H, W], `unknown` [H, W]. The noise of a pixel is a function of the seed, the
/// channel and the position; derive `seed` from the run's seed, the sample and the repeat.
///
/// # Errors
///
/// [`ImputationError::WrongLength`] if `image` is not a whole number of channels, and
/// [`ImputationError::InvalidDeviation`] if the deviation is negative or not finite.
pub fn add_noise(
    image: &mut [f32],
    unknown: &[bool],
    standard_deviation: f32,
    seed: u64,
) -> Result<(), ImputationError> {
    if unknown.is_empty() || !image.len().is_multiple_of(unknown.len()) {
        return Err(ImputationError::WrongLength {
            what: "image",
            expected: unknown.len(),
            found: image.len(),
        });
    }
    if !(standard_deviation.is_finite() && standard_deviation >= 0.0) {
        return Err(ImputationError::InvalidDeviation {
            found: standard_deviation,
        });
    }
    if standard_deviation == 0.0 {
        return Ok(());
    }
    let instructions = InstructionSet::best();
    let key = [seed as u32, (seed >> 32) as u32];
    for (index, channel) in image.chunks_mut(unknown.len()).enumerate() {
        let index = index as u32;
        add_to_channel(
            instructions,
            channel,
            unknown,
            standard_deviation,
            index,
            key,
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers published with the generator (Random123, `kat_vectors`).
    #[test]
    fn philox_gives_the_published_answers() {
        let cases: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [u32::MAX; 4],
                [u32::MAX; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            let mut c: [[u32; BLOCK]; 4] = std::array::from_fn(|w| [counter[w]; BLOCK]);
            philox(&mut c, key);
            assert_eq!(c.map(|w| w[3]), expected);
        }
    }

    #[test]
    fn logarithm_sine_and_cosine_are_accurate() {
        for k in 0..1u32 << 16 {
            let u = (k as f32 + 0.5) / 65536.0;
            let error = f64::from(logarithm(u)) - f64::from(u).ln();
            assert!(
                error.abs() <= 3e-7 * (1.0 + f64::from(u).ln().abs()),
                "ln {u}: {error}"
            );
            let word = k << 16 | 0x1234;
            let angle = f64::from(word) / 4294967296.0 * std::f64::consts::TAU;
            let (s, c) = sine_cosine(word);
            assert!((f64::from(s) - angle.sin()).abs() < 1e-6, "sin {angle}");
            assert!((f64::from(c) - angle.cos()).abs() < 1e-6, "cos {angle}");
        }
    }

    fn draws(pixels: usize, channels: usize, seed: u64) -> Vec<f32> {
        let mut image = vec![0.0; pixels * channels];
        add_noise(&mut image, &vec![true; pixels], 1.0, seed).unwrap();
        image
    }

    #[test]
    fn noise_is_standard_normal_and_independent() {
        let n = 1 << 18;
        let mut x = draws(n, 2, 7);
        let (a, b) = x.split_at(n);
        let correlation = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>() / a.len() as f64
        };
        // Standard error of each is 1 / sqrt(n) = 0.002.
        assert!(correlation(a, b).abs() < 0.008);
        for lag in [1, 2, 16, 64, 512] {
            assert!(
                correlation(&a[lag..], &a[..n - lag]).abs() < 0.008,
                "lag {lag}"
            );
        }
        let moment = |k: i32| x.iter().map(|&v| f64::from(v).powi(k)).sum::<f64>() / x.len() as f64;
        assert!(moment(1).abs() < 0.006);
        assert!((moment(2) - 1.0).abs() < 0.008);
        assert!(moment(3).abs() < 0.02);
        assert!((moment(4) - 3.0).abs() < 0.06);
        // Kolmogorov-Smirnov distance at deciles of the normal distribution.
        x.sort_by(f32::total_cmp);
        for (z, share) in [
            (-2.326_348, 0.01),
            (-1.281_552, 0.1),
            (-0.524_401, 0.3),
            (0.0, 0.5),
            (0.841_621, 0.8),
        ] {
            let found = x.partition_point(|&v| v < z) as f64 / x.len() as f64;
            assert!((found - share).abs() < 0.003, "{z}: {found}");
        }
    }

    #[test]
    fn noise_depends_on_seed_channel_and_position_only() {
        let (n, seed) = (24 * 20, 0x0123_4567_89ab_cdef);
        let all = draws(n, 3, seed);
        let unknown: Vec<bool> = (0..n).map(|i| i % 7 < 3 && i > 100).collect();
        let mut image = vec![0.0; 3 * n];
        add_noise(&mut image, &unknown, 1.0, seed).unwrap();
        for (i, v) in image.iter().enumerate() {
            assert_eq!(*v, if unknown[i % n] { all[i] } else { 0.0 });
        }
        assert_ne!(draws(n, 1, seed), draws(n, 1, seed ^ 1 << 40));
        assert_ne!(all[..n], all[n..2 * n]);
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let n = 1000;
        let unknown: Vec<bool> = (0..n).map(|i| i % 5 != 0).collect();
        let results: Vec<Vec<f32>> = InstructionSet::available()
            .into_iter()
            .map(|set| {
                let mut channel = vec![0.5; n];
                add_to_channel(set, &mut channel, &unknown, 0.01, 2, [3, 4]);
                channel
            })
            .collect();
        assert!(results.iter().all(|r| *r == results[0]));
    }

    #[test]
    fn wrong_arguments_are_errors() {
        assert!(add_noise(&mut [0.0; 5], &[true; 2], 0.1, 0).is_err());
        assert!(add_noise(&mut [0.0; 4], &[true; 2], -0.1, 0).is_err());
        assert!(add_noise(&mut [0.0; 4], &[true; 2], f32::NAN, 0).is_err());
    }
}
