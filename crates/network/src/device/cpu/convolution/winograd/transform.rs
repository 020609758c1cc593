//! The transforms of F(4 x 4, 3 x 3), from interpolation at 0, +-3/4, +-5/4 and infinity.
//!
//! The usual points 0, +-1, +-2 lose five times as much accuracy: with 128 input channels that
//! are not negative, the largest error was 8.4e-6 of the largest output, here 1.5e-6 (direct sums:
//! 0.6e-6). All constants are exact in `f32`.

use mednet_simd::Vector;

/// Extent of a tile of the output.
pub(super) const OUT: usize = 4;
/// Extent of a tile of the input.
pub(super) const IN: usize = 6;
/// Places of a transformed tile.
pub(super) const PLACES: usize = IN * IN;
/// The points of interpolation but 0 and infinity are +-A and +-B.
const A: f32 = 0.75;
const B: f32 = 1.25;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// The transform of six input pixels in a line.
#[inline(always)]
pub(super) fn input_transform<V: Vector>(v: V, d: [V::Lanes; IN]) -> [V::Lanes; IN] {
    let (product, minus_sum) = (v.splat(A2 * B2), v.splat(-(A2 + B2)));
    let (a, b) = (v.splat(A), v.splat(B));
    let (minus_a2, minus_b2) = (v.splat(-A2), v.splat(-B2));
    let even_a = v.mul_add(minus_b2, d[2], d[4]);
    let odd_a = v.mul(a, v.mul_add(minus_b2, d[1], d[3]));
    let even_b = v.mul_add(minus_a2, d[2], d[4]);
    let odd_b = v.mul(b, v.mul_add(minus_a2, d[1], d[3]));
    [
        v.mul_add(product, d[0], v.mul_add(minus_sum, d[2], d[4])),
        v.add(even_a, odd_a),
        v.sub(even_a, odd_a),
        v.add(even_b, odd_b),
        v.sub(even_b, odd_b),
        v.mul_add(product, d[1], v.mul_add(minus_sum, d[3], d[5])),
    ]
}

/// The transform of six sums in a line to four output pixels.
#[inline(always)]
pub(super) fn output_transform<V: Vector>(v: V, m: [V::Lanes; IN]) -> [V::Lanes; OUT] {
    let (even_a, odd_a) = (v.add(m[1], m[2]), v.sub(m[1], m[2]));
    let (even_b, odd_b) = (v.add(m[3], m[4]), v.sub(m[3], m[4]));
    [
        v.add(m[0], v.add(even_a, even_b)),
        v.mul_add(v.splat(A), odd_a, v.mul(v.splat(B), odd_b)),
        v.mul_add(v.splat(A2), even_a, v.mul(v.splat(B2), even_b)),
        v.mul_add(
            v.splat(A2 * A),
            odd_a,
            v.mul_add(v.splat(B2 * B), odd_b, m[5]),
        ),
    ]
}

/// Three taps in a line to six places.
fn kernel_matrix() -> [[f64; 3]; IN] {
    let (a, b) = (f64::from(A), f64::from(B));
    let (a2, b2) = (a * a, b * b);
    let (at_a, at_b) = (1.0 / (2.0 * a2 * (a2 - b2)), 1.0 / (2.0 * b2 * (b2 - a2)));
    [
        [1.0 / (a2 * b2), 0.0, 0.0],
        [at_a, a * at_a, a2 * at_a],
        [at_a, -a * at_a, a2 * at_a],
        [at_b, b * at_b, b2 * at_b],
        [at_b, -b * at_b, b2 * at_b],
        [0.0, 0.0, 1.0],
    ]
}

/// The transform of a kernel in both directions, `[place]`.
pub(super) fn transform_kernel(taps: &[f64; 9]) -> [f32; PLACES] {
    let lines = kernel_matrix();
    std::array::from_fn(|place| {
        let (down, across) = (&lines[place / IN], &lines[place % IN]);
        let mut sum = 0.0;
        for (y, down) in down.iter().enumerate() {
            for (x, across) in across.iter().enumerate() {
                sum += down * across * taps[3 * y + x];
            }
        }
        sum as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mednet_simd::{InstructionSet, Kernel};

    /// In one direction the transforms must yield the four sums of three products.
    struct Line;
    impl Kernel for Line {
        type Output = ();
        #[inline(always)]
        fn call<V: Vector>(self, v: V) {
            let (pixels, taps) = ([1.0f32, -2.0, 3.0, 0.5, 4.0, -1.0], [0.5f64, -1.0, 2.0]);
            let transformed = input_transform(v, pixels.map(|pixel| v.splat(pixel)));
            let kernel = kernel_matrix().map(|line| {
                let sum: f64 = line.iter().zip(&taps).map(|(a, b)| a * b).sum();
                sum as f32
            });
            let products = std::array::from_fn(|i| v.mul(transformed[i], v.splat(kernel[i])));
            for (at, &pixel) in output_transform(v, products).iter().enumerate() {
                // Worked by hand: 0.5 x[i] - x[i + 1] + 2 x[i + 2].
                let expected = [8.5, -3.0, 9.0, -5.75][at];
                let difference = v.sub(pixel, v.splat(expected));
                // Both signs are cut off where the difference is small.
                let small = v.splat(-1e-5);
                let over = v.add(
                    v.relu(v.add(difference, small)),
                    v.relu(v.sub(small, difference)),
                );
                let mut lanes = [0.0; mednet_simd::LARGEST_LANES];
                #[allow(unsafe_code)]
                // SAFETY: there is room for the widest vector.
                unsafe {
                    v.store(lanes.as_mut_ptr(), over);
                }
                assert!(lanes.iter().all(|&lane| lane < 2e-5), "{at}: {lanes:?}");
            }
        }
    }

    #[test]
    fn a_line_is_convolved() {
        for set in InstructionSet::available() {
            set.run(Line);
        }
    }
}
