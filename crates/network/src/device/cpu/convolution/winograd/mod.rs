//! Winograd's minimal filtering F(4 x 4, 3 x 3).
//!
//! The image is cut into tiles of 4 x 4 output pixels, each of which depends on 6 x 6 input
//! pixels. Input tiles and kernels are transformed so that the convolution becomes one product a
//! channel pair at each of 36 places; the products summed over the channels are transformed back.
//! Vectors run over tiles.
#![allow(unsafe_code)]

mod transform;

use super::packing::{ChannelPrologue, copy_row};
use super::schedule::{self, piece, range};
use super::{ConvolutionGeometry, Finish, ScaleShift};
use crate::device::cpu::gemm::{PanelWeights, multiply};
use crate::device::cpu::planes::{Planes, SharedPlanes};
use crate::device::cpu::scratch::{self, Scratch};
use crate::device::cpu::target::{Column, Segment, Target, Through, with_gate, write};
use mednet_simd::{InstructionSet, Kernel, LARGEST_LANES, Vector, first_lanes};
use std::ops::Range;
use transform::{IN, OUT, PLACES, input_transform, output_transform, transform_kernel};

/// Vectors of tiles of a task.
const TASK_VECTORS: usize = 2;
/// Transformed weights that no second-level cache holds.
const LARGE_WEIGHTS: usize = 256 * 1024;
/// Output channels between two transforms back.
const BLOCK_CHANNELS: usize = 32;
/// Values of a row on its way into or out of the tiles.
const STAGED_VALUES: usize = (OUT + 1) * LARGEST_LANES;
/// Values of a cache line.
const LINE_VALUES: usize = 16;
/// Most lines to ask for ahead of their use.
const PREFETCHED_LINES: usize = 64;
/// Values in work during a transform: a row, and tiles transformed in one direction.
const WORK_VALUES: usize = STAGED_VALUES + PLACES * LARGEST_LANES;

/// Whether it was measured to be faster than the direct algorithm.
pub(super) fn pays(geometry: &ConvolutionGeometry, output: [usize; 2]) -> bool {
    let tiles = output[0].div_ceil(OUT) * output[1].div_ceil(OUT);
    let full = output[0] * output[1] * 10 >= tiles * OUT * OUT * 7;
    // Its weights are four times as large: with few tiles, reading them costs what is gained,
    // unless they are so small that they stay in the cache.
    let small = geometry.in_channels <= 64 && geometry.out_channels <= 64;
    full && tiles >= if small { 16 } else { 32 } && geometry.in_channels >= 8
}

/// Transformed weights, one matrix for each place.
#[derive(Debug, Clone)]
pub(super) struct Winograd {
    places: Vec<PanelWeights>,
    rows: usize,
    channels: usize,
    padding: [isize; 2],
}

impl Winograd {
    /// `weight` gets the output channel, the input channel and the index of the tap.
    pub(super) fn new(
        set: InstructionSet,
        [rows, channels]: [usize; 2],
        padding: [isize; 2],
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let mut transformed = vec![[0.0; PLACES]; rows * channels];
        for (index, to) in transformed.iter_mut().enumerate() {
            let taps = std::array::from_fn(|tap| {
                f64::from(weight(index / channels, index % channels, tap))
            });
            *to = transform_kernel(&taps);
        }
        let places = (0..PLACES)
            .map(|place| {
                PanelWeights::new(set, rows, channels, |row, channel| {
                    transformed[row * channels + channel][place]
                })
            })
            .collect();
        Self {
            places,
            rows,
            channels,
            padding,
        }
    }

    pub(super) fn run(
        &self,
        set: InstructionSet,
        input: Planes<'_>,
        output: SharedPlanes<'_>,
        prologue: Option<&ScaleShift>,
        finish: &Finish<'_>,
    ) {
        let (images, shape) = (input.shape().images, *output.shape());
        let grid = [shape.height.div_ceil(OUT), shape.width.div_ceil(OUT)];
        let vectors = (grid[0] * grid[1]).div_ceil(set.lanes());
        let operations = 2 * images * vectors * set.lanes() * PLACES * self.rows * self.channels;
        let wanted = schedule::wanted_tasks(operations);
        // Large weights are read from afar for each task: make tasks wide.
        let large = PLACES * self.rows * self.channels > LARGE_WEIGHTS;
        let widest = if large {
            2 * TASK_VECTORS
        } else {
            TASK_VECTORS
        };
        let parts = wanted.div_ceil(images.max(1)).min(vectors.div_ceil(widest));
        let width = piece(vectors, parts, widest);
        let across = vectors.div_ceil(width.max(1));
        let panels = self.places[0].panels();
        // Each split transforms the input again.
        let splits = if wanted > 1 {
            wanted.min(rayon::current_num_threads())
        } else {
            1
        };
        let splits = splits
            .div_ceil((images * across).max(1))
            .clamp(1, panels.max(1));
        let split = piece(panels, splits, panels);
        let splits = panels.div_ceil(split.max(1));
        schedule::for_each(images * across * splits, operations, |task| {
            let (image, rest) = (task / (across * splits), task % (across * splits));
            let tiles = range(rest / splits, width * set.lanes(), grid[0] * grid[1]);
            scratch::with(|scratch| {
                set.run(Task {
                    convolution: self,
                    panels: range(rest % splits, split, panels),
                    panel_rows: set.rows(),
                    tiles,
                    grid,
                    input: input.image(image),
                    size: [input.shape().height, input.shape().width],
                    output_size: [shape.height, shape.width],
                    prologue,
                    target: finish.target(output, image, 0..self.rows, 1),
                    scratch: Some(scratch),
                });
            });
        });
    }
}

/// Tiles side by side in a row of tiles, at most a vector of them.
#[derive(Clone, Copy)]
struct Run {
    /// Row of tiles.
    row: usize,
    /// The first of them in that row.
    column: usize,
    /// How many.
    count: usize,
    /// The first of them among the tiles of the task.
    at: usize,
}

struct Task<'a> {
    convolution: &'a Winograd,
    panels: Range<usize>,
    panel_rows: usize,
    tiles: Range<usize>,
    grid: [usize; 2],
    input: &'a [f32],
    size: [usize; 2],
    output_size: [usize; 2],
    prologue: Option<&'a ScaleShift>,
    target: Target<'a>,
    scratch: Option<&'a mut Scratch>,
}

impl Task<'_> {
    /// The runs that the tiles of the task consist of.
    #[inline(always)]
    fn runs(&self, lanes: usize) -> impl Iterator<Item = Run> + use<> {
        let (tiles, columns) = (self.tiles.clone(), self.grid[1]);
        let mut next = tiles.start;
        std::iter::from_fn(move || {
            let (row, column) = (next / columns, next % columns);
            let count = lanes.min(columns - column).min(tiles.end - next);
            let run = Run {
                row,
                column,
                count,
                at: next - tiles.start,
            };
            next += count;
            (count > 0).then_some(run)
        })
    }

    /// Asks for what the tiles read of a channel: channels lie too far apart for the processor
    /// to foresee it.
    #[inline(always)]
    fn prefetch<V: Vector>(&self, v: V, channel: usize) {
        let [height, width] = self.size;
        let columns = self.grid[1];
        let row = (self.tiles.start / columns * OUT).saturating_sub(1);
        let end = ((self.tiles.end - 1) / columns * OUT + IN - 1).min(height);
        let plane = channel * height * width;
        let all = self
            .input
            .get(plane + row * width..plane + end * width)
            .unwrap_or(&[]);
        for line in all.chunks(LINE_VALUES).take(PREFETCHED_LINES) {
            v.prefetch(line.as_ptr());
        }
    }

    /// Transforms the input of a run in a channel; writes a vector at each place, `stride` apart.
    ///
    /// # Safety
    /// A vector is writable at `to + place * stride` for each place; `work` is [`WORK_VALUES`].
    #[inline(always)]
    unsafe fn transform_input<V: Vector>(
        &self,
        v: V,
        run: Run,
        plane: &[f32],
        prologue: Option<ChannelPrologue>,
        work: &mut [f32],
        (to, stride): (*mut f32, usize),
    ) {
        let [height, width] = self.size;
        let padding = self.convolution.padding;
        // The second of the six pixels of the first tile: with the usual padding of one, vectors
        // of the image itself begin there.
        let second = (run.column * OUT + 1).cast_signed() - padding[1];
        let values = OUT * V::LANES;
        let inside = usize::try_from(second)
            .ok()
            .filter(|&second| second + values <= width && prologue.is_none());
        let (staged, half) = work.split_at_mut(STAGED_VALUES);
        let half = half.as_mut_ptr();
        for i in 0..IN {
            // SAFETY: all vectors of the row fit the half of the work that is for them.
            let half = unsafe { half.add(i * IN * V::LANES) };
            let y = usize::try_from((run.row * OUT + i).cast_signed() - padding[0]);
            let Some(y) = y.ok().filter(|&y| y < height) else {
                for j in 0..IN {
                    // SAFETY: as above.
                    unsafe { v.store(half.add(j * V::LANES), v.splat(0.0)) };
                }
                continue;
            };
            let row = &plane[y * width..][..width];
            let (from, before, after) = if let Some(second) = inside {
                let before = if second > 0 { row[second - 1] } else { 0.0 };
                let after = row.get(second + values).copied().unwrap_or(0.0);
                (row[second..second + values].as_ptr(), before, after)
            } else {
                copy_row(
                    v,
                    row,
                    second - 1,
                    1,
                    &mut staged[..run.count * OUT + 2],
                    prologue,
                );
                (staged[1..=values].as_ptr(), staged[0], staged[values + 1])
            };
            // SAFETY: `OUT * LANES` values are readable in the row or the staged copy.
            let [d1, d2, d3, d4] = unsafe { v.deinterleave4(from) };
            let (d0, d5) = (v.shift_in_first(d4, before), v.shift_in(d1, after));
            let line = input_transform(v, [d0, d1, d2, d3, d4, d5]);
            for (j, &value) in line.iter().enumerate() {
                // SAFETY: as above.
                unsafe { v.store(half.add(j * V::LANES), value) };
            }
        }
        for j in 0..IN {
            // SAFETY: written above; `to` is writable as the caller promised.
            unsafe {
                let d = |i: usize| v.load(half.add((i * IN + j) * V::LANES));
                let line = input_transform(v, [d(0), d(1), d(2), d(3), d(4), d(5)]);
                for (i, &value) in line.iter().enumerate() {
                    v.store(to.add((i * IN + j) * stride), value);
                }
            }
        }
    }

    /// Transforms the sums of an output channel of a run back, and writes the pixels.
    ///
    /// # Safety
    /// A vector is readable at `from + place * stride` for each place; `work` is [`WORK_VALUES`];
    /// the target's planes are writable and no other thread writes the pixels of these tiles.
    #[inline(always)]
    unsafe fn transform_output<V: Vector>(
        &self,
        v: V,
        run: Run,
        channel: usize,
        work: &mut [f32],
        (from, stride): (*const f32, usize),
        gate: impl Through,
    ) {
        let target = &self.target;
        let bias = v.splat(if target.bias.is_empty() {
            0.0
        } else {
            target.bias[channel]
        });
        let (staged, half) = work.split_at_mut(STAGED_VALUES);
        let half = half.as_mut_ptr();
        for j in 0..IN {
            // SAFETY: readable as the caller promised; all vectors fit the work.
            unsafe {
                let m = |i: usize| v.load(from.add((i * IN + j) * stride));
                let line = output_transform(v, [m(0), m(1), m(2), m(3), m(4), m(5)]);
                for (i, &value) in line.iter().enumerate() {
                    v.store(half.add((i * IN + j) * V::LANES), value);
                }
            }
        }
        let [height, width] = self.output_size;
        let x = run.column * OUT;
        let count = (run.count * OUT).min(width - x);
        for i in 0..OUT.min(height - run.row * OUT) {
            // SAFETY: written above; the staging place holds `OUT` vectors; the pixels below
            // `count` are in the image, and this task's alone as the caller promised.
            unsafe {
                let m = |j: usize| v.load(half.add((i * IN + j) * V::LANES));
                let mut line = output_transform(v, [m(0), m(1), m(2), m(3), m(4), m(5)]);
                for value in &mut line {
                    *value = v.add(*value, bias);
                    if target.relu {
                        *value = v.relu(*value);
                    }
                }
                v.interleave4(staged.as_mut_ptr(), line);
                let first = channel * target.plane + (run.row * OUT + i) * width + x;
                for at in (0..count).step_by(V::LANES) {
                    let value = v.load(staged.as_ptr().add(at));
                    let mask = first_lanes(V::LANES.min(count - at));
                    write(v, value, channel, first + at, mask, target, gate);
                }
            }
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
        let Winograd {
            places,
            rows,
            channels,
            ..
        } = self.convolution;
        let vectors = self.tiles.len().div_ceil(V::LANES);
        let width = vectors * V::LANES;
        let [height, image_width] = self.size;
        let work = scratch.rows.get(WORK_VALUES);

        // Transformed input, [place][channel][tile]. Places lie a line more apart than they need,
        // or all places of a channel would compete for the same lines of the cache.
        let place_stride = channels * width + LARGEST_LANES;
        let transformed = scratch.input.get(PLACES * place_stride + LARGEST_LANES);
        for channel in 0..*channels {
            let plane = &self.input[channel * height * image_width..][..height * image_width];
            let prologue = ChannelPrologue::new(self.prologue, channel);
            self.prefetch(v, channel + 1);
            for run in self.runs(V::LANES) {
                // A run's vector may overwrite the tiles after it and the first tiles of the next
                // channel: both are written later.
                // SAFETY: there is room for a whole vector beyond the last place.
                unsafe {
                    let to = transformed.as_mut_ptr().add(channel * width + run.at);
                    self.transform_input(v, run, plane, prologue, work, (to, place_stride));
                }
            }
        }

        scratch.offsets.clear();
        scratch
            .offsets
            .extend((0..*channels).map(|channel| channel * width));
        scratch.columns.clear();
        scratch.segments.clear();
        for vector in 0..vectors {
            let (segment, input) = (vector as u32, vector * V::LANES);
            scratch.columns.push(Column {
                input,
                segments: [segment, segment + 1],
            });
            let (mask, offset) = (first_lanes(V::LANES), input.cast_signed());
            scratch.segments.push(Segment { mask, offset });
        }

        // Sums, [output channel of the block][place][tile].
        let plane = PLACES * width;
        let block_panels = (BLOCK_CHANNELS / self.panel_rows).max(1);
        let sums = scratch
            .output
            .get(block_panels * self.panel_rows * plane + LARGEST_LANES);
        let sums = sums.as_mut_ptr();
        for start in self.panels.clone().step_by(block_panels) {
            let panels = start..(start + block_panels).min(self.panels.end);
            let first = start * self.panel_rows;
            let end = (panels.end * self.panel_rows).min(*rows);
            for (place, weights) in places.iter().enumerate() {
                let target = Target {
                    // Rows are counted from the first channel of all.
                    output: sums.wrapping_add(place * width).wrapping_sub(first * plane),
                    plane,
                    step: 1,
                    bias: &[],
                    relu: false,
                    average_with: None,
                    gate: None,
                    accumulate: false,
                };
                // SAFETY: all tiles of all channels of the place were written above; rows from
                // `first` up to `end` fit the sums, which are this thread's own.
                unsafe {
                    let input = transformed.as_ptr().add(place * place_stride);
                    let places = (&scratch.columns[..], &scratch.segments[..]);
                    let offsets = &scratch.offsets;
                    multiply(v, weights, panels.clone(), input, offsets, places, &target);
                }
            }
            for channel in first..end {
                for run in self.runs(V::LANES) {
                    // SAFETY: the sums have room for a whole vector beyond the last place; this
                    // task alone writes these tiles of these channels.
                    unsafe {
                        let from = sums.cast_const().add((channel - first) * plane + run.at);
                        with_gate!(self.target, |gate| {
                            self.transform_output(v, run, channel, work, (from, width), gate);
                        });
                    }
                }
            }
        }
    }
}
