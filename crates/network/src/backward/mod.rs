//! The gradient of the logits with respect to layers or to the image.
//!
//! The walk visits only the part of the graph between the logits and the layers asked for, and
//! computes no gradient of a weight. Batch normalisation uses its running statistics, as in
//! inference. One step takes the gradient through a convolution, the normalisation behind it, the
//! ReLU in front of it and the normalisation in front of that, as far as the gradients in between
//! are not asked for.

mod arrangement;
mod path;

use std::collections::HashMap;
use std::sync::Arc;

use crate::device::{
    Device, Gate, GradientEpilogue, Layout, Region, RegionMut, ReluMask, ScaleShift,
};
use crate::engine::{Engine, Trace};
use crate::graph::{NodeId, Operation, Shape};
use crate::memory::Buffer;
use crate::tensor::{Tensor, TensorView};
use arrangement::Arrangement;

impl<D: Device> Engine<D> {
    /// The gradients of `sum(seed * logits)` with respect to the values of `to`, each `[N, C, H,
    /// W]`, handed to `visit` from the logits downwards; layers that the logits do not depend on
    /// are left out.
    ///
    /// `trace` must hold [`Graph::needed_for_gradient`](crate::graph::Graph::needed_for_gradient)
    /// of `to`, and the logits; `seed` has the shape of the logits, `[N, outputs, 1, 1]`.
    ///
    /// # Panics
    /// If the trace lacks something of it.
    pub fn backward(
        &self,
        trace: &Trace<D>,
        seed: &Tensor,
        to: &[NodeId],
        visit: &mut dyn FnMut(NodeId, TensorView<'_>),
    ) {
        let images = seed.images();
        let mut walk = Walk {
            engine: self,
            trace,
            arrangement: Arrangement::new(self.graph(), to, |id| trace.shape(id)),
            images,
            memory: HashMap::new(),
            passed: vec![false; self.graph().nodes().len()],
        };
        let output = self.graph().output();
        if !walk.arrangement.on_path[output.0] {
            return;
        }
        walk.begin(output);
        walk.write(output, |_, output| {
            self.device().upload(seed.data(), output);
        });
        // Gradients that do not lie in host memory are copied there, one after the other, into
        // this.
        let mut downloaded = Vec::new();
        for index in (0..=output.0).rev() {
            let id = NodeId(index);
            if !walk.arrangement.on_path[index] {
                continue;
            }
            if to.contains(&id) {
                let region = walk.region(id);
                let values = self.device().host(region).unwrap_or_else(|| {
                    downloaded.resize(region.layout.images * region.layout.image(), 0.0);
                    self.device().download(region, &mut downloaded);
                    &downloaded
                });
                let [channels, height, width] = region.layout.shape();
                let shape = [images, channels, height, width];
                visit(id, TensorView::from_parts(shape, values));
            }
            if !walk.passed[index] {
                walk.pass_on(id);
            }
            if let Some(root) = walk.arrangement.is_last(id) {
                walk.memory.remove(&root);
            }
        }
    }
}

/// The state of a walk of the gradient from the logits towards the image.
struct Walk<'w, D: Device> {
    engine: &'w Engine<D>,
    trace: &'w Trace<D>,
    arrangement: Arrangement<'w>,
    images: usize,
    /// By root.
    memory: HashMap<NodeId, Buffer<D>>,
    /// Nodes whose gradient the step of the convolution behind them has computed.
    passed: Vec<bool>,
}

impl<'w, D: Device> Walk<'w, D> {
    fn device(&self) -> &'w D {
        self.engine.device()
    }

    /// Shape of the gradient that lies in memory under the name of a node.
    fn shape(&self, id: NodeId) -> Shape {
        match self.arrangement.swapped(id) {
            None => self.trace.shape(id),
            Some((pool, _)) => {
                let [_, height, width] = self.trace.shape(pool);
                let input = self.engine.graph().node(id).inputs[0];
                [self.trace.shape(input)[0], height, width]
            }
        }
    }

    fn root_and_layout(&self, id: NodeId) -> (NodeId, Layout) {
        let Some(place) = self.arrangement.place(id) else {
            unreachable!("every node on the path has a place")
        };
        let whole = Layout::dense(self.images, self.shape(place.root));
        let [channels, height, width] = self.shape(id);
        let layout = Layout {
            offset: place.offset,
            channels,
            height,
            width,
            ..whole
        };
        (place.root, layout)
    }

    fn region(&self, id: NodeId) -> Region<'_, D::Buffer> {
        let (root, layout) = self.root_and_layout(id);
        Region {
            buffer: &self.memory[&root],
            layout,
        }
    }

    /// Makes sure that the gradient of a node has memory. Returns whether the next value must be
    /// added to what lies there, which is the sum so far or zeros.
    fn begin(&mut self, id: NodeId) -> bool {
        let (root, part) = self.root_and_layout(id);
        if self.memory.contains_key(&root) {
            return true;
        }
        let layout = Layout::dense(self.images, self.shape(root));
        let mut buffer = self.engine.memory.take(layout.images * layout.image());
        let whole = part.image() == layout.image();
        if !whole {
            let buffer = &mut *buffer;
            self.device().clear(RegionMut { buffer, layout });
        }
        self.memory.insert(root, buffer);
        !whole
    }

    /// Takes the memory of a gradient out of the walk while `write` writes to it.
    fn write(&mut self, id: NodeId, write: impl FnOnce(&Self, RegionMut<'_, D::Buffer>)) {
        let (root, layout) = self.root_and_layout(id);
        let Some(mut buffer) = self.memory.remove(&root) else {
            unreachable!("the gradient has begun")
        };
        write(
            self,
            RegionMut {
                buffer: &mut buffer,
                layout,
            },
        );
        self.memory.insert(root, buffer);
    }

    /// Adds the gradient that passes through a node to the gradients of its inputs.
    fn pass_on(&mut self, id: NodeId) {
        let node = self.engine.graph().node(id);
        let on_path = &self.arrangement.on_path;
        let inputs = node.inputs.iter().copied();
        let inputs: Vec<NodeId> = inputs.filter(|input| on_path[input.0]).collect();
        let Some(&input) = inputs.first() else {
            return;
        };
        let (device, trace) = (self.device(), self.trace);
        match &node.operation {
            Operation::Input => {}
            Operation::Relu => {
                let Some(mask) = trace.mask(id) else {
                    unreachable!("the run was asked for the masks of its ReLUs")
                };
                self.write(id, |_, gradient| device.relu_gradient(mask, gradient));
                self.hand_over(id, 0, input);
            }
            Operation::Affine { .. } | Operation::BatchNorm(_) => {
                if !self.arrangement.is_folded(id) {
                    let affine = self.engine.affine(id, false);
                    self.write(id, |_, gradient| device.scale(&affine.scale, gradient));
                }
                self.hand_over(id, 0, input);
            }
            Operation::Flatten => self.hand_over(id, 0, input),
            Operation::Sum { scale } => {
                #[allow(clippy::float_cmp, reason = "a factor of exactly one changes nothing")]
                if *scale != 1.0 {
                    let factor = vec![*scale; trace.shape(id)[0]];
                    self.write(id, |_, gradient| device.scale(&factor, gradient));
                }
                for input in inputs {
                    self.hand_over(id, 0, input);
                }
            }
            Operation::Concat => {
                let mut first = 0;
                for &input in &node.inputs {
                    if self.arrangement.on_path[input.0] {
                        self.hand_over(id, first, input);
                    }
                    first += trace.shape(input).iter().product::<usize>();
                }
            }
            Operation::Convolution(_) => self.convolution(id),
            Operation::MaxPool(window) => self.compute(id, input, |gradient, output| {
                device.max_pool_gradient(window, trace.region(input), gradient, output);
            }),
            Operation::AveragePool(_) if self.arrangement.swapped(input).is_some() => {
                let prepared = self.convolution_gradient(input, id);
                self.compute(id, input, |gradient, output| {
                    let plain = GradientEpilogue::default();
                    device.convolution_gradient(&prepared, gradient, output, &plain);
                });
            }
            Operation::AveragePool(window) => self.compute(id, input, |gradient, output| {
                let plain = GradientEpilogue::default();
                device.average_pool_gradient(window, gradient, output, &plain);
            }),
            Operation::AdaptiveAveragePool { .. } => self.compute(id, input, |gradient, output| {
                device.adaptive_average_pool_gradient(gradient, output);
            }),
            Operation::Linear(_) => {
                let linear = self.engine.linear(id);
                self.compute(id, input, |gradient, output| {
                    device.linear_gradient(&linear, gradient, output);
                });
            }
        }
    }

    /// Calls `act(gradient, output, add)` with the gradient of a node and that of another, to which
    /// something is to be written or added.
    fn transfer(
        &mut self,
        (id, layout): (NodeId, Layout),
        target: NodeId,
        act: impl FnOnce(Region<'_, D::Buffer>, RegionMut<'_, D::Buffer>, bool),
    ) {
        let device = self.device();
        let add = self.begin(target);
        let root = self.root_and_layout(id).0;
        if root != self.root_and_layout(target).0 {
            self.write(target, |walk, output| {
                let buffer = &*walk.memory[&root];
                act(Region { buffer, layout }, output, add);
            });
            return;
        }
        // Both lie in the same memory, side by side.
        let dense = Layout::dense(layout.images, layout.shape());
        let mut copy = self.engine.memory.take(dense.images * dense.image());
        device.copy(
            Region {
                buffer: &self.memory[&root],
                layout,
            },
            RegionMut {
                buffer: &mut copy,
                layout: dense,
            },
        );
        self.write(target, |_, output| {
            let copy = Region {
                buffer: &*copy,
                layout: dense,
            };
            act(copy, output, add);
        });
    }

    /// Adds the gradient of a node, from value `first` of each image on, to that of an input.
    fn hand_over(&mut self, id: NodeId, first: usize, input: NodeId) {
        let (root, mut from) = self.root_and_layout(id);
        from.offset += first;
        let (input_root, to) = self.root_and_layout(input);
        if root == input_root && from.offset == to.offset {
            return;
        }
        let part = Layout {
            offset: from.offset,
            image_stride: from.image_stride,
            ..to
        };
        let device = self.device();
        self.transfer((id, part), input, |gradient, output, add| {
            if add {
                device.accumulate(gradient, output);
            } else {
                device.copy(gradient, output);
            }
        });
    }

    /// Adds what `compute` writes to the gradient of an input.
    fn compute(
        &mut self,
        id: NodeId,
        input: NodeId,
        compute: impl FnOnce(Region<'_, D::Buffer>, RegionMut<'_, D::Buffer>),
    ) {
        let layout = self.root_and_layout(id).1;
        let (device, memory) = (self.device(), Arc::clone(&self.engine.memory));
        self.transfer((id, layout), input, |gradient, output, add| {
            if !add {
                compute(gradient, output);
                return;
            }
            let dense = Layout::dense(output.layout.images, output.layout.shape());
            let mut part = memory.take(dense.images * dense.image());
            compute(
                gradient,
                RegionMut {
                    buffer: &mut part,
                    layout: dense,
                },
            );
            let part = Region {
                buffer: &*part,
                layout: dense,
            };
            device.accumulate(part, output);
        });
    }

    /// Takes the gradient through a convolution and what is fused with it.
    fn convolution(&mut self, id: NodeId) {
        let device = self.device();
        if let Some((_, window)) = self.arrangement.swapped(id) {
            self.pass_gate(id, |gradient, output, epilogue| {
                device.average_pool_gradient(&window, gradient, output, epilogue);
            });
            return;
        }
        let input = self.engine.graph().node(id).inputs[0];
        let prepared = self.convolution_gradient(id, input);
        self.pass_gate(id, |gradient, output, epilogue| {
            device.convolution_gradient(&prepared, gradient, output, epilogue);
        });
    }

    /// The weights for the gradient of a convolution whose input has the size of `input`.
    fn convolution_gradient(&self, id: NodeId, input: NodeId) -> Arc<D::ConvolutionGradient> {
        let [_, height, width] = self.trace.shape(input);
        let norm = self.arrangement.folded_norm(id);
        self.engine.convolution_gradient(id, norm, [height, width])
    }

    /// Takes the gradient of a convolution to its input, or through the ReLU and the normalisation
    /// in front of it too.
    fn pass_gate(
        &mut self,
        id: NodeId,
        act: impl FnOnce(
            Region<'_, D::Buffer>,
            RegionMut<'_, D::Buffer>,
            &GradientEpilogue<'_, Region<'_, D::Buffer>, D::Mask>,
        ),
    ) {
        let (engine, trace) = (self.engine, self.trace);
        let graph = engine.graph();
        let mut target = graph.node(id).inputs[0];
        let mut mask: Option<Known<'_, D>> = None;
        let mut factor = None;
        if let Some(relu) = self.arrangement.gate(id) {
            self.passed[relu.0] = true;
            target = graph.node(relu).inputs[0];
            mask = Some(match trace.mask(relu) {
                Some(mask) => Known::Mask(mask),
                None => Known::Input(graph.node(target).inputs[0], engine.affine(target, true)),
            });
            if let Some(norm) = self.arrangement.norm_before(relu) {
                self.passed[norm.0] = true;
                target = graph.node(norm).inputs[0];
                factor = Some(engine.affine(norm, true));
            }
        }
        let layout = self.root_and_layout(id).1;
        self.transfer((id, layout), target, |gradient, output, accumulate| {
            let gate = mask.as_ref().map(|mask| Gate {
                mask: match mask {
                    &Known::Mask(mask) => ReluMask::Bits(mask),
                    Known::Input(values, affine) => ReluMask::Values {
                        values: trace.region(*values),
                        affine,
                    },
                },
                factor: factor.as_ref().map(|factor| &factor.scale[..]),
            });
            act(gradient, output, &GradientEpilogue { gate, accumulate });
        });
    }
}

/// What is known of the mask of a ReLU.
enum Known<'t, D: Device> {
    Mask(&'t D::Mask),
    /// The input of the normalisation in front of it, and that normalisation.
    Input(NodeId, Arc<ScaleShift>),
}
