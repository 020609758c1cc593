//! The fall-back: conjugate gradients with the diagonal as preconditioner, in 64-bit floats.
//!
//! Slow (the iterations grow with the side of the image) but it cannot fail: the operator is
//! symmetric and positive definite as soon as one pixel is known. Hestenes and Stiefel 1952,
//! doi:10.6028/jres.049.044.

use super::level::weight_sum;

/// Reduction of the preconditioned residual's norm at which the iteration ends.
const REDUCTION: f64 = 1e-12;

/// An image with one pixel of padding at each side.
struct Grid {
    height: usize,
    width: usize,
    /// Sum of weights at unknown pixels, 0 elsewhere.
    diagonal: Vec<f64>,
}

impl Grid {
    fn row(&self, y: usize) -> std::ops::Range<usize> {
        let start = (y + 1) * (self.width + 2) + 1;
        start..start + self.width
    }

    /// `sum of w_ij x_j - diagonal_i x_i` at the unknown pixels, 0 elsewhere; `x` must be 0 in the
    /// padding.
    fn apply(&self, x: &[f64], out: &mut [f64]) {
        let stride = self.width + 2;
        for y in 0..self.height {
            for i in self.row(y) {
                if self.diagonal[i] > 0.0 {
                    let (n, s) = (i - stride, i + stride);
                    let direct = (x[i - 1] + x[i + 1]) + (x[n] + x[s]);
                    let corner = (x[n - 1] + x[n + 1]) + (x[s - 1] + x[s + 1]);
                    out[i] = 2.0 * direct + corner - self.diagonal[i] * x[i];
                }
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves for the unknown pixels of `values` in place, starting from what they hold (0 where that is
/// not finite). Returns the largest |residual| / diagonal, of the true residual.
pub(super) fn solve(values: &mut [f64], unknown: &[bool], height: usize, width: usize) -> f64 {
    let size = (height + 2) * (width + 2);
    let mut grid = Grid {
        height,
        width,
        diagonal: vec![0.0; size],
    };
    let mut x = vec![0.0; size];
    for y in 0..height {
        for (u, i) in grid.row(y).enumerate() {
            let pixel = y * width + u;
            x[i] = values[pixel];
            if unknown[pixel] {
                grid.diagonal[i] = weight_sum(y, u, height, width) as f64;
                if !x[i].is_finite() {
                    x[i] = 0.0;
                }
            }
        }
    }
    let inverse: Vec<f64> = grid
        .diagonal
        .iter()
        .map(|&d| if d > 0.0 { 1.0 / d } else { 0.0 })
        .collect();
    let largest = |r: &[f64]| {
        r.iter()
            .zip(&inverse)
            .map(|(r, d)| (r * d).abs())
            .fold(0.0, f64::max)
    };
    let mut residual = vec![0.0; size];
    grid.apply(&x, &mut residual);
    let mut direction: Vec<f64> = residual.iter().zip(&inverse).map(|(r, d)| r * d).collect();
    let mut norm = dot(&residual, &direction);
    let target = norm * REDUCTION * REDUCTION;
    let mut product = vec![0.0; size];
    // In exact arithmetic at most one iteration an unknown; far fewer are needed.
    for _ in 0..2 * height * width + 10 {
        // Not-a-number ends it too.
        let goes_on = norm > target && norm > f64::MIN_POSITIVE;
        if !goes_on {
            break;
        }
        grid.apply(&direction, &mut product);
        // `product` is -A direction.
        let step = -norm / dot(&direction, &product);
        if !step.is_finite() {
            break;
        }
        for i in 0..size {
            x[i] += step * direction[i];
            residual[i] += step * product[i];
        }
        let before = norm;
        norm = residual.iter().zip(&inverse).map(|(r, d)| r * r * d).sum();
        let ratio = norm / before;
        for i in 0..size {
            direction[i] = residual[i] * inverse[i] + ratio * direction[i];
        }
    }
    grid.apply(&x, &mut residual);
    for y in 0..height {
        values[y * width..(y + 1) * width].copy_from_slice(&x[grid.row(y)]);
    }
    largest(&residual)
}
