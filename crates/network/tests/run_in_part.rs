//! Running a graph forwards, in part, and backwards, against a second implementation in double
//! precision, on random graphs that use every operation.

mod support;

use mednet_network::device::Cpu;
use mednet_network::graph::{Graph, NodeId};
use mednet_network::{Engine, Keep, Tensor};
use support::{Random, evaluate, random_graph};

const GRAPHS: u64 = 20;

fn images(graph: &Graph, count: usize, seed: u64) -> Tensor {
    let [channels, height, width] = graph.input_shape();
    let values = Random(seed).values(count * channels * height * width);
    Tensor::new([count, channels, height, width], values).unwrap()
}

fn image(images: &Tensor, index: usize) -> Vec<f64> {
    let length = images.data().len() / images.images();
    images.data()[index * length..(index + 1) * length]
        .iter()
        .map(|&v| f64::from(v))
        .collect()
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0_f64, |max, v| max.max(v.abs()));
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let difference = (f64::from(actual) - expected).abs();
        assert!(
            difference <= tolerance * scale,
            "{what}[{index}]: {actual} instead of {expected} (scale {scale})"
        );
    }
}

#[test]
fn forward_equals_the_reference_whatever_is_kept() {
    for seed in 0..GRAPHS {
        let graph = random_graph(seed);
        let batch = images(&graph, 3, seed + 100);
        let engine = Engine::new(graph.clone(), Cpu);
        let all: Vec<NodeId> = (0..graph.nodes().len()).map(NodeId).collect();
        let everything = engine.prefix(&batch, &Keep::values(all.clone())).unwrap();
        let logits = engine.forward(&batch).unwrap();
        for index in 0..3 {
            let reference = evaluate(&graph, &image(&batch, index), None);
            for &id in &all {
                let value = engine.download(&everything, id);
                let length = value.data().len() / 3;
                let value = &value.data()[index * length..(index + 1) * length];
                let name = &graph.node(id).name;
                assert_close(
                    value,
                    &reference.values[id.0],
                    2e-6,
                    &format!("{seed} {name}"),
                );
            }
            let output = &logits.data()[index * 3..(index + 1) * 3];
            let expected = &reference.values[graph.output().0];
            assert_close(output, expected, 2e-6, &format!("{seed} fused"));
        }
    }
}

#[test]
fn prefix_and_suffix_are_forward_on_every_node() {
    for seed in 0..GRAPHS {
        let graph = random_graph(seed);
        let batch = images(&graph, 1, seed + 200);
        let engine = Engine::new(graph.clone(), Cpu);
        let whole = engine.forward(&batch).unwrap();
        for id in (0..graph.nodes().len()).map(NodeId) {
            let keep = Keep::values(graph.beside(id).into_iter().chain([id]));
            let trace = engine.prefix(&batch, &keep).unwrap();
            let activation = engine.download(&trace, id);
            // Four copies of the activation: the values of parallel branches serve them all.
            let mut shape = activation.shape().to_vec();
            shape[0] = 4;
            let copies = Tensor::new(shape, activation.data().repeat(4)).unwrap();
            let logits = engine.suffix(&trace, id, &copies).unwrap();
            for copy in logits.data().chunks_exact(3) {
                let whole: Vec<f64> = whole.data().iter().map(|&v| f64::from(v)).collect();
                assert_close(
                    copy,
                    &whole,
                    2e-6,
                    &format!("{seed} {}", graph.node(id).name),
                );
            }
        }
    }
}

#[test]
fn gradients_equal_central_differences() {
    for seed in 0..GRAPHS {
        let graph = random_graph(seed);
        let batch = images(&graph, 2, seed + 300);
        let engine = Engine::new(graph.clone(), Cpu);
        let all: Vec<NodeId> = (0..graph.nodes().len()).map(NodeId).collect();
        let keep = graph.needed_for_gradient(&all);
        let keep = keep.and(&Keep::values([graph.output()]));
        let trace = engine.prefix(&batch, &keep).unwrap();
        let output = (seed % 3) as usize;
        let mut seed_values = vec![0.0; 6];
        seed_values[output] = 1.0;
        seed_values[3 + output] = 1.0;
        let one_hot = Tensor::new([2, 3, 1, 1], seed_values).unwrap();
        let mut visited = 0;
        engine.backward(&trace, &one_hot, &all, &mut |id, gradient| {
            visited += 1;
            let length = gradient.data().len() / 2;
            for index in 0..2 {
                let name = format!("{seed} {}", graph.node(id).name);
                let gradient = &gradient.data()[index * length..(index + 1) * length];
                compare_with_differences(
                    &graph,
                    &image(&batch, index),
                    id,
                    output,
                    gradient,
                    &name,
                );
            }
        });
        assert_eq!(visited, all.len());
    }
}

/// What is not asked for is passed in one go with a convolution, which must change nothing.
#[test]
fn gradients_of_some_layers_are_those_among_all() {
    for seed in 0..GRAPHS {
        let graph = random_graph(seed);
        let batch = images(&graph, 2, seed + 400);
        let engine = Engine::new(graph.clone(), Cpu);
        let count = graph.nodes().len();
        let all: Vec<NodeId> = (0..count).map(NodeId).collect();
        let seed_values: Vec<f32> = (0..6).map(|value| value as f32 - 2.5).collect();
        let seed_values = Tensor::new([2, 3, 1, 1], seed_values).unwrap();
        let gradients = |to: &[NodeId]| {
            let keep = graph.needed_for_gradient(to);
            let keep = keep.and(&Keep::values([graph.output()]));
            let trace = engine.prefix(&batch, &keep).unwrap();
            let mut gradients = Vec::new();
            engine.backward(&trace, &seed_values, to, &mut |id, gradient| {
                gradients.push((id, gradient.to_tensor()));
            });
            gradients
        };
        let expected = gradients(&all);
        let some = (2..5).map(|step| all.iter().copied().step_by(step).collect::<Vec<_>>());
        let sets = all.iter().map(|&id| vec![id]).chain(some);
        for to in sets.chain([graph.bias_layers()]) {
            let found = gradients(&to);
            let visited: Vec<NodeId> = found.iter().map(|(id, _)| *id).collect();
            let mut wanted = to.clone();
            wanted.sort_unstable();
            wanted.reverse();
            assert_eq!(visited, wanted, "from the logits downwards");
            for (id, gradient) in found {
                let (_, expected) = &expected[count - 1 - id.0];
                assert_eq!(gradient.shape(), expected.shape());
                let expected: Vec<f64> = expected.data().iter().map(|&v| f64::from(v)).collect();
                let what = format!("{seed} {} among {to:?}", graph.node(id).name);
                assert_close(gradient.data(), &expected, 2e-6, &what);
            }
        }
    }
}

/// A few elements of a node's value moved a little both ways.
fn compare_with_differences(
    graph: &Graph,
    image: &[f64],
    id: NodeId,
    output: usize,
    gradient: &[f32],
    name: &str,
) {
    const STEP: f64 = 1e-5;
    let plain = evaluate(graph, image, None);
    let scale = gradient
        .iter()
        .fold(1e-3_f64, |max, &v| max.max(f64::from(v).abs()));
    let mut compared = 0;
    for element in (0..gradient.len()).step_by(gradient.len().div_ceil(12)) {
        let mut value = plain.values[id.0].clone();
        value[element] += STEP;
        let above = evaluate(graph, image, Some((id, &value)));
        value[element] -= 2.0 * STEP;
        let below = evaluate(graph, image, Some((id, &value)));
        if above.pattern != below.pattern {
            continue; // A kink lies between.
        }
        compared += 1;
        let last = graph.output().0;
        let difference = (above.values[last][output] - below.values[last][output]) / (2.0 * STEP);
        let error = (f64::from(gradient[element]) - difference).abs();
        assert!(
            error <= 2e-5 * scale,
            "{name}[{element}]: {} not {difference}",
            gradient[element]
        );
    }
    assert!(compared > 0, "{name}: kinks everywhere");
}

#[test]
fn results_do_not_depend_on_threads_or_batch() {
    let graph = random_graph(3);
    let batch = images(&graph, 4, 7);
    let engine = Engine::new(graph.clone(), Cpu);
    let together = engine.forward(&batch).unwrap();
    let length = batch.data().len() / 4;
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        for index in 0..4 {
            let mut shape = batch.shape().to_vec();
            shape[0] = 1;
            let one = batch.data()[index * length..(index + 1) * length].to_vec();
            let one = Tensor::new(shape, one).unwrap();
            let logits = pool.install(|| engine.forward(&one).unwrap());
            assert_eq!(logits.data(), &together.data()[index * 3..(index + 1) * 3]);
        }
    }
}

#[test]
fn an_image_of_the_wrong_shape_is_refused_by_name() {
    let graph = random_graph(1);
    let [channels, height, width] = graph.input_shape();
    let engine = Engine::new(graph, Cpu);
    let error = engine
        .forward(&Tensor::zeros([1, channels + 1, height, width]))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("layer `normalizer` cannot take"),
        "{error}"
    );
    let error = engine
        .forward(&Tensor::zeros([1, channels, 1, 1]))
        .unwrap_err();
    assert!(
        error.to_string().contains("larger than the padded image"),
        "{error}"
    );
}
