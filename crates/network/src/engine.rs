//! Runs parts of a graph on a device.
//!
//! [`Engine::run`] computes any values of the graph from any others, which is all that running
//! forwards means: from the image to the logits, from the image to a layer (`prefix`), or from
//! altered activations of a layer to the logits (`suffix`). [`Engine::backward`] follows the
//! gradient of the logits the other way.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::compile::{Action, Plan, Step};
use crate::device::{Device, Epilogue, Layout, Region, RegionMut, ScaleShift};
use crate::graph::{Convolution, Graph, NodeId, Operation, Shape, ShapeError};
use crate::keep::Keep;
use crate::memory::{Buffer, Pool};
use crate::tensor::Tensor;

type Sources = Vec<(NodeId, Shape)>;
/// A cache of values that are made once for each key. A thread waits while another one makes the
/// same value, and for no other value.
type Shared<K, V> = Mutex<HashMap<K, Arc<OnceLock<Arc<V>>>>>;

/// A graph on a device.
pub struct Engine<D: Device> {
    graph: Graph,
    pub(crate) memory: Arc<Pool<D>>,
    plans: Shared<(Sources, Keep), Plan>,
    /// By convolution, batch normalisation folded into it, and rows and columns of the result.
    convolutions: Shared<(NodeId, Option<NodeId>, [usize; 2]), D::Convolution>,
    convolution_gradients: Shared<(NodeId, Option<NodeId>, [usize; 2]), D::ConvolutionGradient>,
    linears: Shared<NodeId, D::Linear>,
    affines: Shared<(NodeId, bool), ScaleShift>,
}

/// Values that a run was asked to keep, on the device.
pub struct Trace<D: Device> {
    plan: Arc<Plan>,
    values: HashMap<NodeId, (Arc<Buffer<D>>, Layout)>,
    masks: HashMap<NodeId, D::Mask>,
}

/// A value to start a run from.
pub enum Source<'a, D: Device> {
    /// Values of the host, `[N, C, H, W]`.
    Host(&'a Tensor),
    /// The same, given as a number of images, the shape of one, and the values.
    Values(usize, Shape, &'a [f32]),
    /// A value of an earlier run; one image stands for a whole batch.
    Kept(Region<'a, D::Buffer>),
}

impl<D: Device> Clone for Source<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<D: Device> Copy for Source<'_, D> {}

impl<D: Device> Source<'_, D> {
    fn images_and_shape(&self) -> (usize, Shape) {
        match self {
            Self::Host(tensor) => (tensor.images(), tensor.image_shape()),
            Self::Values(images, shape, _) => (*images, *shape),
            Self::Kept(region) => (region.layout.images, region.layout.shape()),
        }
    }
}

impl<D: Device> Trace<D> {
    /// A kept value.
    ///
    /// # Panics
    /// If the run was not asked to keep it.
    #[must_use]
    pub fn region(&self, id: NodeId) -> Region<'_, D::Buffer> {
        let (buffer, layout) = &self.values[&id];
        Region {
            buffer,
            layout: *layout,
        }
    }

    /// Shape of the value of a node that the run computed, kept or not.
    pub(crate) fn shape(&self, id: NodeId) -> Shape {
        self.plan.shapes[&id]
    }

    /// Where a value was positive, if the run was asked to keep that.
    pub(crate) fn mask(&self, id: NodeId) -> Option<&D::Mask> {
        self.masks.get(&id)
    }
}

/// The value that a cache holds under `key`; `make` makes it for the first caller. Where `make`
/// panics, the next caller makes it.
fn cached<K: Eq + std::hash::Hash, V>(
    cache: &Shared<K, V>,
    key: K,
    make: impl FnOnce() -> V,
) -> Arc<V> {
    let entry = {
        // A panic elsewhere leaves the map whole: entries are inserted in one go.
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(cache.entry(key).or_default())
    };
    Arc::clone(entry.get_or_init(|| Arc::new(make())))
}

impl<D: Device> Engine<D> {
    /// Prepares a graph for a device. Weights are packed when they are first needed.
    pub fn new(graph: Graph, device: D) -> Self {
        Self {
            graph,
            memory: Pool::new(device),
            plans: Mutex::default(),
            convolutions: Mutex::default(),
            convolution_gradients: Mutex::default(),
            linears: Mutex::default(),
            affines: Mutex::default(),
        }
    }

    /// The network.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where it runs.
    #[must_use]
    pub fn device(&self) -> &D {
        self.memory.device()
    }

    /// Runs a batch of images as far as is needed and keeps what `keep` asks for: the logits or any
    /// value before them.
    ///
    /// # Errors
    /// Where the network cannot take images of this shape.
    pub fn prefix(&self, images: &Tensor, keep: &Keep) -> Result<Trace<D>, ShapeError> {
        self.run(&[(self.graph.input(), Source::Host(images))], keep)
    }

    /// The logits for a batch of altered activations `[N, C, H, W]` of `layer`. The values of
    /// parallel branches ([`Graph::beside`]) are those that `trace` kept for one image.
    ///
    /// # Errors
    /// Where the activations have another shape than the layer's.
    pub fn suffix(
        &self,
        trace: &Trace<D>,
        layer: NodeId,
        activations: &Tensor,
    ) -> Result<Tensor, ShapeError> {
        let output = self.graph.output();
        let mut sources = vec![(layer, Source::Host(activations))];
        for id in self.graph.beside(layer) {
            sources.push((id, Source::Kept(trace.region(id))));
        }
        let logits = self.run(&sources, &Keep::values([output]))?;
        Ok(self.download(&logits, output))
    }

    /// A kept value, on the host: `[N, C, H, W]`.
    #[must_use]
    pub fn download(&self, trace: &Trace<D>, id: NodeId) -> Tensor {
        self.download_region(trace.region(id))
    }

    fn download_region(&self, region: Region<'_, D::Buffer>) -> Tensor {
        let Layout {
            images,
            channels,
            height,
            width,
            ..
        } = region.layout;
        let mut values = vec![0.0; images * channels * height * width];
        self.device().download(region, &mut values);
        Tensor::from_parts([images, channels, height, width], values)
    }

    /// Computes the values to keep from `sources`. Sources of one image stand for the whole batch;
    /// all others have the same number of images.
    ///
    /// # Errors
    /// Names the first node whose inputs do not fit it.
    ///
    /// # Panics
    /// If something of it cannot be computed from the sources.
    pub fn run(
        &self,
        sources: &[(NodeId, Source<'_, D>)],
        keep: &Keep,
    ) -> Result<Trace<D>, ShapeError> {
        let shapes = sources.iter().map(|(id, s)| (*id, s.images_and_shape().1));
        let plan = self.plan(shapes.collect(), keep)?;
        let images = sources
            .iter()
            .map(|(_, source)| source.images_and_shape().0)
            .max()
            .unwrap_or(0);
        let mut run = Run {
            engine: self,
            plan: &plan,
            images,
            buffers: self.workspace(&plan, images),
            masks: HashMap::new(),
        };
        for (id, source) in sources {
            run.put(*id, *source);
            run.keep_mask(*id, keep);
        }
        for step in &plan.steps {
            run.step(step);
            run.keep_mask(step.output, keep);
        }
        Ok(run.finish(&keep.values))
    }

    /// The steps that compute the values to keep from sources of these shapes.
    pub(crate) fn plan(&self, shapes: Sources, keep: &Keep) -> Result<Arc<Plan>, ShapeError> {
        let key = (shapes, keep.clone());
        let known = {
            let plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
            plans.get(&key).and_then(|plan| plan.get().cloned())
        };
        if let Some(plan) = known {
            return Ok(plan);
        }
        let plan = Plan::new(&self.graph, &key.0, keep)?;
        Ok(cached(&self.plans, key, || plan))
    }

    /// Buffers for all slots of a plan.
    fn workspace(&self, plan: &Plan, images: usize) -> Vec<Option<Buffer<D>>> {
        // The largest slots first: a small one would take the only buffer that a large one fits
        // into.
        let mut order: Vec<usize> = (0..plan.slot_sizes.len()).collect();
        order.sort_unstable_by_key(|&slot| std::cmp::Reverse(plan.slot_sizes[slot]));
        let mut buffers: Vec<(usize, Buffer<D>)> = order
            .into_iter()
            .map(|slot| (slot, self.memory.take(plan.slot_sizes[slot] * images)))
            .collect();
        buffers.sort_unstable_by_key(|&(slot, _)| slot);
        buffers
            .into_iter()
            .map(|(_, buffer)| Some(buffer))
            .collect()
    }

    fn convolution(
        &self,
        node: NodeId,
        norm: Option<NodeId>,
        size: [usize; 2],
    ) -> Arc<D::Convolution> {
        cached(&self.convolutions, (node, norm, size), || {
            let convolution = self.convolution_parameters(node);
            let geometry = &convolution.geometry;
            let Some(norm) = norm else {
                let bias = convolution.bias.as_deref();
                let weight = &convolution.weight;
                return self
                    .device()
                    .prepare_convolution(geometry, weight, bias, size);
            };
            // Folded in double precision: y = scale (W x + b) + shift.
            let (scale, shift) = self.scale_and_shift(norm);
            let weight = scaled_weight(convolution, &scale);
            let bias: Vec<f32> = (0..geometry.out_channels)
                .map(|channel| {
                    let bias = convolution.bias.as_ref().map_or(0.0, |bias| bias[channel]);
                    (f64::from(bias) * scale[channel] + shift[channel]) as f32
                })
                .collect();
            self.device()
                .prepare_convolution(geometry, &weight, Some(&bias), size)
        })
    }

    /// As [`Self::convolution`], for the gradient; `size` is that of the input.
    pub(crate) fn convolution_gradient(
        &self,
        node: NodeId,
        norm: Option<NodeId>,
        size: [usize; 2],
    ) -> Arc<D::ConvolutionGradient> {
        cached(&self.convolution_gradients, (node, norm, size), || {
            let convolution = self.convolution_parameters(node);
            let weight = match norm {
                None => Cow::Borrowed(&convolution.weight),
                Some(norm) => Cow::Owned(scaled_weight(convolution, &self.scale_and_shift(norm).0)),
            };
            self.device()
                .prepare_convolution_gradient(&convolution.geometry, &weight, size)
        })
    }

    fn convolution_parameters(&self, node: NodeId) -> &Convolution {
        let Operation::Convolution(convolution) = &self.graph.node(node).operation else {
            unreachable!("the plan names a convolution")
        };
        convolution
    }

    fn scale_and_shift(&self, norm: NodeId) -> (Vec<f64>, Vec<f64>) {
        let Operation::BatchNorm(norm) = &self.graph.node(norm).operation else {
            unreachable!("the plan names a batch normalisation")
        };
        norm.scale_and_shift()
    }

    pub(crate) fn linear(&self, node: NodeId) -> Arc<D::Linear> {
        cached(&self.linears, node, || {
            let Operation::Linear(linear) = &self.graph.node(node).operation else {
                unreachable!("the plan names a fully connected layer")
            };
            self.device()
                .prepare_linear(linear.out_features, &linear.weight, &linear.bias)
        })
    }

    pub(crate) fn affine(&self, node: NodeId, relu: bool) -> Arc<ScaleShift> {
        cached(&self.affines, (node, relu), || {
            match &self.graph.node(node).operation {
                Operation::Affine { scale, shift } => ScaleShift {
                    scale: scale.clone(),
                    shift: shift.clone(),
                    relu,
                },
                Operation::BatchNorm(norm) => {
                    let (scale, shift) = norm.scale_and_shift();
                    let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
                    ScaleShift {
                        scale: single(scale),
                        shift: single(shift),
                        relu,
                    }
                }
                _ => unreachable!("the plan names a normalisation"),
            }
        })
    }
}

/// The weights of a convolution with a factor for each channel of its output.
fn scaled_weight(convolution: &Convolution, scale: &[f64]) -> Vec<f32> {
    let per_output = convolution.weight.len() / convolution.geometry.out_channels;
    let scaled =
        |(index, &value): (usize, &f32)| (f64::from(value) * scale[index / per_output]) as f32;
    convolution.weight.iter().enumerate().map(scaled).collect()
}

/// One run of a plan.
struct Run<'e, D: Device> {
    engine: &'e Engine<D>,
    plan: &'e Arc<Plan>,
    images: usize,
    /// By slot; none while it is written to.
    buffers: Vec<Option<Buffer<D>>>,
    masks: HashMap<NodeId, D::Mask>,
}

impl<D: Device> Run<'_, D> {
    fn slot_and_layout(&self, id: NodeId) -> (usize, Layout) {
        let placement = self.plan.placements[&id];
        let [channels, height, width] = self.plan.stored[&id];
        let layout = Layout {
            offset: placement.offset,
            images: self.images,
            image_stride: placement.image_stride,
            channels,
            height,
            width,
        };
        (placement.slot, layout)
    }

    fn region(&self, id: NodeId) -> Region<'_, D::Buffer> {
        let (slot, layout) = self.slot_and_layout(id);
        let Some(buffer) = &self.buffers[slot] else {
            unreachable!("no value is written where another is read")
        };
        Region { buffer, layout }
    }

    /// Takes the buffer that holds `id` out of the workspace while `write` writes to it.
    fn write(&mut self, id: NodeId, write: impl FnOnce(&Self, RegionMut<'_, D::Buffer>)) {
        let (slot, layout) = self.slot_and_layout(id);
        let Some(mut buffer) = self.buffers[slot].take() else {
            unreachable!("one value is written at a time")
        };
        write(
            self,
            RegionMut {
                buffer: &mut buffer,
                layout,
            },
        );
        self.buffers[slot] = Some(buffer);
    }

    fn put(&mut self, id: NodeId, source: Source<'_, D>) {
        let images = self.images;
        self.write(id, |run, output| {
            let (given, values) = match source {
                Source::Kept(region) => return run.engine.device().copy(region, output),
                Source::Host(tensor) => (tensor.images(), tensor.data()),
                Source::Values(images, _, values) => (images, values),
            };
            let values = match given == images {
                true => Cow::Borrowed(values),
                false => Cow::Owned(values.repeat(images)),
            };
            run.engine.device().upload(&values, output);
        });
    }

    fn step(&mut self, step: &Step) {
        self.write(step.output, |run, output| run.compute(step, output));
    }

    /// Keeps the mask of a value before a later step takes its memory.
    fn keep_mask(&mut self, id: NodeId, keep: &Keep) {
        if keep.masks.contains(&id) {
            let mask = self.engine.device().positive(self.region(id));
            self.masks.insert(id, mask);
        }
    }

    fn compute(&self, step: &Step, output: RegionMut<'_, D::Buffer>) {
        let device = self.engine.device();
        let input = self.region(step.inputs[0]);
        match &step.action {
            Action::Convolution {
                node,
                norm,
                prologue,
                relu,
                sum,
            } => {
                let size = [output.layout.height, output.layout.width];
                let convolution = self.engine.convolution(*node, *norm, size);
                let prologue = prologue.map(|(norm, relu)| self.engine.affine(norm, relu));
                let sum = sum.map(|factor| (self.region(step.inputs[1]), factor));
                let epilogue = Epilogue { relu: *relu, sum };
                device.convolution(&convolution, prologue.as_deref(), input, output, &epilogue);
            }
            Action::Linear { node, relu } => {
                device.linear(&self.engine.linear(*node), *relu, input, output);
            }
            Action::Affine { node, relu } => {
                device.affine(&self.engine.affine(*node, *relu), input, output);
            }
            Action::Relu => device.relu(input, output),
            Action::MaxPool(window) => device.max_pool(window, input, output),
            Action::AveragePool { window, prologue } => {
                let prologue = prologue.map(|(norm, relu)| self.engine.affine(norm, relu));
                device.average_pool(window, prologue.as_deref(), input, output);
            }
            Action::AdaptiveAveragePool => device.adaptive_average_pool(input, output),
            Action::Sum { scale } => {
                let inputs: Vec<_> = step.inputs.iter().map(|&id| self.region(id)).collect();
                device.sum(*scale, &inputs, output);
            }
            Action::Join { first_channels } => {
                let RegionMut { buffer, layout } = output;
                for (&id, &first) in step.inputs.iter().zip(first_channels) {
                    let part = self.region(id);
                    let layout = layout.channels(first, part.layout.channels);
                    device.copy(part, RegionMut { buffer, layout });
                }
            }
        }
    }

    /// Keeps the wanted values and returns the rest of the memory to the pool.
    fn finish(self, wanted: &[NodeId]) -> Trace<D> {
        let values = wanted.iter().map(|&id| (id, self.slot_and_layout(id)));
        let values: Vec<(NodeId, (usize, Layout))> = values.collect();
        let buffers: Vec<Arc<Buffer<D>>> =
            self.buffers.into_iter().flatten().map(Arc::new).collect();
        let keep = |(id, (slot, layout)): (NodeId, (usize, Layout))| {
            (id, (Arc::clone(&buffers[slot]), layout))
        };
        Trace {
            plan: Arc::clone(self.plan),
            values: values.into_iter().map(keep).collect(),
            masks: self.masks,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_is_wanted_by_many_is_made_once_and_others_need_not_wait_for_it() {
        let cache = Shared::<usize, usize>::default();
        let made = AtomicUsize::new(0);
        let make = |key: usize| {
            made.fetch_add(1, Ordering::SeqCst);
            // Whoever makes one thing waits for the maker of the other.
            let start = Instant::now();
            while made.load(Ordering::SeqCst) < 2 && start.elapsed() < Duration::from_secs(20) {
                std::thread::yield_now();
            }
            assert_eq!(made.load(Ordering::SeqCst), 2, "nobody else could begin");
            10 * key
        };
        std::thread::scope(|scope| {
            for key in [1, 2, 1, 2] {
                let (cache, make) = (&cache, &make);
                scope.spawn(move || assert_eq!(*cached(cache, key, || make(key)), 10 * key));
            }
        });
        assert_eq!(made.into_inner(), 2);
    }

    #[test]
    fn a_panic_while_something_is_made_leaves_it_to_the_next() {
        let cache = Shared::<u8, u8>::default();
        let panics = || cached(&cache, 1, || resume_unwind(Box::new("planned")));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(*cached(&cache, 1, || 7), 7);
        assert_eq!(*cached(&cache, 1, || 8), 7);
    }
}
