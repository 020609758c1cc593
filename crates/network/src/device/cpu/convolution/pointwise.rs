//! 1 x 1 convolution: the product of the weights and the image, packed panel by panel.
#![allow(unsafe_code)]

use super::packing::{ChannelPrologue, copy};
use super::schedule::{self, piece, range};
use super::{Finish, ScaleShift};
use crate::device::cpu::gemm::{PanelWeights, multiply};
use crate::device::cpu::planes::{Planes, SharedPlanes};
use crate::device::cpu::scratch::{self, Scratch};
use crate::device::cpu::target::{Column, Segment, Target};
use mednet_simd::{InstructionSet, Kernel, Vector, first_lanes};
use std::ops::Range;

/// Values of packed input of a task: half of a usual second-level cache.
const INPUT_VALUES: usize = 80 * 1024;

/// How many channels ahead input is asked for.
const PREFETCHED_CHANNELS: usize = 2;

/// Weights of a 1 x 1 convolution.
#[derive(Debug, Clone)]
pub(super) struct Pointwise(PanelWeights);

impl Pointwise {
    pub(super) fn new(
        set: InstructionSet,
        [rows, channels]: [usize; 2],
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        Self(PanelWeights::new(set, rows, channels, weight))
    }

    pub(super) fn run(
        &self,
        set: InstructionSet,
        input: Planes<'_>,
        output: SharedPlanes<'_>,
        prologue: Option<&ScaleShift>,
        finish: &Finish<'_>,
    ) {
        let weights = &self.0;
        let images = input.shape().images;
        let pixels = input.shape().plane_len();
        let operations = 2 * images * pixels * weights.rows() * weights.depth();
        let wanted = schedule::wanted_tasks(operations);
        let vectors = pixels.div_ceil(set.lanes());
        let largest =
            (INPUT_VALUES / (weights.depth().max(1) * set.lanes())).max(set.tile_vectors());
        // Narrow tasks would waste the register tile: cut the weights instead.
        let parts = wanted
            .div_ceil(images.max(1))
            .min(vectors.div_ceil(set.tile_vectors()));
        let width = piece(vectors, parts, largest);
        let across = vectors.div_ceil(width.max(1));
        let splits = wanted
            .div_ceil((images * across).max(1))
            .clamp(1, weights.panels().max(1));
        let height = piece(weights.panels(), splits, weights.panels());
        let splits = weights.panels().div_ceil(height.max(1));
        schedule::for_each(images * across * splits, operations, |task| {
            let (image, rest) = (task / (across * splits), task % (across * splits));
            scratch::with(|scratch| {
                set.run(Task {
                    weights,
                    panels: range(rest % splits, height, weights.panels()),
                    vectors: range(rest / splits, width, vectors),
                    pixels,
                    input: input.image(image),
                    prologue,
                    target: finish.target(output, image, 0..weights.rows(), 1),
                    scratch,
                });
            });
        });
    }
}

struct Task<'a> {
    weights: &'a PanelWeights,
    panels: Range<usize>,
    vectors: Range<usize>,
    pixels: usize,
    input: &'a [f32],
    prologue: Option<&'a ScaleShift>,
    target: Target<'a>,
    scratch: &'a mut Scratch,
}

impl Kernel for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn call<V: Vector>(self, v: V) {
        let (depth, pixels) = (self.weights.depth(), self.pixels);
        let first = self.vectors.start * V::LANES;
        let end = (self.vectors.end * V::LANES).min(pixels);
        let panel_len = V::TILE_VECTORS * V::LANES;
        let panels = (end - first).div_ceil(panel_len);
        let Scratch {
            input,
            columns,
            segments,
            offsets,
            ..
        } = self.scratch;

        // Panels of [depth, panel_len] each; lanes beyond the image hold whatever was there.
        let packed = input.get(panels * depth * panel_len);
        for channel in 0..depth {
            let source = &self.input[channel * pixels..][first..end];
            let prologue = ChannelPrologue::new(self.prologue, channel);
            // Channels lie too far apart for the processor to foresee what is read next.
            let ahead = (channel + PREFETCHED_CHANNELS) * pixels;
            for line in self
                .input
                .get(ahead + first..ahead + end)
                .unwrap_or(&[])
                .chunks(16)
            {
                v.prefetch(line.as_ptr());
            }
            for (panel, source) in source.chunks(panel_len).enumerate() {
                let at = (panel * depth + channel) * panel_len;
                copy(v, source, &mut packed[at..at + source.len()], prologue);
            }
        }

        offsets.clear();
        offsets.extend((0..depth).map(|channel| channel * panel_len));
        columns.clear();
        segments.clear();
        for pixel in (first..end).step_by(V::LANES) {
            let within = pixel - first;
            let segment = segments.len() as u32;
            columns.push(Column {
                input: within / panel_len * panel_len * depth + within % panel_len,
                segments: [segment, segment + 1],
            });
            segments.push(Segment {
                mask: first_lanes(V::LANES.min(end - pixel)),
                offset: pixel.cast_signed(),
            });
        }
        // SAFETY: every vector of every row of the panels was made above; this task alone writes
        // these pixels of the channels of its panels of weights.
        unsafe {
            multiply(
                v,
                self.weights,
                self.panels,
                packed.as_ptr(),
                offsets,
                (columns, segments),
                &self.target,
            );
        }
    }
}
