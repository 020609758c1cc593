//! Convolution of any geometry as a product of matrices that are never formed: the input is
//! copied, padded, tile by tile, and each tap of the kernel reads a shifted view of the copy.
//!
//! With a stride, the copy is split into the images of every `stride`th row and column; then all
//! views are contiguous again.
#![allow(unsafe_code)]

use super::packing::{ChannelPrologue, copy_row};
use super::schedule::{self, piece, range};
use super::{Finish, ScaleShift};
use crate::device::cpu::gemm::{PanelWeights, multiply};
use crate::device::cpu::planes::{Planes, SharedPlanes};
use crate::device::cpu::scratch::{self, Scratch};
use crate::device::cpu::target::{Column, Segment, Target};
use mednet_simd::{InstructionSet, Kernel, Vector, first_lanes};
use std::ops::Range;

/// Values of packed input of a task: about half of a usual second-level cache.
const INPUT_VALUES: usize = 112 * 1024;
/// Tiles of fewer rows are avoided: their halo costs too much.
const FEWEST_ROWS: usize = 4;
/// Smaller images (in vectors) are not cut; the weights are.
const SMALL_IMAGE: usize = 24;

/// The pixels of the output that are computed: `start + step * index` for each index below `size`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lattice {
    pub(super) start: [usize; 2],
    pub(super) step: [usize; 2],
    pub(super) size: [usize; 2],
}

impl Lattice {
    /// All pixels.
    pub(super) fn dense(size: [usize; 2]) -> Self {
        Self {
            start: [0; 2],
            step: [1; 2],
            size,
        }
    }
}

/// Where a tap reads within a packed tile.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Which of the split images, vertically and horizontally.
    phase: [usize; 2],
    /// How far into it.
    shift: [usize; 2],
}

/// Weights and taps of a convolution.
#[derive(Debug, Clone)]
pub(super) struct Implicit {
    groups: Vec<PanelWeights>,
    stride: [usize; 2],
    /// Where the first tap reads for the output pixel 0.
    origin: [isize; 2],
    /// Those of the split images that some tap reads.
    phases: [Vec<usize>; 2],
    /// One for each tap.
    places: Vec<Place>,
    /// Largest shift of any tap.
    reach: [usize; 2],
    channels: usize,
}

impl Implicit {
    /// `taps` says where each tap reads for the output pixel 0; `weight` gets the output channel
    /// over all groups, the input channel within its group, and the index of the tap.
    pub(super) fn new(
        set: InstructionSet,
        [rows, channels]: [usize; 2],
        groups: usize,
        stride: [usize; 2],
        taps: &[[isize; 2]],
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let origin = [0, 1].map(|axis| taps.iter().map(|tap| tap[axis]).min().unwrap_or(0));
        let relative = |tap: &[isize; 2], axis: usize| (tap[axis] - origin[axis]).unsigned_abs();
        let phases = [0, 1].map(|axis| {
            let mut used: Vec<usize> = taps
                .iter()
                .map(|tap| relative(tap, axis) % stride[axis])
                .collect();
            used.sort_unstable();
            used.dedup();
            used
        });
        let places: Vec<Place> = taps
            .iter()
            .map(|tap| Place {
                phase: [0, 1].map(|axis| {
                    let phase = relative(tap, axis) % stride[axis];
                    phases[axis].binary_search(&phase).unwrap_or(0)
                }),
                shift: [0, 1].map(|axis| relative(tap, axis) / stride[axis]),
            })
            .collect();
        let reach = [0, 1].map(|axis| places.iter().map(|p| p.shift[axis]).max().unwrap_or(0));
        let groups = (0..groups)
            .map(|group| {
                PanelWeights::new(set, rows, channels * taps.len(), |row, term| {
                    weight(group * rows + row, term / taps.len(), term % taps.len())
                })
            })
            .collect();
        Self {
            groups,
            stride,
            origin,
            phases,
            places,
            reach,
            channels,
        }
    }

    /// Input channels of a group.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    pub(super) fn run(
        &self,
        set: InstructionSet,
        input: Planes<'_>,
        output: SharedPlanes<'_>,
        lattice: Lattice,
        prologue: Option<&ScaleShift>,
        finish: &Finish<'_>,
    ) {
        let images = input.shape().images;
        let [rows, columns] = lattice.size;
        let Some(first) = self.groups.first().filter(|_| rows * columns > 0) else {
            return;
        };
        let panels = first.panels();
        let stacks = images * self.groups.len();
        let operations = 2 * stacks * rows * columns * first.rows() * first.depth();
        let wanted = schedule::wanted_tasks(operations);

        // Tiles as wide as the image if some rows of that fit the cache.
        let planes = self.channels * self.phases[0].len() * self.phases[1].len();
        let tile_values = |rows: usize, columns: usize| {
            planes * (rows + self.reach[0]) * (columns + self.reach[1])
        };
        let tile_vectors = set.tile_vectors() * set.lanes();
        let mut width = columns;
        if tile_values(FEWEST_ROWS.min(rows), columns) > INPUT_VALUES {
            width = (1..columns.div_ceil(tile_vectors))
                .rev()
                .map(|tiles| tiles * tile_vectors)
                .find(|&width| tile_values((2 * FEWEST_ROWS).min(rows), width) <= INPUT_VALUES)
                .unwrap_or(tile_vectors)
                .min(columns);
        }
        let across = columns.div_ceil(width);
        let row_values = planes * (width + self.reach[1]);
        let largest = (INPUT_VALUES / row_values.max(1))
            .saturating_sub(self.reach[0])
            .max(1);
        let parts = if rows * columns <= SMALL_IMAGE * set.lanes() {
            1
        } else {
            wanted
                .div_ceil((stacks * across).max(1))
                .min(rows.div_ceil(FEWEST_ROWS))
        };
        let height = piece(rows, parts, largest);
        let down = rows.div_ceil(height);
        let splits = wanted
            .div_ceil((stacks * across * down).max(1))
            .clamp(1, panels.max(1));
        let split = piece(panels, splits, panels);
        let splits = panels.div_ceil(split.max(1));

        schedule::for_each(stacks * down * across * splits, operations, |task| {
            let (stack, rest) = (
                task / (down * across * splits),
                task % (down * across * splits),
            );
            let (image, group) = (stack / self.groups.len(), stack % self.groups.len());
            let (tile, part) = (rest / splits, rest % splits);
            let weights = &self.groups[group];
            let channels = group * weights.rows()..(group + 1) * weights.rows();
            scratch::with(|scratch| {
                set.run(Task {
                    convolution: self,
                    weights,
                    panels: range(part, split, panels),
                    rows: range(tile / across, height, rows),
                    columns: range(tile % across, width, columns),
                    lattice,
                    output_width: output.shape().width,
                    input: input.image(image),
                    size: [input.shape().height, input.shape().width],
                    first_channel: group * self.channels,
                    prologue,
                    target: finish.target(output, image, channels, lattice.step[1]),
                    scratch: Some(scratch),
                });
            });
        });
    }
}

struct Task<'a> {
    convolution: &'a Implicit,
    weights: &'a PanelWeights,
    panels: Range<usize>,
    rows: Range<usize>,
    columns: Range<usize>,
    lattice: Lattice,
    output_width: usize,
    input: &'a [f32],
    size: [usize; 2],
    first_channel: usize,
    prologue: Option<&'a ScaleShift>,
    target: Target<'a>,
    scratch: Option<&'a mut Scratch>,
}

impl Task<'_> {
    /// Copies what the tile reads: `[channel, row phase, column phase, rows, pitch]`.
    #[inline(always)]
    fn pack<V: Vector>(&self, v: V, packed: &mut [f32], tile_rows: usize, pitch: usize) {
        let Implicit {
            stride,
            origin,
            phases,
            channels,
            ..
        } = self.convolution;
        let [height, width] = self.size;
        let mut targets = packed.chunks_exact_mut(pitch);
        for channel in self.first_channel..self.first_channel + channels {
            let plane = &self.input[channel * height * width..][..height * width];
            let prologue = ChannelPrologue::new(self.prologue, channel);
            for &row_phase in &phases[0] {
                for &column_phase in &phases[1] {
                    let first = (self.columns.start * stride[1] + column_phase).cast_signed();
                    for (row, target) in targets.by_ref().take(tile_rows).enumerate() {
                        let y = ((self.rows.start + row) * stride[0] + row_phase).cast_signed();
                        let row = usize::try_from(y + origin[0])
                            .ok()
                            .filter(|&y| y < height)
                            .map_or(&[][..], |y| &plane[y * width..][..width]);
                        copy_row(v, row, first + origin[1], stride[1], target, prologue);
                    }
                }
            }
        }
    }

    /// Where the pixel of the tile lies in the output plane.
    #[inline(always)]
    fn output(&self, row: usize, column: usize) -> isize {
        let Lattice { start, step, .. } = self.lattice;
        let y = start[0] + (self.rows.start + row) * step[0];
        let x = start[1] + (self.columns.start + column) * step[1];
        (y * self.output_width + x).cast_signed()
    }

    /// Vectors of neighbouring pixels of one row each.
    #[inline(always)]
    fn vectors_by_row<V: Vector>(
        &self,
        pitch: usize,
        columns: &mut Vec<Column>,
        segments: &mut Vec<Segment>,
    ) {
        for row in 0..self.rows.len() {
            for column in (0..self.columns.len()).step_by(V::LANES) {
                let segment = segments.len() as u32;
                columns.push(Column {
                    input: row * pitch + column,
                    segments: [segment, segment + 1],
                });
                segments.push(Segment {
                    mask: first_lanes(V::LANES.min(self.columns.len() - column)),
                    offset: self.output(row, column),
                });
            }
        }
    }

    /// Vectors that run over the ends of rows, where rows are too short to fill vectors.
    #[inline(always)]
    fn vectors_across_rows<V: Vector>(
        &self,
        pitch: usize,
        columns: &mut Vec<Column>,
        segments: &mut Vec<Segment>,
    ) {
        let (rows, width) = (self.rows.len(), self.columns.len());
        let (mut row, mut column) = (0, 0);
        for first in (0..(rows - 1) * pitch + width).step_by(V::LANES) {
            let start = segments.len() as u32;
            let mut lane = 0;
            while lane < V::LANES && row < rows {
                let count = (pitch - column).min(V::LANES - lane);
                let real = width.saturating_sub(column).min(count);
                if real > 0 {
                    let step = self.lattice.step[1];
                    segments.push(Segment {
                        mask: first_lanes(real) << lane,
                        offset: self.output(row, column) - (lane * step).cast_signed(),
                    });
                }
                lane += count;
                column += count;
                if column == pitch {
                    (row, column) = (row + 1, 0);
                }
            }
            columns.push(Column {
                input: first,
                segments: [start, segments.len() as u32],
            });
        }
    }
}

impl Kernel for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn call<V: Vector>(mut self, v: V) {
        let Some(scratch) = self.scratch.take() else {
            return;
        };
        let Implicit {
            phases,
            places,
            reach,
            channels,
            ..
        } = self.convolution;
        let tile_rows = self.rows.len() + reach[0];
        let pitch = self.columns.len() + reach[1];
        let plane = tile_rows * pitch;
        let phase_planes = phases[0].len() * phases[1].len();

        // The last vector of a row reads beyond it, that of the last row beyond everything.
        let packed_len = channels * phase_planes * plane;
        let packed = scratch.input.get(packed_len + V::LANES);
        self.pack(v, &mut packed[..packed_len], tile_rows, pitch);

        scratch.offsets.clear();
        for channel in 0..*channels {
            scratch.offsets.extend(places.iter().map(|place| {
                let phase = place.phase[0] * phases[1].len() + place.phase[1];
                let shift = place.shift[0] * pitch + place.shift[1];
                (channel * phase_planes + phase) * plane + shift
            }));
        }
        scratch.columns.clear();
        scratch.segments.clear();
        let by_row = self.rows.len() * self.columns.len().div_ceil(V::LANES);
        let across = ((self.rows.len() - 1) * pitch + self.columns.len()).div_ceil(V::LANES);
        if by_row <= across {
            self.vectors_by_row::<V>(pitch, &mut scratch.columns, &mut scratch.segments);
        } else {
            self.vectors_across_rows::<V>(pitch, &mut scratch.columns, &mut scratch.segments);
        }
        // SAFETY: a vector begins before the end of the tile's last real row, and its shift leads
        // to a place within the packed plane, beyond which a whole vector is readable. This task
        // alone writes these pixels of the channels of its panels of weights.
        unsafe {
            multiply(
                v,
                self.weights,
                self.panels.clone(),
                packed.as_ptr(),
                &scratch.offsets,
                (&scratch.columns, &scratch.segments),
                &self.target,
            );
        }
    }
}
