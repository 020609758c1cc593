//! The CPU: pure Rust, the threads of rayon's current pool.
//!
//! Results do not depend on the number of threads: work is divided into pieces that no sum
//! crosses.

mod elementwise;
mod pool;
mod simple_convolution;

use super::{ConvolutionGeometry, Device, Epilogue, Layout, Region, RegionMut, ScaleShift};
use crate::graph::Window;
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
    type Convolution = simple_convolution::Convolution;
    type ConvolutionGradient = simple_convolution::Convolution;
    type Linear = Linear;

    fn name(&self) -> String {
        "cpu".to_owned()
    }

    fn allocate(&self, length: usize) -> Vec<f32> {
        vec![0.0; length]
    }

    fn reserve(&self, buffer: &mut Vec<f32>, length: usize) {
        if buffer.len() < length {
            // Not resized: that would copy what nobody needs.
            *buffer = vec![0.0; length];
        }
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

    fn download(&self, input: Region<'_, Vec<f32>>) -> Vec<f32> {
        let mut values = Vec::with_capacity(input.layout.images * input.layout.image());
        for image in 0..input.layout.images {
            values.extend_from_slice(input.image(image));
        }
        values
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
    ) -> Self::Convolution {
        simple_convolution::Convolution::new(*geometry, weight, bias)
    }

    fn convolution(
        &self,
        convolution: &Self::Convolution,
        prologue: Option<&ScaleShift>,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
        epilogue: &Epilogue<'_, Vec<f32>>,
    ) {
        convolution.run(prologue, input, output, epilogue);
    }

    fn prepare_convolution_gradient(
        &self,
        geometry: &ConvolutionGeometry,
        weight: &[f32],
    ) -> Self::ConvolutionGradient {
        simple_convolution::Convolution::new(*geometry, weight, None)
    }

    fn convolution_gradient(
        &self,
        convolution: &Self::ConvolutionGradient,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
    ) {
        convolution.run_gradient(output_gradient, input_gradient);
    }

    fn prepare_linear(&self, outputs: usize, weight: &[f32], bias: &[f32]) -> Linear {
        Linear {
            outputs,
            weight: weight.to_vec(),
            bias: bias.to_vec(),
        }
    }

    fn linear(
        &self,
        linear: &Linear,
        relu: bool,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
    ) {
        let features = input.layout.image();
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        output.images().enumerate().for_each(|(image, output)| {
            let input = input.image(image);
            output
                .par_iter_mut()
                .with_min_len(64)
                .enumerate()
                .for_each(|(index, output)| {
                    let weights = &linear.weight[index * features..(index + 1) * features];
                    *output = (dot(weights, input) + linear.bias[index]).max(floor);
                });
        });
    }

    fn linear_gradient(
        &self,
        linear: &Linear,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
    ) {
        let features = input_gradient.layout.image();
        input_gradient
            .images()
            .enumerate()
            .for_each(|(image, input)| {
                input.fill(0.0);
                for (index, &gradient) in output_gradient.image(image).iter().enumerate() {
                    // A logit is explained by itself: all but one of its gradients are zero.
                    if gradient != 0.0 && index < linear.outputs {
                        let weights = &linear.weight[index * features..(index + 1) * features];
                        for (input, &weight) in input.iter_mut().zip(weights) {
                            *input += gradient * weight;
                        }
                    }
                }
            });
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

    fn relu_gradient(
        &self,
        relu_output: Region<'_, Vec<f32>>,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
    ) {
        elementwise::relu_gradient(relu_output, output_gradient, input_gradient);
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
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
    ) {
        pool::average_pool(window, input, output);
    }

    fn average_pool_gradient(
        &self,
        window: &Window,
        output_gradient: Region<'_, Vec<f32>>,
        input_gradient: RegionMut<'_, Vec<f32>>,
    ) {
        pool::average_pool_gradient(window, output_gradient, input_gradient);
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

/// Weights of a fully connected layer.
#[derive(Debug)]
pub struct Linear {
    outputs: usize,
    /// `[outputs, inputs]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Scalar product in sixteen running sums, which keeps the processor's vectors busy and the
/// rounding error small.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (left_chunks, right_chunks) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let tail: f32 = left_chunks
        .remainder()
        .iter()
        .zip(right_chunks.remainder())
        .map(|(l, r)| l * r)
        .sum();
    for (left, right) in left_chunks.zip(right_chunks) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}
