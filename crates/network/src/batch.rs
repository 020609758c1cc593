//! The logits of many images: how many images go through the network together.
//!
//! The number changes the time and the memory, and no result. A single image keeps the caches warm
//! and leaves every thread an image of its own. Several images together read the weights less
//! often, which pays where the weights are larger than the values.

use rayon::prelude::*;

use crate::device::Device;
use crate::engine::{Engine, Source};
use crate::graph::{Shape, ShapeError};
use crate::keep::Keep;
use crate::tensor::Tensor;

/// Most bytes that each thread may hold in values of the images in work.
const MEMORY_A_THREAD: usize = 32 << 20;
/// Beyond this number, more images together save hardly any reading of weights.
const MOST_TOGETHER: usize = 8;

impl<D: Device> Engine<D> {
    /// The logits `[N, outputs, 1, 1]` of a batch of images `[N, C, H, W]`.
    ///
    /// # Errors
    /// Where the network cannot take images of this shape.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, ShapeError> {
        let output = self.graph().output();
        let shape = images.image_shape();
        let keep = Keep::values([output]);
        let bytes = self.bytes_of_values(shape, &keep)?;
        let together = self.images_together(bytes);
        let at_once = at_once(bytes * together);
        let image = shape.iter().product::<usize>();
        let logits = |values: &[f32]| {
            let images = values.len() / image;
            let source = Source::Values(images, shape, values);
            let trace = self.run(&[(self.graph().input(), source)], &keep)?;
            Ok(self.download(&trace, output).into_data())
        };
        let count = images.images();
        let mut all = Vec::new();
        for values in images.data().chunks((image * together * at_once).max(1)) {
            let parts: Result<Vec<Vec<f32>>, ShapeError> = if at_once == 1 || count == 1 {
                values.chunks(image * together).map(logits).collect()
            } else {
                let parts = values.par_chunks(image * together).with_max_len(1);
                parts.map(logits).collect()
            };
            all.extend(parts?.into_iter().flatten());
        }
        let outputs = all.len() / count.max(1);
        Ok(Tensor::from_parts([count, outputs, 1, 1], all))
    }

    /// How many images of this shape may be computed at the same time, each by itself, where every
    /// run keeps what `keep` asks for: at most one for each thread.
    ///
    /// # Errors
    /// Where the network cannot take images of this shape.
    pub fn images_at_once(&self, shape: Shape, keep: &Keep) -> Result<usize, ShapeError> {
        Ok(at_once(self.bytes_of_values(shape, keep)?))
    }

    /// Memory for the values of one image.
    fn bytes_of_values(&self, shape: Shape, keep: &Keep) -> Result<usize, ShapeError> {
        let plan = self.plan(vec![(self.graph().input(), shape)], keep)?;
        Ok(plan.slot_sizes.iter().sum::<usize>() * size_of::<f32>())
    }

    fn images_together(&self, bytes: usize) -> usize {
        let weights = self.graph().parameter_count() * size_of::<f32>();
        (weights / bytes.max(1)).clamp(1, MOST_TOGETHER)
    }
}

/// How many values of this size fit the memory of all threads.
fn at_once(bytes: usize) -> usize {
    let threads = rayon::current_num_threads();
    (threads * MEMORY_A_THREAD / bytes.max(1)).clamp(1, threads)
}
