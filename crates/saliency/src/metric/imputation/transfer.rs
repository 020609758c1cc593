//! From a grid to the next coarser one and back, each with its smoothing in one pass over the rows.
//!
//! Coarse node (I, J) sits on fine node (2 I, 2 J). Interpolation is bilinear and restriction its
//! transpose, both without the known nodes.

use mednet_simd::{multiply_add, multiversion};

use super::level::{LANES, Level, PAD, blocks, blocks_mut, deinterleave, interleave, row_planes};
use super::smoother::{coarse_residual, finest_residual, relax};

/// One step of a Gauss-Seidel sweep in the order of the colours, as a wavefront: colours 0 and 1
/// in block row `g`, then 2 and 3 in the block row above, whose neighbours below are done by now.
#[inline(always)]
fn relax_step<const FMA: bool, const FINEST: bool>(level: &mut Level, g: usize) {
    if g < level.block_rows {
        relax::<FMA, FINEST, 0>(level, g);
        relax::<FMA, FINEST, 1>(level, g);
    }
    if g >= 1 {
        relax::<FMA, FINEST, 2>(level, g - 1);
        relax::<FMA, FINEST, 3>(level, g - 1);
    }
}

/// Residual of one colour of a block row: of the finest grid, of a coarse grid after a sweep, or of a
/// coarse grid whose correction is zero, where the right side is all there is.
#[inline(always)]
fn residual<const FMA: bool, const FINEST: bool, const SWEEP: bool, const COLOUR: usize>(
    level: &Level,
    i: usize,
    out: &mut [f32],
) {
    if FINEST {
        finest_residual::<FMA, COLOUR>(level, i, out);
    } else if SWEEP {
        coarse_residual::<FMA, COLOUR>(level, i, out);
    } else {
        for run in &level.runs[level.row_runs[i]..level.row_runs[i + 1]] {
            let at = (i + 1) * level.stride + run.start;
            let side = blocks(&level.right_side[COLOUR], at, run.count);
            let inverse = blocks(&level.inverse_diagonal[COLOUR], at, run.count);
            let out = blocks_mut(out, run.start, run.count);
            for k in 0..run.count {
                for q in 0..LANES {
                    out[k][q] = if inverse[k][q] > 0.0 { side[k][q] } else { 0.0 };
                }
            }
        }
    }
}

#[inline(always)]
fn descend_rows<const FMA: bool, const FINEST: bool, const SWEEP: bool>(
    fine: &mut Level,
    coarse: &mut Level,
) {
    // Residual rows of the four colours, the two odd ones of the block row before, coarse row.
    let mut buffers = std::mem::take(&mut fine.buffers);
    let [r0, r1, r2, r3, before2, before3, row] = &mut buffers;
    for buffer in [&mut *before2, &mut *before3, &mut *r3] {
        buffer.fill(0.0);
    }
    let count = coarse.width.div_ceil(LANES);
    // Coarse row i follows step i + 1 of the sweep; there may be one coarse row beyond the last
    // block row, which takes part of the residual of the last odd pixel row.
    for g in 0..=coarse.height {
        if SWEEP && g <= fine.block_rows {
            relax_step::<FMA, FINEST>(fine, g);
        }
        if g == 0 {
            continue;
        }
        let i = g - 1;
        // What the runs leave out must be zero; the padding always is.
        if i >= fine.block_rows || !fine.is_covered(i) {
            for buffer in [&mut *r0, &mut *r1, &mut *r2, &mut *r3] {
                buffer.fill(0.0);
            }
        }
        if i < fine.block_rows {
            residual::<FMA, FINEST, SWEEP, 0>(fine, i, r0);
            residual::<FMA, FINEST, SWEEP, 1>(fine, i, r1);
            residual::<FMA, FINEST, SWEEP, 2>(fine, i, r2);
            // On coarse grids, the colour relaxed last has no residual but rounding. (On the finest
            // that rounding matters: 1/12 is not a binary number.)
            if FINEST || !SWEEP {
                residual::<FMA, FINEST, SWEEP, 3>(fine, i, r3);
            }
        }
        {
            let centre = blocks(r0, PAD, count);
            let (east, west) = (blocks(r1, PAD, count), blocks(r1, PAD - 1, count));
            let (south, north) = (blocks(r2, PAD, count), blocks(before2, PAD, count));
            let (se, sw) = (blocks(r3, PAD, count), blocks(r3, PAD - 1, count));
            let (ne, nw) = (blocks(before3, PAD, count), blocks(before3, PAD - 1, count));
            let row = blocks_mut(row, PAD, count);
            for k in 0..count {
                let mut result = [0.0; LANES];
                for q in 0..LANES {
                    let direct = (east[k][q] + west[k][q]) + (south[k][q] + north[k][q]);
                    let corner = (se[k][q] + sw[k][q]) + (ne[k][q] + nw[k][q]);
                    let value = multiply_add::<FMA>(0.5, direct, centre[k][q]);
                    result[q] = multiply_add::<FMA>(0.25, corner, value);
                }
                row[k] = result;
            }
        }
        let start = coarse.row_start(i / 2);
        let columns = coarse.block_columns;
        let (even, odd) = row_planes(&mut coarse.right_side, i % 2);
        deinterleave(
            &row[PAD..],
            &mut even[start..start + columns],
            &mut odd[start..start + columns],
        );
        std::mem::swap(before2, r2);
        std::mem::swap(before3, r3);
    }
    fine.buffers = buffers;
}

#[inline(always)]
fn descend_finest_body<const FMA: bool>(fine: &mut Level, coarse: &mut Level) {
    descend_rows::<FMA, true, true>(fine, coarse);
}
multiversion! {
    /// One sweep on the finest grid, then the restricted residual into the coarse right side.
    pub(super) fn descend_finest(fine: &mut Level, coarse: &mut Level) = descend_finest_body
}

#[inline(always)]
fn descend_body<const FMA: bool>(fine: &mut Level, coarse: &mut Level) {
    descend_rows::<FMA, false, true>(fine, coarse);
}
multiversion! {
    /// As [`descend_finest`], from a coarse grid.
    pub(super) fn descend(fine: &mut Level, coarse: &mut Level) = descend_body
}

#[inline(always)]
fn restrict_body<const FMA: bool>(fine: &mut Level, coarse: &mut Level) {
    descend_rows::<FMA, false, false>(fine, coarse);
}
multiversion! {
    /// The restricted right side of a coarse grid: its residual before any correction.
    pub(super) fn restrict(fine: &mut Level, coarse: &mut Level) = restrict_body
}

/// Coarse correction of coarse row `i`, in natural order, into a padded row.
#[inline(always)]
fn coarse_row(coarse: &Level, i: usize, row: &mut [f32]) {
    if i < coarse.height {
        let (plane, start) = coarse.position(i, 0);
        let end = start + coarse.block_columns;
        interleave(
            &coarse.x[plane][start..end],
            &coarse.x[plane + 1][start..end],
            &mut row[PAD..],
        );
    } else {
        row.fill(0.0);
    }
}

#[inline(always)]
fn ascend_rows<const FMA: bool, const FINEST: bool, const SWEEP: bool>(
    fine: &mut Level,
    coarse: &Level,
) -> f32 {
    let mut buffers = std::mem::take(&mut fine.buffers);
    let [_, _, _, _, upper, lower, _] = &mut buffers;
    upper.fill(0.0);
    lower.fill(0.0);
    let mut largest = [0.0f32; LANES];
    coarse_row(coarse, 0, upper);
    for g in 0..=fine.block_rows {
        if g < fine.block_rows {
            coarse_row(coarse, g + 1, lower);
            for run in &fine.runs[fine.row_runs[g]..fine.row_runs[g + 1]] {
                let n = run.count;
                let at = (g + 1) * fine.stride + run.start;
                let (a, b) = (blocks(upper, run.start, n), blocks(upper, run.start + 1, n));
                let (c, d) = (blocks(lower, run.start, n), blocks(lower, run.start + 1, n));
                let [x0, x1, x2, x3] = &mut fine.x;
                let x = [
                    blocks_mut(x0, at, n),
                    blocks_mut(x1, at, n),
                    blocks_mut(x2, at, n),
                    blocks_mut(x3, at, n),
                ];
                let unknown: [&[[f32; LANES]]; 4] =
                    std::array::from_fn(|p| blocks(&fine.inverse_diagonal[p], at, n));
                for k in 0..n {
                    let mut result = [[0.0; LANES]; 4];
                    for q in 0..LANES {
                        let upper_pair = a[k][q] + b[k][q];
                        let correction = [
                            a[k][q],
                            0.5 * upper_pair,
                            0.5 * (a[k][q] + c[k][q]),
                            0.25 * (upper_pair + (c[k][q] + d[k][q])),
                        ];
                        for p in 0..4 {
                            let step = if unknown[p][k][q] > 0.0 {
                                correction[p]
                            } else {
                                0.0
                            };
                            result[p][q] = x[p][k][q] + step;
                            if FINEST {
                                let size = step.abs();
                                largest[q] = if size > largest[q] { size } else { largest[q] };
                            }
                        }
                    }
                    for p in 0..4 {
                        x[p][k] = result[p];
                    }
                }
            }
            std::mem::swap(upper, lower);
        }
        if SWEEP {
            relax_step::<FMA, FINEST>(fine, g);
        }
    }
    fine.buffers = buffers;
    largest.into_iter().fold(0.0, f32::max)
}

#[inline(always)]
fn ascend_finest_body<const FMA: bool>(fine: &mut Level, coarse: &Level) -> f32 {
    ascend_rows::<FMA, true, true>(fine, coarse)
}
multiversion! {
    /// Adds the interpolated correction to the finest grid, then one sweep. Returns the largest
    /// absolute correction.
    pub(super) fn ascend_finest(fine: &mut Level, coarse: &Level) -> f32 = ascend_finest_body
}

#[inline(always)]
fn ascend_body<const FMA: bool>(fine: &mut Level, coarse: &Level) {
    ascend_rows::<FMA, false, true>(fine, coarse);
}
multiversion! {
    /// As [`ascend_finest`], to a coarse grid.
    pub(super) fn ascend(fine: &mut Level, coarse: &Level) = ascend_body
}

#[inline(always)]
fn interpolate_body<const FMA: bool>(fine: &mut Level, coarse: &Level) {
    ascend_rows::<FMA, false, false>(fine, coarse);
}
multiversion! {
    /// Adds the interpolated correction to a coarse grid, without a sweep.
    pub(super) fn interpolate(fine: &mut Level, coarse: &Level) = interpolate_body
}

#[inline(always)]
fn largest_residual_body<const FMA: bool>(level: &mut Level) -> f32 {
    let mut buffers = std::mem::take(&mut level.buffers);
    let mut largest = [0.0f32; LANES];
    // A sum carries a NaN on, a maximum would drop it.
    let mut not_finite = [0.0f32; LANES];
    let [r0, r1, r2, r3, ..] = &mut buffers;
    for i in 0..level.block_rows {
        finest_residual::<FMA, 0>(level, i, r0);
        finest_residual::<FMA, 1>(level, i, r1);
        finest_residual::<FMA, 2>(level, i, r2);
        finest_residual::<FMA, 3>(level, i, r3);
        for run in &level.runs[level.row_runs[i]..level.row_runs[i + 1]] {
            let at = (i + 1) * level.stride + run.start;
            for (p, row) in [&*r0, &*r1, &*r2, &*r3].into_iter().enumerate() {
                let inverse = blocks(&level.inverse_diagonal[p], at, run.count);
                for (r, d) in blocks(row, run.start, run.count).iter().zip(inverse) {
                    for q in 0..LANES {
                        let size = r[q].abs() * d[q];
                        largest[q] = if size > largest[q] { size } else { largest[q] };
                        not_finite[q] += size * 0.0;
                    }
                }
            }
        }
    }
    level.buffers = buffers;
    largest.into_iter().fold(0.0, f32::max) + not_finite.into_iter().sum::<f32>()
}
multiversion! {
    /// Largest |residual| / diagonal of the finest grid: how far an unknown lies from the weighted
    /// mean of its neighbours. NaN or infinite where the grid holds such values.
    pub(super) fn largest_residual(level: &mut Level) -> f32 = largest_residual_body
}
