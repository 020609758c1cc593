//! Direct solution on the coarsest grid: banded Cholesky factorisation in 64-bit floats.

use super::level::Level;

/// Factor L of the coarsest grid's operator A = L L^T. Nodes are numbered along the shorter side,
/// so that the band is as narrow as can be.
pub(super) struct BandedCholesky {
    nodes: usize,
    band: usize,
    /// Row i holds L[i][i - band ..= i].
    factor: Vec<f64>,
    /// 1 / L[i][i].
    inverse: Vec<f64>,
    /// `band` zeros, then the right side, replaced by the solution.
    values: Vec<f64>,
    active: Vec<bool>,
    /// Plane and offset of each node.
    positions: Vec<(usize, usize)>,
}

impl BandedCholesky {
    /// Room for a grid like `level`.
    pub(super) fn new(level: &Level) -> Self {
        let (height, width) = (level.height, level.width);
        let nodes = height * width;
        let band = height.min(width) + 1;
        let positions = (0..nodes)
            .map(|i| {
                if width <= height {
                    level.position(i / width, i % width)
                } else {
                    level.position(i % height, i / height)
                }
            })
            .collect();
        Self {
            nodes,
            band,
            factor: vec![0.0; nodes * (band + 1)],
            inverse: vec![0.0; nodes],
            values: vec![0.0; nodes + band],
            active: vec![false; nodes],
            positions,
        }
    }

    /// Factorises the operator of `level`.
    pub(super) fn factorise(&mut self, level: &Level) {
        let (band, row) = (self.band, self.band + 1);
        let tall = level.width <= level.height;
        let side = level.height.min(level.width);
        self.factor.fill(0.0);
        for i in 0..self.nodes {
            let (plane, offset) = self.positions[i];
            self.active[i] = level.inverse_diagonal[plane][offset] > 0.0;
            // A pixel far away may be all that keeps the operator from being singular: rounding
            // in its assembly must not make it indefinite.
            self.factor[i * row + band] = if self.active[i] {
                f64::from(level.diagonal[plane][offset]) * (1.0 + 1e-7)
            } else {
                1.0
            };
        }
        for i in 0..self.nodes {
            let (plane, offset) = self.positions[i];
            let (line, place) = (i / side, i % side);
            let lines = self.nodes / side;
            // Couplings to later nodes: along the line, then to the next line's three.
            let (along, across) = if tall {
                (&level.east, &level.south)
            } else {
                (&level.south, &level.east)
            };
            let mut couple = |k: usize, value: f32| {
                if self.active[i] && self.active[k] {
                    self.factor[k * row + band - (k - i)] = -f64::from(value);
                }
            };
            if place + 1 < side {
                couple(i + 1, along[plane][offset]);
            }
            if line + 1 < lines {
                couple(i + side, across[plane][offset]);
                if place + 1 < side {
                    couple(i + side + 1, level.south_east[plane][offset]);
                }
                if place > 0 {
                    // The other diagonal, stored at its upper right end.
                    let value = if tall {
                        level.south_west[plane][offset]
                    } else {
                        let (plane, offset) = self.positions[i + side - 1];
                        level.south_west[plane][offset]
                    };
                    couple(i + side - 1, value);
                }
            }
        }
        for i in 0..self.nodes {
            let (before, rest) = self.factor.split_at_mut(i * row);
            let own = &mut rest[..row];
            for j in i.saturating_sub(band)..i {
                // L[i][j] = (A[i][j] - sum over k of L[i][k] L[j][k]) / L[j][j]
                let shift = i - j;
                let other = &before[j * row..(j + 1) * row];
                let dot: f64 = own[..band - shift]
                    .iter()
                    .zip(&other[shift..band])
                    .map(|(a, b)| a * b)
                    .sum();
                own[band - shift] = (own[band - shift] - dot) * self.inverse[j];
            }
            let dot: f64 = own[..band].iter().map(|v| v * v).sum();
            let pivot = (own[band] - dot).max(1e-30).sqrt();
            own[band] = pivot;
            self.inverse[i] = 1.0 / pivot;
        }
    }

    /// Solves for the correction of `level` from its right side.
    pub(super) fn solve(&mut self, level: &mut Level) {
        let (band, row) = (self.band, self.band + 1);
        for i in 0..self.nodes {
            let (plane, offset) = self.positions[i];
            let value = if self.active[i] {
                level.right_side[plane][offset]
            } else {
                0.0
            };
            let (known, rest) = self.values.split_at_mut(band + i);
            // Four partial sums, or the additions would wait for one another.
            let mut sums = [0.0f64; 4];
            let own = &self.factor[i * row..i * row + band];
            let (a, a_rest) = own.as_chunks::<4>();
            let (b, b_rest) = known[i..].as_chunks::<4>();
            for (a, b) in a.iter().zip(b) {
                for q in 0..4 {
                    sums[q] += a[q] * b[q];
                }
            }
            let rest_sum: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
            let dot = (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest_sum;
            rest[0] = (f64::from(value) - dot) * self.inverse[i];
        }
        for i in (0..self.nodes).rev() {
            let (before, rest) = self.values.split_at_mut(band + i);
            let value = rest[0] * self.inverse[i];
            rest[0] = value;
            for (v, l) in before[i..]
                .iter_mut()
                .zip(&self.factor[i * row..i * row + band])
            {
                *v -= l * value;
            }
            let (plane, offset) = self.positions[i];
            level.x[plane][offset] = if self.active[i] { value as f32 } else { 0.0 };
        }
        // The back substitution wrote into the padding.
        self.values[..band].fill(0.0);
    }
}
