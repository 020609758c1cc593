//! One grid of the multigrid hierarchy, stored as four parity planes.
//!
//! Node (y, x) lies in plane `2 (y mod 2) + (x mod 2)`, at block row `y / 2` and block column
//! `x / 2`. All 8 neighbours of a node lie in the three other planes, so that a plane is one colour
//! of a four-colour Gauss-Seidel sweep and can be relaxed in place with unit-stride loads.

use mednet_simd::multiversion;

/// Numbers handled together: one AVX-512 register, two of AVX2, four of SSE2 or NEON.
pub(super) const LANES: usize = 16;

/// Columns of zeros left and right of a plane. Above and below there is one row of zeros.
pub(super) const PAD: usize = LANES;

/// Zeros to begin with, starting on a cache line, so that unshifted blocks never straddle two.
#[derive(Default)]
pub(super) struct Plane {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Plane {
    /// `length` zeros.
    pub(super) fn new(length: usize) -> Self {
        const LINE: usize = 64;
        let values = vec![0.0; length + LINE / size_of::<f32>()];
        // Where the allocator's alignment cannot be told, any start will do.
        let start = values
            .as_ptr()
            .align_offset(LINE)
            .min(values.len() - length);
        Self {
            values,
            start,
            length,
        }
    }
}

impl std::ops::Deref for Plane {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        &self.values[self.start..self.start + self.length]
    }
}

impl std::ops::DerefMut for Plane {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..self.start + self.length]
    }
}

/// A grid function: one plane a colour, `(block_rows + 2) x stride`, padding included.
pub(super) type Planes = [Plane; 4];

/// The blocks of [`LANES`] numbers that start at `start`.
#[inline(always)]
pub(super) fn blocks(values: &[f32], start: usize, count: usize) -> &[[f32; LANES]] {
    &values[start..start + LANES * count].as_chunks::<LANES>().0[..count]
}

/// As [`blocks`], to be written.
#[inline(always)]
pub(super) fn blocks_mut(values: &mut [f32], start: usize, count: usize) -> &mut [[f32; LANES]] {
    &mut values[start..start + LANES * count]
        .as_chunks_mut::<LANES>()
        .0[..count]
}

/// Blocks of a block row that hold at least one unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Offset of the first block from the start of the padded row.
    pub(super) start: usize,
    /// Number of blocks of [`LANES`].
    pub(super) count: usize,
}

/// A grid with its unknowns and, below the finest, its nine-point operator.
///
/// The operator A is symmetric: `(A x)_i = diagonal_i x_i - sum of coupling_ij x_j`, the coupling to
/// the east, south, south-east and south-west neighbour being stored at the node itself, those to
/// the other four at the neighbour. The finest grid stores no operator: its couplings are 2 (direct)
/// and 1 (diagonal neighbour), see [`super`].
pub(super) struct Level {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) block_rows: usize,
    pub(super) block_columns: usize,
    pub(super) stride: usize,
    /// Solution (finest) or correction (elsewhere). Zero outside the grid.
    pub(super) x: Planes,
    /// 1 / diagonal at unknowns, 0 at known nodes and outside the grid.
    pub(super) inverse_diagonal: Planes,
    pub(super) right_side: Planes,
    pub(super) diagonal: Planes,
    pub(super) east: Planes,
    pub(super) south: Planes,
    pub(super) south_east: Planes,
    pub(super) south_west: Planes,
    pub(super) runs: Vec<Run>,
    /// Where the runs of a block row start in `runs`; one entry more than block rows.
    pub(super) row_runs: Vec<usize>,
    /// Row buffers of the transfers, each `stride` long and indexed like a padded row.
    pub(super) buffers: [Plane; 7],
}

impl Level {
    /// An empty grid; `finest` grids get no room for an operator or a right side.
    pub(super) fn new(height: usize, width: usize, finest: bool) -> Self {
        let (block_rows, block_columns) = (height.div_ceil(2), width.div_ceil(2));
        let stride = block_columns.next_multiple_of(LANES) + 2 * PAD;
        let size = (block_rows + 2) * stride;
        let planes = |size: usize| -> Planes { std::array::from_fn(|_| Plane::new(size)) };
        let coarse = if finest { 0 } else { size };
        Self {
            height,
            width,
            block_rows,
            block_columns,
            stride,
            x: planes(size),
            inverse_diagonal: planes(size),
            right_side: planes(coarse),
            diagonal: planes(coarse),
            east: planes(coarse),
            south: planes(coarse),
            south_east: planes(coarse),
            south_west: planes(coarse),
            runs: Vec::new(),
            row_runs: vec![0; block_rows + 1],
            buffers: std::array::from_fn(|_| Plane::new(stride)),
        }
    }

    /// Plane and offset of node (y, x).
    pub(super) fn position(&self, y: usize, x: usize) -> (usize, usize) {
        (
            (y & 1) * 2 + (x & 1),
            ((y >> 1) + 1) * self.stride + PAD + (x >> 1),
        )
    }

    /// Offset of the first node of block row `i` in a plane.
    pub(super) fn row_start(&self, i: usize) -> usize {
        (i + 1) * self.stride + PAD
    }

    /// Whether the runs of block row `i` leave no gap.
    #[inline(always)]
    pub(super) fn is_covered(&self, i: usize) -> bool {
        self.row_runs[i + 1] - self.row_runs[i] == 1
            && LANES * (self.runs[self.row_runs[i]].count + 2) == self.stride
    }

    /// Sets the correction to zero.
    pub(super) fn clear(&mut self) {
        for plane in &mut self.x {
            plane.fill(0.0);
        }
    }

    /// Finds the runs from `inverse_diagonal`.
    pub(super) fn find_runs(&mut self) {
        self.runs.clear();
        let count = self.block_columns.div_ceil(LANES);
        for i in 0..self.block_rows {
            self.row_runs[i] = self.runs.len();
            let start = self.row_start(i);
            let [a, b, c, d] = &self.inverse_diagonal;
            let planes = blocks(a, start, count).iter().zip(blocks(b, start, count));
            let planes = planes
                .zip(blocks(c, start, count))
                .zip(blocks(d, start, count));
            let mut open = false;
            for (k, (((a, b), c), d)) in planes.enumerate() {
                // None is negative: the sum is zero only where all are.
                let mut sums = [0.0f32; LANES];
                for q in 0..LANES {
                    sums[q] = (a[q] + b[q]) + (c[q] + d[q]);
                }
                let sum: f32 = sums.into_iter().sum();
                if sum > 0.0 {
                    if open {
                        if let Some(run) = self.runs.last_mut() {
                            run.count += 1;
                        }
                    } else {
                        self.runs.push(Run {
                            start: PAD + k * LANES,
                            count: 1,
                        });
                    }
                }
                open = sum > 0.0;
            }
        }
        self.row_runs[self.block_rows] = self.runs.len();
    }
}

/// Sum of the neighbours' weights of a pixel, in twelfths: 12 inside, 8 on an edge, 5 in a corner.
pub(super) fn weight_sum(y: usize, x: usize, height: usize, width: usize) -> usize {
    let vertical = usize::from(y > 0) + usize::from(y + 1 < height);
    let horizontal = usize::from(x > 0) + usize::from(x + 1 < width);
    2 * (vertical + horizontal) + vertical * horizontal
}

/// `row[2 j]` to `even[j]` and `row[2 j + 1]` to `odd[j]`.
#[inline(always)]
pub(super) fn deinterleave(row: &[f32], even: &mut [f32], odd: &mut [f32]) {
    for ((pair, e), o) in row.as_chunks::<2>().0.iter().zip(even).zip(odd) {
        [*e, *o] = *pair;
    }
}

/// The reverse of [`deinterleave`].
#[inline(always)]
pub(super) fn interleave(even: &[f32], odd: &[f32], row: &mut [f32]) {
    for ((pair, e), o) in row.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
        *pair = [*e, *o];
    }
}

/// The two planes that hold the pixels of rows of parity `parity`.
pub(super) fn row_planes(planes: &mut Planes, parity: usize) -> (&mut [f32], &mut [f32]) {
    let [a, b, c, d] = planes;
    if parity == 0 { (a, b) } else { (c, d) }
}

/// Takes a row of pixels, followed by a zero if their number is odd, apart into its two planes.
#[inline(always)]
fn write_row(planes: &mut Planes, y: usize, start: usize, row: &[f32]) {
    let (even, odd) = row_planes(planes, y & 1);
    let end = start + row.len() / 2;
    deinterleave(row, &mut even[start..end], &mut odd[start..end]);
}

#[inline(always)]
fn set_unknown_body<const FMA: bool>(level: &mut Level, unknown: &[bool]) {
    let (height, width) = (level.height, level.width);
    let mut row = vec![0.0; width.next_multiple_of(2)];
    for (y, mask) in unknown.chunks_exact(width).enumerate() {
        let inside = 1.0 / weight_sum(y, 1, height, 3) as f32;
        for (value, &unknown) in row.iter_mut().zip(mask) {
            *value = if unknown { inside } else { 0.0 };
        }
        for x in [0, width - 1] {
            let sum = weight_sum(y, x, height, width);
            row[x] = if mask[x] && sum > 0 {
                1.0 / sum as f32
            } else {
                0.0
            };
        }
        let start = level.row_start(y / 2);
        write_row(&mut level.inverse_diagonal, y, start, &row);
    }
}
multiversion! {
    /// Writes the finest grid's `inverse_diagonal` from the mask of unknown pixels.
    pub(super) fn set_unknown(level: &mut Level, unknown: &[bool]) = set_unknown_body
}

/// How pixel values become grid values and back.
#[derive(Clone, Copy)]
pub(super) struct Units {
    pub(super) middle: f32,
    pub(super) half_range: f32,
    pub(super) smallest: f32,
    pub(super) largest: f32,
}

#[inline(always)]
fn load_body<const FMA: bool>(level: &mut Level, channel: &[f32], unknown: &[bool], units: Units) {
    let width = level.width;
    let scale = 1.0 / units.half_range;
    let mut row = vec![0.0; width.next_multiple_of(2)];
    let rows = channel.chunks_exact(width).zip(unknown.chunks_exact(width));
    for (y, (pixels, mask)) in rows.enumerate() {
        for ((value, &pixel), &unknown) in row.iter_mut().zip(pixels).zip(mask) {
            let known = (pixel - units.middle) * scale;
            *value = if unknown { 0.0 } else { known };
        }
        let start = level.row_start(y / 2);
        write_row(&mut level.x, y, start, &row);
    }
}
multiversion! {
    /// Starts the finest grid: known pixels scaled to [-1, 1], unknown ones 0.
    pub(super) fn load(
        level: &mut Level,
        channel: &[f32],
        unknown: &[bool],
        units: Units,
    ) = load_body
}

#[inline(always)]
fn store_body<const FMA: bool>(level: &Level, channel: &mut [f32], unknown: &[bool], units: Units) {
    let width = level.width;
    let mut row = vec![0.0; width.next_multiple_of(2)];
    let rows = channel
        .chunks_exact_mut(width)
        .zip(unknown.chunks_exact(width));
    for (y, (pixels, mask)) in rows.enumerate() {
        let (plane, start) = level.position(y, 0);
        let end = start + row.len() / 2;
        interleave(
            &level.x[plane][start..end],
            &level.x[plane + 1][start..end],
            &mut row,
        );
        for ((pixel, &value), &unknown) in pixels.iter_mut().zip(&row).zip(mask) {
            // The solution lies between the extreme known values (maximum principle): rounding
            // must not carry it outside.
            let value = value * units.half_range + units.middle;
            let value = if value > units.smallest {
                value
            } else {
                units.smallest
            };
            let value = if value < units.largest {
                value
            } else {
                units.largest
            };
            *pixel = if unknown { value } else { *pixel };
        }
    }
}
multiversion! {
    /// Writes the unknown pixels of the finest grid to `channel`.
    pub(super) fn store(
        level: &Level,
        channel: &mut [f32],
        unknown: &[bool],
        units: Units,
    ) = store_body
}
