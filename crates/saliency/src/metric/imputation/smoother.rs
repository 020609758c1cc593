//! Gauss-Seidel relaxation and residual of one colour in one block row: the innermost loops.

use mednet_simd::multiply_add;

use super::level::{LANES, Level, PAD, Planes, blocks, blocks_mut};

/// The plane of colour `COLOUR`, then those of its horizontal, vertical and diagonal neighbours.
#[inline(always)]
fn split<const COLOUR: usize>(x: &mut Planes) -> (&mut [f32], &[f32], &[f32], &[f32]) {
    let [a, b, c, d] = x;
    match COLOUR {
        0 => (a, b, c, d),
        1 => (b, a, d, c),
        2 => (c, d, a, b),
        _ => (d, c, b, a),
    }
}

/// Relaxes colour `COLOUR` of block row `i`: every unknown becomes what its equation asks for.
#[inline(always)]
pub(super) fn relax<const FMA: bool, const FINEST: bool, const COLOUR: usize>(
    level: &mut Level,
    i: usize,
) {
    let (row_parity, column_parity) = (COLOUR / 2, COLOUR % 2);
    let runs = &level.runs[level.row_runs[i]..level.row_runs[i + 1]];
    let stride = level.stride;
    let here = (i + 1) * stride;
    // Block row of the neighbours above; those below are one block row further.
    let above = (i + row_parity) * stride;
    let (own, horizontal, vertical, diagonal) = split::<COLOUR>(&mut level.x);
    for run in runs {
        let (n, at) = (run.count, here + run.start);
        let west_at = at + column_parity - 1;
        let north_at = above + run.start;
        let north_west_at = north_at + column_parity - 1;
        let own = blocks_mut(own, at, n);
        let inverse = blocks(&level.inverse_diagonal[COLOUR], at, n);
        let west = blocks(horizontal, west_at, n);
        let east = blocks(horizontal, west_at + 1, n);
        let north = blocks(vertical, north_at, n);
        let south = blocks(vertical, north_at + stride, n);
        let north_west = blocks(diagonal, north_west_at, n);
        let north_east = blocks(diagonal, north_west_at + 1, n);
        let south_west = blocks(diagonal, north_west_at + stride, n);
        let south_east = blocks(diagonal, north_west_at + stride + 1, n);
        if FINEST {
            for k in 0..n {
                let mut result = [0.0; LANES];
                for q in 0..LANES {
                    let direct = (west[k][q] + east[k][q]) + (north[k][q] + south[k][q]);
                    let corner = (north_west[k][q] + north_east[k][q])
                        + (south_west[k][q] + south_east[k][q]);
                    let value = multiply_add::<FMA>(2.0, direct, corner) * inverse[k][q];
                    result[q] = if inverse[k][q] > 0.0 {
                        value
                    } else {
                        own[k][q]
                    };
                }
                own[k] = result;
            }
        } else {
            let (h, v, d) = (COLOUR ^ 1, COLOUR ^ 2, COLOUR ^ 3);
            let side = blocks(&level.right_side[COLOUR], at, n);
            let to_east = blocks(&level.east[COLOUR], at, n);
            let to_west = blocks(&level.east[h], west_at, n);
            let to_south = blocks(&level.south[COLOUR], at, n);
            let to_north = blocks(&level.south[v], north_at, n);
            let to_south_east = blocks(&level.south_east[COLOUR], at, n);
            let to_north_west = blocks(&level.south_east[d], north_west_at, n);
            let to_south_west = blocks(&level.south_west[COLOUR], at, n);
            let to_north_east = blocks(&level.south_west[d], north_west_at + 1, n);
            for k in 0..n {
                let mut result = [0.0; LANES];
                for q in 0..LANES {
                    let mut a = multiply_add::<FMA>(to_east[k][q], east[k][q], side[k][q]);
                    let mut b = to_west[k][q] * west[k][q];
                    a = multiply_add::<FMA>(to_south[k][q], south[k][q], a);
                    b = multiply_add::<FMA>(to_north[k][q], north[k][q], b);
                    a = multiply_add::<FMA>(to_south_east[k][q], south_east[k][q], a);
                    b = multiply_add::<FMA>(to_north_west[k][q], north_west[k][q], b);
                    a = multiply_add::<FMA>(to_south_west[k][q], south_west[k][q], a);
                    b = multiply_add::<FMA>(to_north_east[k][q], north_east[k][q], b);
                    // Nodes without unknowns have a zero inverse diagonal, and x = 0 they keep.
                    result[q] = (a + b) * inverse[k][q];
                }
                own[k] = result;
            }
        }
    }
}

/// Residual of colour `COLOUR` in block row `i` of the finest grid, into `out` (a padded row;
/// only the blocks of the runs are written). With equation i of weights w:
/// `sum of w_ij (x_j - x_i)`. The differences keep the rounding error proportional to the local
/// contrast instead of to the values, without which 32-bit floats would not do.
#[inline(always)]
pub(super) fn finest_residual<const FMA: bool, const COLOUR: usize>(
    level: &Level,
    i: usize,
    out: &mut [f32],
) {
    let (row_parity, column_parity) = (COLOUR / 2, COLOUR % 2);
    let runs = &level.runs[level.row_runs[i]..level.row_runs[i + 1]];
    let stride = level.stride;
    let here = (i + 1) * stride;
    let above = (i + row_parity) * stride;
    let own_plane = &level.x[COLOUR];
    let (horizontal, vertical, diagonal) = (
        &level.x[COLOUR ^ 1],
        &level.x[COLOUR ^ 2],
        &level.x[COLOUR ^ 3],
    );
    let y = 2 * i + row_parity;
    let (top, bottom) = (y == 0, y + 1 >= level.height);
    for run in runs {
        let (n, at) = (run.count, here + run.start);
        let west_at = at + column_parity - 1;
        let north_at = above + run.start;
        let north_west_at = north_at + column_parity - 1;
        let own = blocks(own_plane, at, n);
        let inverse = blocks(&level.inverse_diagonal[COLOUR], at, n);
        let west = blocks(horizontal, west_at, n);
        let east = blocks(horizontal, west_at + 1, n);
        // Beyond the image there is no neighbour: the pixel itself stands in, difference zero.
        let (north, north_west, north_east) = if top {
            (own, own, own)
        } else {
            (
                blocks(vertical, north_at, n),
                blocks(diagonal, north_west_at, n),
                blocks(diagonal, north_west_at + 1, n),
            )
        };
        let (south, south_west, south_east) = if bottom {
            (own, own, own)
        } else {
            (
                blocks(vertical, north_at + stride, n),
                blocks(diagonal, north_west_at + stride, n),
                blocks(diagonal, north_west_at + stride + 1, n),
            )
        };
        let out = blocks_mut(out, run.start, n);
        for k in 0..n {
            let mut result = [0.0; LANES];
            for q in 0..LANES {
                let c = own[k][q];
                let direct =
                    ((west[k][q] - c) + (east[k][q] - c)) + ((north[k][q] - c) + (south[k][q] - c));
                let corner = ((north_west[k][q] - c) + (north_east[k][q] - c))
                    + ((south_west[k][q] - c) + (south_east[k][q] - c));
                let value = multiply_add::<FMA>(2.0, direct, corner);
                result[q] = if inverse[k][q] > 0.0 { value } else { 0.0 };
            }
            out[k] = result;
        }
    }
    // The image's first and last column, whose neighbours beyond the image are not replaced above.
    for x in [0, level.width - 1] {
        if x % 2 == column_parity && level.inverse_diagonal[COLOUR][here + PAD + x / 2] > 0.0 {
            out[PAD + x / 2] = residual_at(level, y, x);
        }
    }
}

/// Residual of the finest grid at pixel (y, x), neighbour by neighbour.
pub(super) fn residual_at(level: &Level, y: usize, x: usize) -> f32 {
    let value = |y: usize, x: usize| {
        let (plane, offset) = level.position(y, x);
        level.x[plane][offset]
    };
    let centre = value(y, x);
    let mut sum = 0.0;
    for v in y.saturating_sub(1)..(y + 2).min(level.height) {
        for u in x.saturating_sub(1)..(x + 2).min(level.width) {
            let weight = if v == y || u == x { 2.0 } else { 1.0 };
            sum += weight * (value(v, u) - centre);
        }
    }
    sum
}

/// Residual `right_side - A x` of colour `COLOUR` in block row `i` of a coarse grid, into `out`.
#[inline(always)]
pub(super) fn coarse_residual<const FMA: bool, const COLOUR: usize>(
    level: &Level,
    i: usize,
    out: &mut [f32],
) {
    let (row_parity, column_parity) = (COLOUR / 2, COLOUR % 2);
    let (h, v, d) = (COLOUR ^ 1, COLOUR ^ 2, COLOUR ^ 3);
    let runs = &level.runs[level.row_runs[i]..level.row_runs[i + 1]];
    let stride = level.stride;
    for run in runs {
        let (n, at) = (run.count, (i + 1) * stride + run.start);
        let west_at = at + column_parity - 1;
        let north_at = (i + row_parity) * stride + run.start;
        let north_west_at = north_at + column_parity - 1;
        let own = blocks(&level.x[COLOUR], at, n);
        let west = blocks(&level.x[h], west_at, n);
        let east = blocks(&level.x[h], west_at + 1, n);
        let north = blocks(&level.x[v], north_at, n);
        let south = blocks(&level.x[v], north_at + stride, n);
        let north_west = blocks(&level.x[d], north_west_at, n);
        let north_east = blocks(&level.x[d], north_west_at + 1, n);
        let south_west = blocks(&level.x[d], north_west_at + stride, n);
        let south_east = blocks(&level.x[d], north_west_at + stride + 1, n);
        let inverse = blocks(&level.inverse_diagonal[COLOUR], at, n);
        let centre = blocks(&level.diagonal[COLOUR], at, n);
        let side = blocks(&level.right_side[COLOUR], at, n);
        let to_east = blocks(&level.east[COLOUR], at, n);
        let to_west = blocks(&level.east[h], west_at, n);
        let to_south = blocks(&level.south[COLOUR], at, n);
        let to_north = blocks(&level.south[v], north_at, n);
        let to_south_east = blocks(&level.south_east[COLOUR], at, n);
        let to_north_west = blocks(&level.south_east[d], north_west_at, n);
        let to_south_west = blocks(&level.south_west[COLOUR], at, n);
        let to_north_east = blocks(&level.south_west[d], north_west_at + 1, n);
        let out = blocks_mut(out, run.start, n);
        for k in 0..n {
            let mut result = [0.0; LANES];
            for q in 0..LANES {
                let mut a = multiply_add::<FMA>(to_east[k][q], east[k][q], side[k][q]);
                let mut b = to_west[k][q] * west[k][q];
                a = multiply_add::<FMA>(to_south[k][q], south[k][q], a);
                b = multiply_add::<FMA>(to_north[k][q], north[k][q], b);
                a = multiply_add::<FMA>(to_south_east[k][q], south_east[k][q], a);
                b = multiply_add::<FMA>(to_north_west[k][q], north_west[k][q], b);
                a = multiply_add::<FMA>(to_south_west[k][q], south_west[k][q], a);
                b = multiply_add::<FMA>(to_north_east[k][q], north_east[k][q], b);
                let value = multiply_add::<FMA>(-centre[k][q], own[k][q], a + b);
                result[q] = if inverse[k][q] > 0.0 { value } else { 0.0 };
            }
            out[k] = result;
        }
    }
}
