//! The gradient of a convolution with a stride.
//!
//! The input's pixels fall into classes, each of which sees only every `stride`th tap: a
//! convolution of stride 1 with those taps. With few channels, all classes are computed together,
//! as channels of one convolution, and their pixels are put in between one another afterwards.

use super::implicit::{Implicit, Lattice};
use super::{ConvolutionGeometry, Finish};
use crate::device::cpu::PARALLEL_THRESHOLD;
use crate::device::cpu::planes::{Planes, PlanesMut};
use mednet_simd::InstructionSet;
use rayon::prelude::*;

/// Weights turned round and sorted into classes; those of a stride of 1 are a class too.
#[derive(Debug, Clone)]
pub(super) struct StridedGradient {
    stride: [usize; 2],
    classes: Vec<Class>,
    convolutions: Convolutions,
}

#[derive(Debug, Clone)]
enum Convolutions {
    /// One for each class.
    Single(Vec<Implicit>),
    /// One whose channels are, for each group, those of all classes.
    Together(Implicit),
}

/// The input pixels `start`, `start + stride`, and so on, and the taps that they see.
#[derive(Debug, Clone)]
struct Class {
    start: [usize; 2],
    /// Index of each tap, and where it reads for the first pixel.
    taps: Vec<(usize, [isize; 2])>,
}

impl StridedGradient {
    /// `weight` gets the input channel over all groups, the output channel within its group, and
    /// the index of the tap.
    pub(super) fn new(
        set: InstructionSet,
        geometry: &ConvolutionGeometry,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let [down, across] = geometry.stride;
        let classes: Vec<Class> = (0..down * across)
            .map(|class| Class::new(geometry, [class / across, class % across]))
            .collect();
        let (inputs, outputs) = (geometry.in_group(), geometry.out_group());
        let mut union: Vec<[isize; 2]> = classes.iter().flat_map(Class::places).collect();
        union.sort_unstable();
        union.dedup();
        let convolutions = if pays(inputs, outputs, &classes, union.len()) {
            let rows = classes.len() * inputs;
            Convolutions::Together(Implicit::new(
                set,
                [rows, outputs],
                geometry.groups,
                [1; 2],
                &union,
                |row, output, place| {
                    let class = &classes[row % rows / inputs];
                    let input = row / rows * inputs + row % inputs;
                    let tap = class.taps.iter().find(|(_, tap)| *tap == union[place]);
                    tap.map_or(0.0, |&(tap, _)| weight(input, output, tap))
                },
            ))
        } else {
            let single = |class: &Class| {
                let places: Vec<[isize; 2]> = class.places().collect();
                let weight =
                    |input, output, place: usize| weight(input, output, class.taps[place].0);
                Implicit::new(
                    set,
                    [inputs, outputs],
                    geometry.groups,
                    [1; 2],
                    &places,
                    weight,
                )
            };
            Convolutions::Single(classes.iter().map(single).collect())
        };
        Self {
            stride: geometry.stride,
            classes,
            convolutions,
        }
    }

    pub(super) fn run(
        &self,
        set: InstructionSet,
        output_gradient: Planes<'_>,
        input_gradient: &mut PlanesMut<'_>,
        finish: &Finish<'_>,
    ) {
        let to = *input_gradient.shape();
        let lattices = self
            .classes
            .iter()
            .map(|class| class.lattice(self.stride, [to.height, to.width]));
        match &self.convolutions {
            Convolutions::Single(convolutions) => {
                let gradient = input_gradient.shared();
                for (convolution, lattice) in convolutions.iter().zip(lattices) {
                    convolution.run(set, output_gradient, gradient, lattice, None, finish);
                }
            }
            Convolutions::Together(convolution) => {
                let size = lattices.fold([0; 2], |size, lattice| {
                    [0, 1].map(|axis| lattice.size[axis].max(size[axis]))
                });
                let channels = self.classes.len() * to.channels;
                let mut apart = vec![0.0; to.images * channels * size[0] * size[1]];
                let shape = [to.images, channels, size[0], size[1]];
                let mut planes = PlanesMut::dense(&mut apart, shape);
                let plain = Finish::default();
                let lattice = Lattice::dense(size);
                let shared = planes.shared();
                convolution.run(set, output_gradient, shared, lattice, None, &plain);
                let groups = output_gradient.shape().channels / convolution.channels();
                for image in 0..to.images {
                    let apart = planes.as_planes().image(image);
                    self.interleave(apart, size, groups, image, input_gradient, finish);
                }
            }
        }
    }

    /// Puts the pixels of an image's classes where they belong.
    fn interleave(
        &self,
        apart: &[f32],
        size: [usize; 2],
        groups: usize,
        image: usize,
        gradient: &mut PlanesMut<'_>,
        finish: &Finish<'_>,
    ) {
        let to = *gradient.shape();
        if to.width == 0 {
            return;
        }
        let in_group = to.channels / groups;
        let [down, across] = self.stride;
        let row = |(index, row): (usize, &mut [f32])| {
            let (channel, y) = (index / to.height, index % to.height);
            let (group, in_its_group) = (channel / in_group, channel % in_group);
            let old = finish.accumulate.then(|| row.to_vec());
            for (position, class) in self.classes.iter().enumerate() {
                if class.start[0] != y % down {
                    continue;
                }
                let plane = (group * self.classes.len() + position) * in_group + in_its_group;
                let from = &apart[(plane * size[0] + y / down) * size[1]..][..size[1]];
                let pixels = row.get_mut(class.start[1]..).unwrap_or_default();
                for (pixel, &value) in pixels.iter_mut().step_by(across).zip(from) {
                    *pixel = value;
                }
            }
            if let Some(gate) = &finish.gate {
                gate.pass_row([image, channel, y], row);
            }
            for (pixel, &old) in row.iter_mut().zip(old.iter().flatten()) {
                *pixel += old;
            }
        };
        let image = gradient.image_mut(image);
        if image.len() < PARALLEL_THRESHOLD {
            image.chunks_mut(to.width).enumerate().for_each(row);
        } else {
            let rows = image.par_chunks_mut(to.width).with_min_len(ROWS);
            rows.enumerate().for_each(row);
        }
    }
}

/// Rows that are put together by one thread.
const ROWS: usize = 32;

/// Whether computing all classes together takes less time. Counted in products of a vector: a
/// vector that is written lane by lane takes as long as about a hundred, one that is put between
/// others later as about twenty. Rows of weights are rounded up to the least height of a tile.
fn pays(inputs: usize, outputs: usize, classes: &[Class], union: usize) -> bool {
    let products = |rows: usize, taps: usize| rows.next_multiple_of(4) * taps * outputs;
    let taps: usize = classes.iter().map(|class| class.taps.len()).sum();
    let written = inputs * classes.len();
    classes.len() > 1
        && products(written, union) + 20 * written < products(inputs, taps) + 100 * written
}

impl Class {
    /// The pixels that, padding included, leave this remainder when divided by the stride.
    fn new(geometry: &ConvolutionGeometry, remainder: [usize; 2]) -> Self {
        let ConvolutionGeometry {
            kernel,
            stride,
            padding,
            dilation,
            ..
        } = *geometry;
        let start = [0, 1].map(|axis| {
            (remainder[axis] + stride[axis] - padding[axis] % stride[axis]) % stride[axis]
        });
        let mut taps = Vec::new();
        for index in 0..kernel[0] * kernel[1] {
            let tap = [index / kernel[1], index % kernel[1]];
            if (0..2).all(|axis| tap[axis] * dilation[axis] % stride[axis] == remainder[axis]) {
                let place = [0, 1].map(|axis| {
                    let distance = (start[axis] + padding[axis]).cast_signed()
                        - (tap[axis] * dilation[axis]).cast_signed();
                    distance / stride[axis].cast_signed()
                });
                taps.push((index, place));
            }
        }
        Self { start, taps }
    }

    fn places(&self) -> impl Iterator<Item = [isize; 2]> {
        self.taps.iter().map(|&(_, place)| place)
    }

    fn lattice(&self, stride: [usize; 2], size: [usize; 2]) -> Lattice {
        let count = |axis: usize| {
            size[axis]
                .saturating_sub(self.start[axis])
                .div_ceil(stride[axis])
        };
        Lattice {
            start: self.start,
            step: stride,
            size: [count(0), count(1)],
        }
    }
}
