//! The one inner loop of all kernels: a register tile of sums of products.
//!
//! A layer is `output[m][n] = sum over k of weights[m][k] * input[k][n]`, where `n` counts output
//! pixels. Weights are packed into panels of a few rows; the input row of term `k` lies at
//! `offsets[k]`, and the vectors of pixels lie at `columns[j].input` beyond it. Both are free, so
//! that packed panels, padded images and images split by stride are all read in place. Terms are
//! summed in the order of `k` for every value, whatever tile or thread it falls to; hence results
//! depend neither on the number of threads nor on the batch.
#![allow(unsafe_code)]

use super::target::{Column, Segment, Target, finish, prefetch_output};
use mednet_simd::{InstructionSet, Vector};
use std::ops::Range;

/// Register tiles side by side for which a panel of weights is used before the next one is: the
/// panel stays in the first-level cache, and rows of the output are written in long runs.
const BLOCK_TILES: usize = 4;
/// With fewer terms the output would not arrive in time.
const PREFETCHING_DEPTH: usize = 32;

/// Rows of weights, `[rows, depth]`, packed into panels `[depth, height]`.
///
/// All panels but the last have the height of the register tile; the last one half of it where
/// that suffices. Rows beyond the last are 0.
#[derive(Debug, Clone)]
pub(crate) struct PanelWeights {
    values: Vec<f32>,
    rows: usize,
    depth: usize,
    height: usize,
}

impl PanelWeights {
    /// Packs the weight of each row and term of the sum.
    pub(crate) fn new(
        set: InstructionSet,
        rows: usize,
        depth: usize,
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let height = set.rows();
        let mut packed = Self {
            values: Vec::new(),
            rows,
            depth,
            height,
        };
        for panel in 0..packed.panels() {
            let panel_height = packed.panel_height(panel);
            for term in 0..depth {
                for row in panel * height..panel * height + panel_height {
                    packed
                        .values
                        .push(if row < rows { weight(row, term) } else { 0.0 });
                }
            }
        }
        packed
    }

    /// Number of panels.
    pub(crate) fn panels(&self) -> usize {
        self.rows.div_ceil(self.height)
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of terms of each sum.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    fn panel_height(&self, panel: usize) -> usize {
        let rest = self.rows - panel * self.height;
        if rest <= self.height / 2 {
            self.height / 2
        } else {
            self.height
        }
    }

    /// The panel's first row, the number of its rows that are real, its height, its values.
    #[inline(always)]
    fn panel(&self, panel: usize) -> (usize, usize, usize, &[f32]) {
        let first = panel * self.height;
        let height = self.panel_height(panel);
        let start = first * self.depth;
        let values = &self.values[start..start + self.depth * height];
        (first, height.min(self.rows - first), height, values)
    }
}

/// A register tile of `R` rows of weights and `C` vectors of pixels.
///
/// # Safety
/// `weights` holds `offsets.len() * R` values; for each offset and column, a vector is readable at
/// `input + offset + column`.
#[inline(always)]
pub(crate) unsafe fn products<V: Vector, const R: usize, const C: usize>(
    v: V,
    weights: *const f32,
    input: *const f32,
    offsets: &[usize],
    columns: [usize; C],
) -> [[V::Lanes; C]; R] {
    let mut sums = [[v.splat(0.0); C]; R];
    let mut weights = weights;
    for &offset in offsets {
        let mut x = [v.splat(0.0); C];
        for j in 0..C {
            // SAFETY: readable as the caller promised.
            x[j] = unsafe { v.load(input.add(offset + columns[j])) };
        }
        for (i, row) in sums.iter_mut().enumerate() {
            // SAFETY: within the weights, as the caller promised.
            let weight = v.splat(unsafe { *weights.add(i) });
            for j in 0..C {
                row[j] = v.mul_add(weight, x[j], row[j]);
            }
        }
        weights = weights.wrapping_add(R);
    }
    sums
}

/// Multiplies panels of weights with all columns, and finishes and writes the results.
///
/// # Safety
/// For each offset and column, a vector is readable at `input + offset + column.input`; the number
/// of offsets is the depth of the weights. The rest as for [`finish`].
#[inline(always)]
pub(crate) unsafe fn multiply<V: Vector>(
    v: V,
    weights: &PanelWeights,
    panels: Range<usize>,
    input: *const f32,
    offsets: &[usize],
    (columns, segments): (&[Column], &[Segment]),
    target: &Target<'_>,
) {
    assert_eq!(offsets.len(), weights.depth());
    for block in columns.chunks(BLOCK_TILES * V::TILE_VECTORS) {
        for panel in panels.clone() {
            let mut rest = block;
            while !rest.is_empty() {
                // A tile of a single vector is slow: four vectors are two and two.
                let four = V::TILE_VECTORS == 3 && rest.len() == 4;
                let count = if four {
                    2
                } else {
                    V::TILE_VECTORS.min(rest.len())
                };
                let (group, others) = rest.split_at(count);
                rest = others;
                // SAFETY: as the caller promised.
                unsafe { tile(v, weights, panel, input, offsets, (group, segments), target) };
            }
        }
    }
}

/// Multiplies a panel of weights with the columns of a register tile.
///
/// # Safety
/// As for [`multiply`].
#[inline(always)]
unsafe fn tile<V: Vector>(
    v: V,
    weights: &PanelWeights,
    panel: usize,
    input: *const f32,
    offsets: &[usize],
    (columns, segments): (&[Column], &[Segment]),
    target: &Target<'_>,
) {
    let (first, rows, height, values) = weights.panel(panel);
    if weights.depth() >= PREFETCHING_DEPTH {
        prefetch_output(v, first..first + rows, columns, segments, target);
    }
    macro_rules! tile {
        ($rows:literal, $columns:literal) => {{
            let mut inputs = [0; $columns];
            for (at, column) in inputs.iter_mut().zip(columns) {
                *at = column.input;
            }
            // SAFETY: the panel holds a value for each offset and row; the rest as the caller
            // promised.
            unsafe {
                let weights = values.as_ptr();
                let sums = products::<V, $rows, $columns>(v, weights, input, offsets, inputs);
                finish(v, sums, first, rows, columns, segments, target);
            }
        }};
    }
    macro_rules! rows {
        ($rows:literal) => {
            match columns.len() {
                3 if V::TILE_VECTORS == 3 => tile!($rows, 3),
                2 => tile!($rows, 2),
                _ => tile!($rows, 1),
            }
        };
    }
    // The second comparison is known when compiling: only two heights remain.
    match height {
        8 if V::ROWS == 8 => rows!(8),
        4 if V::ROWS >= 4 => rows!(4),
        2 if V::ROWS <= 4 => rows!(2),
        1 if V::ROWS == 2 => rows!(1),
        _ => unreachable!("panels are as high as the tile or half of it"),
    }
}
