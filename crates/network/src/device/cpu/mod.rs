//! The CPU: pure Rust, the threads of rayon's current pool.
//!
//! Results do not depend on the number of threads: work is divided into pieces that no sum
//! crosses.

mod average_pool;
pub mod convolution;
mod elementwise;
mod gemm;
pub mod linear;
pub mod mask;
pub mod planes;
mod pool;
mod scratch;
mod target;

pub use super::ScaleShift;
pub use convolution::gradient::PackedConvolutionInputGradient;
pub use convolution::{Algorithm, PackedConvolution};
pub use linear::PackedLinear;
pub use mask::Mask;
pub use mednet_simd::InstructionSet;
pub use planes::{Planes, PlanesMut};

use super::{Device, Epilogue, GradientEpilogue, Layout, Region, RegionMut};
use planes::Shape;
use std::borrow::Cow;

use crate::geometry::{ConvolutionGeometry, Window};
use rayon::prelude::*;

/// The processor of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu;

/// Values below which a loop is not worth the threads.
const PARALLEL_THRESHOLD: usize = 1 << 15;

impl<'b> Region<'b, Vec<f32>> {
    /// The contiguous values of one image.
    fn image(&self, image: usize) -> &'b [f32] {
        let start = self.layout.offset + image * self.layout.image_stride;
        &self.buffer[start..start + self.layout.image()]
    }

    /// The values of one channel of one image.
    fn plane(&self, image: usize, channel: usize) -> &'b [f32] {
        let plane = self.layout.plane();
        &self.image(image)[channel * plane..(channel + 1) * plane]
    }
}

impl<'b> RegionMut<'b, Vec<f32>> {
    /// The contiguous values of each image.
    fn images(self) -> impl IndexedParallelIterator<Item = &'b mut [f32]> {
        let Layout {
            offset,
            images,
            image_stride,
            ..
        } = self.layout;
        let image = self.layout.image();
        self.buffer[offset..]
            .par_chunks_mut(image_stride.max(1))
            .take(images)
            .map(move |values| &mut values[..image])
    }

    /// Calls `write(image, channel, values)` for every plane.
    fn for_each_plane(self, write: impl Fn(usize, usize, &mut [f32]) + Sync) {
        let layout = self.layout;
        let plane = layout.plane();
        if plane == 0 {
            return;
        }
        if layout.images * layout.image() < PARALLEL_THRESHOLD {
            let images = self.buffer[layout.offset..].chunks_mut(layout.image_stride.max(1));
            for (image, values) in images.take(layout.images).enumerate() {
                let planes = values[..layout.image()].chunks_exact_mut(plane);
                for (channel, values) in planes.enumerate() {
                    write(image, channel, values);
                }
            }
            return;
        }
        let planes_a_piece = PARALLEL_THRESHOLD.div_ceil(4 * plane);
        self.images().enumerate().for_each(|(image, values)| {
            values
                .par_chunks_mut(plane)
                .with_min_len(planes_a_piece)
                .enumerate()
                .for_each(|(channel, values)| write(image, channel, values));
        });
    }
}

impl Device for Cpu {
    type Buffer = Vec<f32>;
    type Mask = Mask;
    type Convolution = PackedConvolution;
    type ConvolutionGradient = PackedConvolutionInputGradient;
    type Linear = PackedLinear;

    fn name(&self) -> String {
        "cpu".to_owned()
    }

    fn allocate(&self, length: usize) -> Vec<f32> {
        vec![0.0; length]
    }

    fn length(&self, buffer: &Vec<f32>) -> usize {
        buffer.len()
    }

    fn upload(&self, values: &[f32], output: RegionMut<'_, Vec<f32>>) {
        let image = output.layout.image();
        output
            .images()
            .zip(values.par_chunks(image.max(1)))
            .for_each(|(output, values)| {
                output.copy_from_slice(values);
            });
    }

    fn download(&self, input: Region<'_, Vec<f32>>, values: &mut [f32]) {
        values
            .par_chunks_mut(input.layout.image().max(1))
            .enumerate()
            .for_each(|(image, values)| {
                values
                    .par_chunks_mut(PARALLEL_THRESHOLD)
                    .zip(input.image(image).par_chunks(PARALLEL_THRESHOLD))
                    .for_each(|(values, input)| values.copy_from_slice(input));
            });
    }

    fn host<'b>(&self, input: Region<'b, Vec<f32>>) -> Option<&'b [f32]> {
        without_gaps(&input)
    }

    fn copy(&self, input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
        let only = input.layout.images == 1;
        output.for_each_plane(|image, channel, values| {
            let image = if only { 0 } else { image };
            values.copy_from_slice(input.plane(image, channel));
        });
    }

    fn prepare_convolution(
        &self,
        geometry: &ConvolutionGeometry,
        weight: &[f32],
        bias: Option<&[f32]>,
        output_size: [usize; 2],
    ) -> PackedConvolution {
        PackedConvolution::for_output_size(*geometry, weight, bias, output_size)
    }

    fn convolution(
        &self,
        convolution: &PackedConvolution,
        prologue: Option<&ScaleShift>,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
        epilogue: &Epilogue<'_, Vec<f32>>,
    ) {
        let RegionMut { buffer, layout } = output;
        let mean_with = epilogue.sum.filter(|(_, factor)| *factor == 0.5);
        let fused = convolution::FusedEpilogue {
            relu: epilogue.relu,
            average_with: mean_with.map(|(other, _)| planes(other)),
        };
        let mut result = planes_mut(RegionMut {
            buffer: &mut *buffer,
            layout,
        });
        convolution.run(planes(input), &mut result, prologue, fused);
        if let Some((other, factor)) = epilogue.sum.filter(|_| mean_with.is_none()) {
            elementwise::add_and_scale(factor, other, RegionMut { buffer, layout });
        }
    }

    fn prepare_convolution_gradient(
        &self,
        geometry: &ConvolutionGeometry,
        weight: &[f32],
        input_size: [usize; 2],
    ) -> PackedConvolutionInputGradient {
        PackedConvolutionInputGradient::for_input_size(*geometry, weight, input_size)
    }

    fn convolution_gradient(
        &self,
        convolution: &PackedConvolutionInputGradient,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
        epilogue: &GradientEpilogue<'_, Region<'_, Vec<f32>>, Mask>,
    ) {
        let mut input_gradient = planes_mut(input_gradient);
        let epilogue = epilogue.with_values(planes);
        convolution.run(planes(output_gradient), &mut input_gradient, epilogue);
    }

    fn prepare_linear(&self, outputs: usize, weight: &[f32], bias: &[f32]) -> PackedLinear {
        PackedLinear::new(weight.len() / outputs.max(1), outputs, weight, Some(bias))
    }

    fn linear(
        &self,
        linear: &PackedLinear,
        relu: bool,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
    ) {
        let input = contiguous(&input);
        let RegionMut { buffer, layout } = output;
        debug_assert_eq!(
            layout.image(),
            layout.image_stride,
            "logits are never concatenated"
        );
        let output = &mut buffer[layout.offset..][..layout.images * layout.image()];
        linear.run(&input, output, relu);
    }

    fn linear_gradient(
        &self,
        linear: &PackedLinear,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
    ) {
        let output_gradient = contiguous(&output_gradient);
        let RegionMut { buffer, layout } = input_gradient;
        let input = &mut buffer[layout.offset..][..layout.images * layout.image()];
        linear.input_gradient(&output_gradient, input, false);
    }

    fn affine(
        &self,
        affine: &ScaleShift,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
    ) {
        elementwise::affine(affine, input, output);
    }

    fn relu(&self, input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
        elementwise::relu(input, output);
    }

    fn positive(&self, values: Region<'_, Vec<f32>>) -> Mask {
        Mask::new(planes(values))
    }

    fn relu_gradient(&self, mask: &Mask, gradient: RegionMut<'_, Vec<f32>>) {
        elementwise::relu_gradient(mask, gradient);
    }

    fn scale(&self, factor: &[f32], values: RegionMut<'_, Vec<f32>>) {
        elementwise::scale(factor, values);
    }

    fn clear(&self, values: RegionMut<'_, Vec<f32>>) {
        values.for_each_plane(|_, _, values| values.fill(0.0));
    }

    fn sum(&self, factor: f32, inputs: &[Region<'_, Vec<f32>>], output: RegionMut<'_, Vec<f32>>) {
        elementwise::sum(factor, inputs, output);
    }

    fn accumulate(&self, input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
        elementwise::accumulate(input, output);
    }

    fn max_pool(
        &self,
        window: &Window,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
    ) {
        pool::max_pool(window, input, output);
    }

    fn max_pool_gradient(
        &self,
        window: &Window,
        input: Region<'_, Vec<f32>>,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
    ) {
        pool::max_pool_gradient(window, input, output_gradient, input_gradient);
    }

    fn average_pool(
        &self,
        window: &Window,
        prologue: Option<&ScaleShift>,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
    ) {
        average_pool::average_pool(window, prologue, input, output);
    }

    fn average_pool_gradient(
        &self,
        window: &Window,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
        epilogue: &GradientEpilogue<'_, Region<'_, Vec<f32>>, Mask>,
    ) {
        let epilogue = epilogue.with_values(planes);
        average_pool::average_pool_gradient(window, output_gradient, input_gradient, &epilogue);
    }

    fn adaptive_average_pool(&self, input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
        pool::adaptive_average_pool(input, output);
    }

    fn adaptive_average_pool_gradient(
        &self,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
    ) {
        pool::adaptive_average_pool_gradient(output_gradient, input_gradient);
    }
}

fn shape(layout: &Layout) -> Shape {
    Shape {
        images: layout.images,
        image_stride: layout.image_stride,
        channels: layout.channels,
        height: layout.height,
        width: layout.width,
    }
}

fn planes<'b>(region: Region<'b, Vec<f32>>) -> Planes<'b> {
    Planes::new(
        &region.buffer[region.layout.offset..],
        shape(&region.layout),
    )
}

fn planes_mut(RegionMut { buffer, layout }: RegionMut<'_, Vec<f32>>) -> PlanesMut<'_> {
    PlanesMut::new(&mut buffer[layout.offset..], shape(&layout))
}

/// The values of a region without gaps between images.
fn contiguous<'b>(region: &Region<'b, Vec<f32>>) -> Cow<'b, [f32]> {
    let images = || (0..region.layout.images).flat_map(|image| region.image(image));
    match without_gaps(region) {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(images().copied().collect()),
    }
}

/// The values of a region, borrowed; `None` if there are gaps between images.
fn without_gaps<'b>(region: &Region<'b, Vec<f32>>) -> Option<&'b [f32]> {
    let layout = region.layout;
    let gapless = layout.images <= 1 || layout.image_stride == layout.image();
    gapless.then(|| &region.buffer[layout.offset..][..layout.images * layout.image()])
}
