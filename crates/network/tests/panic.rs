//! A panic in the middle of a run costs that run and nothing else: the engine, its memory and its
//! caches give the next one the same bits as ever.

#[expect(dead_code, reason = "the second implementation is for other tests")]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use mednet_network::device::cpu::{
    Mask, PackedConvolution, PackedConvolutionInputGradient, PackedLinear,
};
use mednet_network::device::{
    Cpu, Device, Epilogue, GradientEpilogue, Region, RegionMut, ScaleShift,
};
use mednet_network::geometry::{ConvolutionGeometry, Window};
use mednet_network::graph::{Graph, NodeId};
use mednet_network::{Engine, Keep, Tensor};
use support::{Random, random_graph};

type Values<'b> = Region<'b, Vec<f32>>;
type ValuesMut<'b> = RegionMut<'b, Vec<f32>>;
type Gradient<'b> = GradientEpilogue<'b, Values<'b>, Mask>;

/// The processor, but that a primitive panics after it was asked for so many others; what it should
/// have written is spoilt by then.
struct Failing {
    left: AtomicUsize,
}

impl Failing {
    const NEVER: usize = usize::MAX / 2;

    fn after(count: usize) -> Self {
        let left = AtomicUsize::new(count);
        Self { left }
    }

    fn fail_after(&self, count: usize) {
        self.left.store(count, Ordering::Relaxed);
    }

    fn step(&self) {
        let step = |left: usize| left.checked_sub(1);
        let order = Ordering::Relaxed;
        if self.left.fetch_update(order, order, step).is_err() {
            // Without a message on the terminal.
            resume_unwind(Box::new("planned"));
        }
    }

    fn write(&self, output: &mut ValuesMut<'_>) {
        let layout = output.layout;
        if self.left.load(Ordering::Relaxed) == 0 && layout.images > 0 {
            let end = (layout.images - 1) * layout.image_stride + layout.image();
            output.buffer[layout.offset..][..end].fill(f32::NAN);
        }
        self.step();
    }
}

impl Device for Failing {
    type Buffer = Vec<f32>;
    type Mask = Mask;
    type Convolution = PackedConvolution;
    type ConvolutionGradient = PackedConvolutionInputGradient;
    type Linear = PackedLinear;

    fn name(&self) -> String {
        "failing".to_owned()
    }
    fn allocate(&self, length: usize) -> Vec<f32> {
        self.step();
        Cpu.allocate(length)
    }
    fn length(&self, buffer: &Vec<f32>) -> usize {
        buffer.len()
    }
    fn upload(&self, values: &[f32], mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.upload(values, output);
    }
    fn download(&self, input: Values<'_>, values: &mut [f32]) {
        self.step();
        Cpu.download(input, values);
    }
    fn host<'b>(&self, _: Values<'b>) -> Option<&'b [f32]> {
        None
    }
    fn copy(&self, input: Values<'_>, mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.copy(input, output);
    }
    fn prepare_convolution(
        &self,
        geometry: &ConvolutionGeometry,
        weight: &[f32],
        bias: Option<&[f32]>,
        output_size: [usize; 2],
    ) -> PackedConvolution {
        self.step();
        Cpu.prepare_convolution(geometry, weight, bias, output_size)
    }
    fn convolution(
        &self,
        convolution: &PackedConvolution,
        prologue: Option<&ScaleShift>,
        input: Values<'_>,
        mut output: ValuesMut<'_>,
        epilogue: &Epilogue<'_, Vec<f32>>,
    ) {
        self.write(&mut output);
        Cpu.convolution(convolution, prologue, input, output, epilogue);
    }
    fn prepare_convolution_gradient(
        &self,
        geometry: &ConvolutionGeometry,
        weight: &[f32],
        input_size: [usize; 2],
    ) -> PackedConvolutionInputGradient {
        self.step();
        Cpu.prepare_convolution_gradient(geometry, weight, input_size)
    }
    fn convolution_gradient(
        &self,
        convolution: &PackedConvolutionInputGradient,
        output_gradient: Values<'_>,
        mut input_gradient: ValuesMut<'_>,
        epilogue: &Gradient<'_>,
    ) {
        self.write(&mut input_gradient);
        Cpu.convolution_gradient(convolution, output_gradient, input_gradient, epilogue);
    }
    fn prepare_linear(&self, outputs: usize, weight: &[f32], bias: &[f32]) -> PackedLinear {
        self.step();
        Cpu.prepare_linear(outputs, weight, bias)
    }
    fn linear(
        &self,
        linear: &PackedLinear,
        relu: bool,
        input: Values<'_>,
        mut output: ValuesMut<'_>,
    ) {
        self.write(&mut output);
        Cpu.linear(linear, relu, input, output);
    }
    fn linear_gradient(
        &self,
        linear: &PackedLinear,
        output_gradient: Values<'_>,
        mut input_gradient: ValuesMut<'_>,
    ) {
        self.write(&mut input_gradient);
        Cpu.linear_gradient(linear, output_gradient, input_gradient);
    }
    fn affine(&self, affine: &ScaleShift, input: Values<'_>, mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.affine(affine, input, output);
    }
    fn relu(&self, input: Values<'_>, mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.relu(input, output);
    }
    fn positive(&self, values: Values<'_>) -> Mask {
        self.step();
        Cpu.positive(values)
    }
    fn relu_gradient(&self, mask: &Mask, mut gradient: ValuesMut<'_>) {
        self.write(&mut gradient);
        Cpu.relu_gradient(mask, gradient);
    }
    fn scale(&self, factor: &[f32], mut values: ValuesMut<'_>) {
        self.write(&mut values);
        Cpu.scale(factor, values);
    }
    fn clear(&self, mut values: ValuesMut<'_>) {
        self.write(&mut values);
        Cpu.clear(values);
    }
    fn sum(&self, factor: f32, inputs: &[Values<'_>], mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.sum(factor, inputs, output);
    }
    fn accumulate(&self, input: Values<'_>, mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.accumulate(input, output);
    }
    fn max_pool(&self, window: &Window, input: Values<'_>, mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.max_pool(window, input, output);
    }
    fn max_pool_gradient(
        &self,
        window: &Window,
        input: Values<'_>,
        output_gradient: Values<'_>,
        mut input_gradient: ValuesMut<'_>,
    ) {
        self.write(&mut input_gradient);
        Cpu.max_pool_gradient(window, input, output_gradient, input_gradient);
    }
    fn average_pool(
        &self,
        window: &Window,
        prologue: Option<&ScaleShift>,
        input: Values<'_>,
        mut output: ValuesMut<'_>,
    ) {
        self.write(&mut output);
        Cpu.average_pool(window, prologue, input, output);
    }
    fn average_pool_gradient(
        &self,
        window: &Window,
        output_gradient: Values<'_>,
        mut input_gradient: ValuesMut<'_>,
        epilogue: &Gradient<'_>,
    ) {
        self.write(&mut input_gradient);
        Cpu.average_pool_gradient(window, output_gradient, input_gradient, epilogue);
    }
    fn adaptive_average_pool(&self, input: Values<'_>, mut output: ValuesMut<'_>) {
        self.write(&mut output);
        Cpu.adaptive_average_pool(input, output);
    }
    fn adaptive_average_pool_gradient(
        &self,
        output_gradient: Values<'_>,
        mut input_gradient: ValuesMut<'_>,
    ) {
        self.write(&mut input_gradient);
        Cpu.adaptive_average_pool_gradient(output_gradient, input_gradient);
    }
}

fn images(graph: &Graph) -> Tensor {
    let [channels, height, width] = graph.input_shape();
    let values = Random(7).values(2 * channels * height * width);
    Tensor::new([2, channels, height, width], values).unwrap()
}

/// The bits of all values, of the logits of a whole run and of one from a layer on, and of all
/// gradients.
fn everything<D: Device>(
    engine: &Engine<D>,
    images: &Tensor,
    mut visited: impl FnMut(),
) -> Vec<u32> {
    let graph = engine.graph();
    let all: Vec<NodeId> = (0..graph.nodes().len()).map(NodeId).collect();
    let mut values = engine.forward(images).unwrap().into_data();
    let keep = Keep::values(all.clone()).and(&graph.needed_for_gradient(&all));
    let trace = engine.prefix(images, &keep).unwrap();
    for &id in &all {
        values.extend(engine.download(&trace, id).data());
    }
    let mut seed = Tensor::zeros([2, graph.output_count(), 1, 1]);
    seed.data_mut().fill(1.0);
    engine.backward(&trace, &seed, &all, &mut |_, gradient| {
        values.extend(gradient.data());
        visited();
    });
    // Without what lies between, so that operations are fused.
    let few = [graph.input()];
    let keep = graph
        .needed_for_gradient(&few)
        .and(&Keep::values([graph.output()]));
    let trace = engine.prefix(images, &keep).unwrap();
    engine.backward(&trace, &seed, &few, &mut |_, gradient| {
        values.extend(gradient.data());
    });
    values.into_iter().map(f32::to_bits).collect()
}

fn caught(work: impl FnOnce() -> Vec<u32>) -> Option<Vec<u32>> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Runs after a panic in every primitive, one after the other, give the same bits.
#[test]
fn the_run_after_a_panic_in_any_primitive_gives_the_same_bits() {
    for seed in [1, 4] {
        let graph = random_graph(seed);
        let images = images(&graph);
        let expected = everything(&Engine::new(graph.clone(), Cpu), &images, || ());

        // One engine that panics again and again, and new ones, which have nothing prepared yet.
        let tried = Engine::new(graph.clone(), Failing::after(Failing::NEVER));
        for new in [false, true] {
            let mut panics = 0;
            loop {
                let fresh = new.then(|| Engine::new(graph.clone(), Failing::after(0)));
                let engine = fresh.as_ref().unwrap_or(&tried);
                engine.device().fail_after(panics);
                let found = caught(|| everything(engine, &images, || ()));
                engine.device().fail_after(Failing::NEVER);
                if let Some(found) = found {
                    assert!(found == expected, "graph {seed}, no panic");
                    break;
                }
                let after = everything(engine, &images, || ());
                assert!(
                    after == expected,
                    "graph {seed}, panic {panics}, new: {new}"
                );
                panics += 1;
            }
            assert!(panics > 100, "{panics}");
        }
    }
}

#[test]
fn the_run_after_a_panic_of_whom_gradients_are_handed_to_gives_the_same_bits() {
    let graph = random_graph(2);
    let images = images(&graph);
    let engine = Engine::new(graph.clone(), Cpu);
    let mut count = 0;
    let expected = everything(&engine, &images, || count += 1);
    assert!(count > 10, "{count}");
    for panics in 0..count {
        let mut left = panics;
        let visit = || match left {
            0 => resume_unwind(Box::new("planned")),
            _ => left -= 1,
        };
        assert_eq!(caught(|| everything(&engine, &images, visit)), None);
        assert!(
            everything(&engine, &images, || ()) == expected,
            "after {panics}"
        );
    }
}

/// A fault in what a run is given, found in the middle of it.
#[test]
fn a_run_that_is_given_too_few_values_costs_itself_alone() {
    use mednet_network::Source;

    let graph = random_graph(3);
    let images = images(&graph);
    let engine = Engine::new(graph.clone(), Cpu);
    let expected = everything(&engine, &images, || ());
    let keep = Keep::values([graph.output()]);
    let shape = graph.input_shape();
    let short = &images.data()[..5];
    let source = Source::Values(2, shape, short);
    let run = || engine.run(&[(graph.input(), source)], &keep).map(drop);
    // A thread of the pool would print it.
    std::panic::set_hook(Box::new(|_| ()));
    let result = catch_unwind(AssertUnwindSafe(run));
    let _ = std::panic::take_hook();
    assert!(result.is_err());
    assert!(everything(&engine, &images, || ()) == expected);
}
