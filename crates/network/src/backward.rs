//! The gradient of the logits with respect to layers or to the image.
//!
//! Only the part of the graph between the logits and the layers asked for is visited, and no
//! gradient of a weight is ever computed. Batch normalisation uses its running statistics, as in
//! inference.

use std::collections::HashMap;
use std::sync::PoisonError;

use crate::device::{Device, Layout, Region, RegionMut, ScaleShift};
use crate::engine::{Engine, Trace, cached};
use crate::graph::{Graph, NodeId, Operation};
use crate::tensor::Tensor;

impl Graph {
    /// The values that a forward run must keep so that the gradient can be followed from the
    /// logits to these layers: where ReLUs are open, and which element wins each maximum.
    #[must_use]
    pub fn needed_for_gradient(&self, to: &[NodeId]) -> Vec<NodeId> {
        let on_path = self.between(to);
        let mut needed = Vec::new();
        for (index, node) in self.nodes().iter().enumerate() {
            let passes = on_path[index] && node.inputs.iter().any(|input| on_path[input.0]);
            match node.operation {
                Operation::Relu if passes => needed.push(NodeId(index)),
                Operation::MaxPool(_) if passes => needed.push(node.inputs[0]),
                _ => {}
            }
        }
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// Whether each node lies on a path from one of `layers` to the logits.
    fn between(&self, layers: &[NodeId]) -> Vec<bool> {
        let mut below = vec![false; self.nodes().len()];
        for (index, node) in self.nodes().iter().enumerate() {
            below[index] =
                layers.contains(&NodeId(index)) || node.inputs.iter().any(|input| below[input.0]);
        }
        let mut above = vec![false; self.nodes().len()];
        above[self.output().0] = true;
        for index in (0..above.len()).rev().filter(|&index| below[index]) {
            if above[index] {
                for input in &self.nodes()[index].inputs {
                    above[input.0] = true;
                }
            }
        }
        below
            .iter()
            .zip(above)
            .map(|(&below, above)| below && above)
            .collect()
    }
}

impl<D: Device> Engine<D> {
    /// The gradients of `sum(seed * logits)` with respect to the values of `to`, each `[N, C, H,
    /// W]`, handed to `visit` from the logits downwards; layers that the logits do not depend on
    /// are left out.
    ///
    /// `trace` must hold [`Graph::needed_for_gradient`] of `to`, and the logits; `seed` has the
    /// shape of the logits, `[N, outputs, 1, 1]`.
    ///
    /// # Panics
    /// If the trace lacks a value.
    pub fn backward(
        &self,
        trace: &Trace<D>,
        seed: &Tensor,
        to: &[NodeId],
        visit: &mut dyn FnMut(NodeId, Tensor),
    ) {
        let on_path = self.graph().between(to);
        let output = self.graph().output();
        let layout = Layout::dense(seed.images(), seed.image_shape());
        let mut memory = Memory::of(self);
        let mut buffer = memory.take(layout);
        self.device().upload(
            seed.data(),
            RegionMut {
                buffer: &mut buffer,
                layout,
            },
        );
        let mut gradients = HashMap::from([(output, Gradient { buffer, layout })]);
        for index in (0..self.graph().nodes().len()).rev() {
            let id = NodeId(index);
            let Some(gradient) = gradients.remove(&id) else {
                continue;
            };
            if to.contains(&id) {
                visit(id, self.download_region(gradient.region()));
            }
            self.pass_on(trace, id, gradient, &on_path, &mut gradients, &mut memory);
        }
    }

    /// Adds what flows through a node to the gradients of its inputs.
    fn pass_on(
        &self,
        trace: &Trace<D>,
        id: NodeId,
        gradient: Gradient<D>,
        on_path: &[bool],
        gradients: &mut HashMap<NodeId, Gradient<D>>,
        memory: &mut Memory<'_, D>,
    ) {
        let node = self.graph().node(id);
        let wants = |input: &NodeId| on_path[input.0];
        if !node.inputs.iter().any(wants) {
            memory.give_back(gradient);
            return;
        }
        let input = node.inputs[0];
        let images = gradient.layout.images;
        let input_layout = Layout::dense(images, trace.shape(input));
        let device = self.device();
        let mut compute = |write: &dyn Fn(RegionMut<'_, D::Buffer>)| {
            let mut buffer = memory.take(input_layout);
            write(RegionMut {
                buffer: &mut buffer,
                layout: input_layout,
            });
            let gradient = Gradient {
                buffer,
                layout: input_layout,
            };
            self.add(gradients, input, gradient, memory);
        };
        let region = gradient.region();
        match &node.operation {
            Operation::Input => {}
            Operation::Affine { .. } | Operation::BatchNorm(_) => {
                let scale = self.affine(id, false).scale.clone();
                let factor = ScaleShift {
                    shift: vec![0.0; scale.len()],
                    scale,
                    relu: false,
                };
                compute(&|output| device.affine(&factor, region, output));
            }
            Operation::Convolution(convolution) => {
                let size = [input_layout.height, input_layout.width];
                let prepared = cached(&self.convolution_gradients, (id, size), || {
                    device.prepare_convolution_gradient(
                        &convolution.geometry,
                        &convolution.weight,
                        size,
                    )
                });
                compute(&|output| device.convolution_gradient(&prepared, region, output));
            }
            Operation::Relu => {
                compute(&|output| device.relu_gradient(trace.region(id), region, output));
            }
            Operation::MaxPool(window) => compute(&|output| {
                device.max_pool_gradient(window, trace.region(input), region, output);
            }),
            Operation::AveragePool(window) => {
                compute(&|output| device.average_pool_gradient(window, region, output));
            }
            Operation::AdaptiveAveragePool { .. } => {
                compute(&|output| device.adaptive_average_pool_gradient(region, output));
            }
            Operation::Linear(_) => {
                compute(&|output| device.linear_gradient(&self.linear(id), region, output));
            }
            Operation::Flatten => {
                let gradient = Gradient {
                    buffer: gradient.buffer,
                    layout: input_layout,
                };
                self.add(gradients, input, gradient, memory);
                return;
            }
            Operation::Sum { scale } => {
                for input in node.inputs.iter().copied().filter(wants) {
                    let mut buffer = memory.take(input_layout);
                    let output = RegionMut {
                        buffer: &mut buffer,
                        layout: input_layout,
                    };
                    device.sum(*scale, &[region], output);
                    let part = Gradient {
                        buffer,
                        layout: input_layout,
                    };
                    self.add(gradients, input, part, memory);
                }
            }
            Operation::Concat => {
                let mut first = 0;
                for &input in &node.inputs {
                    let channels = trace.shape(input)[0];
                    let layout = gradient.layout.channels(first, channels);
                    first += channels;
                    if on_path[input.0] {
                        self.add_part(gradients, input, Region { layout, ..region }, memory);
                    }
                }
            }
        }
        memory.give_back(gradient);
    }

    /// Adds a gradient to what a node has received so far.
    fn add(
        &self,
        gradients: &mut HashMap<NodeId, Gradient<D>>,
        id: NodeId,
        gradient: Gradient<D>,
        memory: &mut Memory<'_, D>,
    ) {
        match gradients.get_mut(&id) {
            Some(sum) => {
                self.device()
                    .accumulate(gradient.region(), sum.region_mut());
                memory.give_back(gradient);
            }
            None => {
                gradients.insert(id, gradient);
            }
        }
    }

    /// The same for channels of a larger gradient.
    fn add_part(
        &self,
        gradients: &mut HashMap<NodeId, Gradient<D>>,
        id: NodeId,
        part: Region<'_, D::Buffer>,
        memory: &mut Memory<'_, D>,
    ) {
        if let Some(sum) = gradients.get_mut(&id) {
            self.device().accumulate(part, sum.region_mut());
            return;
        }
        let layout = Layout::dense(part.layout.images, part.layout.shape());
        let mut buffer = memory.take(layout);
        self.device().copy(
            part,
            RegionMut {
                buffer: &mut buffer,
                layout,
            },
        );
        gradients.insert(id, Gradient { buffer, layout });
    }
}

/// What a node has received so far.
struct Gradient<D: Device> {
    buffer: D::Buffer,
    layout: Layout,
}

impl<D: Device> Gradient<D> {
    fn region(&self) -> Region<'_, D::Buffer> {
        Region {
            buffer: &self.buffer,
            layout: self.layout,
        }
    }

    fn region_mut(&mut self) -> RegionMut<'_, D::Buffer> {
        RegionMut {
            buffer: &mut self.buffer,
            layout: self.layout,
        }
    }
}

/// Memory for gradients, used again as soon as a gradient has been passed on, and by later runs:
/// fresh memory costs a page fault for every page.
struct Memory<'e, D: Device> {
    engine: &'e Engine<D>,
    /// With the number of values that each can hold.
    free: Vec<(usize, D::Buffer)>,
}

impl<'e, D: Device> Memory<'e, D> {
    fn of(engine: &'e Engine<D>) -> Self {
        let mut kept = engine
            .gradient_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let free = std::mem::take(&mut *kept);
        Self { engine, free }
    }

    /// The smallest piece that is large enough, or a new one. It holds anything.
    fn take(&mut self, layout: Layout) -> D::Buffer {
        let length = layout.images * layout.image();
        let best = (0..self.free.len())
            .filter(|&position| self.free[position].0 >= length)
            .min_by_key(|&position| self.free[position].0);
        match best {
            Some(position) => self.free.swap_remove(position).1,
            None => self.engine.device().allocate(length),
        }
    }

    fn give_back(&mut self, gradient: Gradient<D>) {
        let length = self.engine.device().length(&gradient.buffer);
        self.free.push((length, gradient.buffer));
    }
}

impl<D: Device> Drop for Memory<'_, D> {
    fn drop(&mut self) {
        let mut kept = self
            .engine
            .gradient_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        kept.append(&mut self.free);
    }
}
