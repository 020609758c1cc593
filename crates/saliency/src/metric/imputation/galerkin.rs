//! The exact Galerkin operators of the coarse grids, assembled from 4 x 4 cell matrices.
//!
//! The finest operator (in twelfths) is the sum over all pairs of neighbouring pixels of
//! `weight (x_i - x_j)^2`, known pixels held at zero. Every pair lies in one coarse cell (3 x 3
//! pixels around the corners of which the interpolation is bilinear) or on the side between two of
//! them, which then take half each. So the coarse operator P^T A P is a sum of one symmetric 4 x 4
//! matrix a cell, which depends on nothing but which of the 9 pixels are unknown: a table of 512.
//! On the coarser grids the cell matrices of four cells combine bilinearly into one.

use mednet_simd::{multiply_add, multiversion};

use super::cell_patterns::{ENTRY, PatternTables, Place};
use super::level::{LANES, Level, PAD, Plane, blocks, blocks_mut, deinterleave, row_planes};

/// Cell matrices of a coarse grid.
pub(super) struct Elements {
    rows: usize,
    columns: usize,
    stride: usize,
    /// One vector an entry: a row of zeros above and below, [`PAD`] columns of zeros at each side.
    entries: [Plane; 10],
    /// Two padded rows an entry, of the next finer grid.
    scratch: Vec<Plane>,
}

impl Elements {
    /// Room for the cells of a coarse grid of `height` x `width` nodes.
    pub(super) fn new(height: usize, width: usize) -> Self {
        let (rows, columns) = (height - 1, width - 1);
        let stride = width.next_multiple_of(LANES) + 2 * PAD;
        Self {
            rows,
            columns,
            stride,
            entries: std::array::from_fn(|_| Plane::new((rows + 2) * stride)),
            scratch: (0..20).map(|_| Plane::new(stride)).collect(),
        }
    }
}

#[inline(always)]
fn first_elements_body<const FMA: bool>(
    elements: &mut Elements,
    tables: &PatternTables,
    unknown: &[bool],
    height: usize,
    width: usize,
) {
    let columns = elements.columns;
    // Bits 0, 3 and 6 of the three pixel rows, columns beyond the image without bits.
    let mut bits = vec![0u16; 2 * columns + 2];
    let mut patterns = vec![0u16; columns.next_multiple_of(LANES)];
    for i in 0..elements.rows {
        let vertical = Place::of(i, elements.rows);
        let used = width.min(2 * columns + 1);
        bits.fill(0);
        for a in 0..3 {
            let y = 2 * i + a;
            if y < height {
                for (bit, &u) in bits[..used].iter_mut().zip(&unknown[y * width..]) {
                    *bit |= u16::from(u) << (3 * a);
                }
            }
        }
        let pairs = bits.as_chunks::<2>().0;
        for ((pattern, here), next) in patterns[..columns].iter_mut().zip(pairs).zip(&pairs[1..]) {
            *pattern = here[0] | here[1] << 1 | next[0] << 2;
        }
        let start = (i + 1) * elements.stride + PAD;
        let inner = tables.get(
            vertical,
            Place {
                first: false,
                last: false,
            },
        );
        let (first, last) = (Place::of(0, columns), Place::of(columns - 1, columns));
        for (k, block) in patterns.as_chunks::<LANES>().0.iter().enumerate() {
            let at = start + k * LANES;
            let n = LANES.min(columns - k * LANES);
            if columns > 2 {
                if block[..n].iter().fold(0, |m, p| m | (p ^ block[0])) == 0 {
                    let matrix = inner[usize::from(block[0])];
                    for (entry, value) in elements.entries.iter_mut().zip(matrix) {
                        entry[at..at + n].fill(value);
                    }
                } else {
                    for (q, pattern) in block[..n].iter().enumerate() {
                        let matrix = inner[usize::from(*pattern)];
                        for (entry, value) in elements.entries.iter_mut().zip(matrix) {
                            entry[at + q] = value;
                        }
                    }
                }
            }
        }
        for (j, horizontal) in [(0, first), (columns - 1, last)] {
            let matrix = tables.get(vertical, horizontal)[usize::from(patterns[j])];
            for (entry, value) in elements.entries.iter_mut().zip(matrix) {
                entry[start + j] = value;
            }
        }
    }
}
multiversion! {
    /// The cell matrices of the first coarse grid.
    pub(super) fn first_elements(
        elements: &mut Elements,
        tables: &PatternTables,
        unknown: &[bool],
        height: usize,
        width: usize,
    ) = first_elements_body
}

/// Adds what a cell with matrix `k` gives to the cell twice its size around it. `A` is the corner
/// that both have in common, `B`, `C` and `D` its horizontal, vertical and diagonal neighbour. With
/// a to d the large cell's values, the small one's are a, (a + b) / 2, (a + c) / 2 and
/// (a + b + c + d) / 4.
#[inline(always)]
fn add_quarter<const FMA: bool, const A: usize, const B: usize, const C: usize, const D: usize>(
    k: &[f32; 10],
    sum: &mut [f32; 10],
) {
    // Row r of K P.
    let product = |r: usize| {
        let (a, b, c, d) = (
            k[ENTRY[r][A]],
            k[ENTRY[r][B]],
            k[ENTRY[r][C]],
            k[ENTRY[r][D]],
        );
        let quarter = 0.25 * d;
        [
            multiply_add::<FMA>(0.5, b + c, a + quarter),
            multiply_add::<FMA>(0.5, b, quarter),
            multiply_add::<FMA>(0.5, c, quarter),
            quarter,
        ]
    };
    let (a, b, c, d) = (product(A), product(B), product(C), product(D));
    let row_a =
        |s: usize| multiply_add::<FMA>(0.5, b[s] + c[s], multiply_add::<FMA>(0.25, d[s], a[s]));
    let row_b = |s: usize| multiply_add::<FMA>(0.5, b[s], 0.25 * d[s]);
    let row_c = |s: usize| multiply_add::<FMA>(0.5, c[s], 0.25 * d[s]);
    sum[ENTRY[A][A]] += row_a(0);
    sum[ENTRY[A][B]] += row_a(1);
    sum[ENTRY[A][C]] += row_a(2);
    sum[ENTRY[A][D]] += row_a(3);
    sum[ENTRY[B][B]] += row_b(1);
    sum[ENTRY[B][C]] += row_b(2);
    sum[ENTRY[B][D]] += row_b(3);
    sum[ENTRY[C][C]] += row_c(2);
    sum[ENTRY[C][D]] += row_c(3);
    sum[ENTRY[D][D]] += 0.25 * d[3];
}

/// Adds a row of small cells, deinterleaved into `left` and `right` ones, to a row of large cells.
#[inline(always)]
fn add_row<const FMA: bool, const LOWER: bool>(
    scratch: &[Plane],
    entries: &mut [Plane; 10],
    start: usize,
    count: usize,
) {
    let left: [&[[f32; LANES]]; 10] = std::array::from_fn(|e| blocks(&scratch[2 * e], 0, count));
    let right: [&[[f32; LANES]]; 10] =
        std::array::from_fn(|e| blocks(&scratch[2 * e + 1], 0, count));
    for b in 0..count {
        let mut result = [[0.0f32; LANES]; 10];
        for q in 0..LANES {
            let l: [f32; 10] = std::array::from_fn(|e| left[e][b][q]);
            let r: [f32; 10] = std::array::from_fn(|e| right[e][b][q]);
            let mut sum = [0.0f32; 10];
            if LOWER {
                add_quarter::<FMA, 2, 3, 0, 1>(&l, &mut sum);
                add_quarter::<FMA, 3, 2, 1, 0>(&r, &mut sum);
            } else {
                add_quarter::<FMA, 0, 1, 2, 3>(&l, &mut sum);
                add_quarter::<FMA, 1, 0, 3, 2>(&r, &mut sum);
            }
            for e in 0..10 {
                result[e][q] = sum[e];
            }
        }
        for (entry, result) in entries.iter_mut().zip(&result) {
            let out = &mut blocks_mut(entry, start + b * LANES, 1)[0];
            for q in 0..LANES {
                out[q] += result[q];
            }
        }
    }
}

#[inline(always)]
fn coarsen_body<const FMA: bool>(fine: &Elements, coarse: &mut Elements) {
    let Elements {
        rows,
        columns,
        stride,
        entries,
        scratch,
    } = coarse;
    let count = columns.div_ceil(LANES);
    for i in 0..*rows {
        let start = (i + 1) * *stride + PAD;
        for entry in entries.iter_mut() {
            entry[start..start + *columns].fill(0.0);
        }
        for lower in [false, true] {
            let y = 2 * i + usize::from(lower);
            if y >= fine.rows {
                continue;
            }
            let from = (y + 1) * fine.stride + PAD;
            for (entry, pair) in fine.entries.iter().zip(scratch.as_chunks_mut::<2>().0) {
                let [left, right] = pair;
                deinterleave(
                    &entry[from..],
                    &mut left[..*columns],
                    &mut right[..*columns],
                );
            }
            if lower {
                add_row::<FMA, true>(scratch, entries, start, count);
            } else {
                add_row::<FMA, false>(scratch, entries, start, count);
            }
        }
    }
}
multiversion! {
    /// The cell matrices of a grid from those of the next finer one.
    pub(super) fn coarsen(fine: &Elements, coarse: &mut Elements) = coarsen_body
}

/// A diagonal below this share of a typical one (12) belongs to a coarse node which hardly reaches
/// an unknown; the node is left out.
const SMALLEST_DIAGONAL: f32 = 1e-6;

#[inline(always)]
fn assemble_body<const FMA: bool>(level: &mut Level, elements: &mut Elements) {
    let Elements {
        stride,
        entries,
        scratch,
        ..
    } = elements;
    let count = level.width.div_ceil(LANES);
    for i in 0..level.height {
        // Cells of which the node is the top left corner, and those of which it is the bottom left.
        let lower = (i + 1) * *stride + PAD;
        let upper = i * *stride + PAD;
        let entry = |e: usize, start: usize| blocks(&entries[e], start, count);
        let diagonal = [
            entry(0, lower),
            entry(1, lower - 1),
            entry(2, upper),
            entry(3, upper - 1),
        ];
        let (east, east_above) = (entry(4, lower), entry(9, upper));
        let (south, south_before) = (entry(5, lower), entry(8, lower - 1));
        let (south_east, south_west) = (entry(6, lower), entry(7, lower - 1));
        for k in 0..count {
            let mut result = [[0.0f32; LANES]; 6];
            for q in 0..LANES {
                let d = (diagonal[0][k][q] + diagonal[1][k][q])
                    + (diagonal[2][k][q] + diagonal[3][k][q]);
                let inverse = 1.0 / d;
                result[0][q] = if d > SMALLEST_DIAGONAL { inverse } else { 0.0 };
                result[1][q] = d;
                result[2][q] = -(east[k][q] + east_above[k][q]);
                result[3][q] = -(south[k][q] + south_before[k][q]);
                result[4][q] = -south_east[k][q];
                result[5][q] = -south_west[k][q];
            }
            for (row, result) in scratch.iter_mut().zip(&result) {
                blocks_mut(row, k * LANES, 1)[0] = *result;
            }
        }
        let start = level.row_start(i / 2);
        let end = start + level.block_columns;
        let targets = [
            &mut level.inverse_diagonal,
            &mut level.diagonal,
            &mut level.east,
            &mut level.south,
            &mut level.south_east,
            &mut level.south_west,
        ];
        for (row, planes) in scratch.iter().zip(targets) {
            let (even, odd) = row_planes(planes, i % 2);
            deinterleave(row, &mut even[start..end], &mut odd[start..end]);
        }
    }
    for row in scratch {
        row.fill(0.0);
    }
}
multiversion! {
    /// The nine-point operator of a coarse grid from its cell matrices.
    pub(super) fn assemble(level: &mut Level, elements: &mut Elements) = assemble_body
}
