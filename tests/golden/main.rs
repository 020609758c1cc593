//! Whole networks and every saliency method against values computed in double precision with
//! PyTorch. See README.md beside this file for the cases and how they were made.
//!
//! A value may differ from its reference by [`SLACK`] times what the same computation in single
//! precision differs by in PyTorch, and by [`FLOOR`] in any case.

#![allow(clippy::print_stdout, reason = "what was compared, shown on request")]

mod seeded_weights;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mednet_data::Mode;
use mednet_network::arch::Architecture;
use mednet_network::checkpoint::Normalizer;
use mednet_network::device::Cpu;
use mednet_network::graph::Parameters;
use mednet_network::{Engine, Keep, Source, Tensor};
use mednet_saliency::{ExplainedImage, Explanation, METHODS, Needs, Settings, method};
use serde_json::Value;

/// Measured: our single-precision values are at most 5 times as far from the reference as
/// PyTorch's are.
const SLACK: f32 = 10.0;
/// Of a map in `[0, 1]`, or of the largest value of an array.
const FLOOR: f32 = 3e-6;
/// DenseNet's gradients through the whole network differ at isolated pixels, where a ReLU or a
/// maximum decides otherwise: their mean differences are compared, by this. One decision moves a
/// mean by up to 1e-5; largest difference measured: 5.7e-5, where `SLACK` alone allows 3.4e-5.
const MEAN_FLOOR: f32 = 4e-5;

struct Seeded(u64);

impl Parameters for Seeded {
    fn take(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
        seeded_weights::tensor(name, shape, self.0)
    }
}

struct Case {
    folder: PathBuf,
    expected: Value,
    tolerances: Value,
    engine: Engine<Cpu>,
    image: Tensor,
}

impl Case {
    fn open(name: &str, architecture: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("golden")
            .join(name);
        let json = |file: &str| -> Value {
            serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap()
        };
        let (expected, tolerances) = (json("expected.json"), json("tolerances.json"));
        let about = &expected["about"];
        let values = |key: &str| -> Vec<f32> {
            about[key]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap() as f32)
                .collect()
        };
        let normalizer = Normalizer {
            mean: values("normalizer mean"),
            std: values("normalizer std"),
        };
        let outputs = about["outputs"].as_u64().unwrap() as usize;
        let mut weights = Seeded(about["weights seed"].as_u64().unwrap());
        let architecture = Architecture::find(architecture).unwrap();
        let graph = architecture
            .build(outputs, &mut weights, Some(&normalizer))
            .unwrap();
        let shape: Vec<usize> = expected["image"]
            .as_array()
            .unwrap()
            .iter()
            .map(|extent| extent.as_u64().unwrap() as usize)
            .collect();
        let seed = about["image seed"].as_u64().unwrap();
        let image = seeded_weights::image(shape[0], shape[1], shape[2], seed);
        let image = Tensor::new([1, shape[0], shape[1], shape[2]], image).unwrap();
        Self {
            folder,
            expected,
            tolerances,
            engine: Engine::new(graph, Cpu),
            image,
        }
    }

    fn number(&self, key: &str) -> usize {
        self.expected[key].as_u64().unwrap() as usize
    }

    /// The values of an array of any number of axes, and its extents.
    fn array(&self, file: &str) -> (Vec<usize>, Vec<f32>) {
        let bytes = std::fs::read(self.folder.join(format!("{file}.npy"))).unwrap();
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"));
        let shape = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
        let shape = shape
            .split(',')
            .filter_map(|extent| extent.trim().parse().ok())
            .collect();
        let values = bytes[10 + length..].chunks_exact(4);
        (
            shape,
            values
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
        )
    }

    /// Compares values with a reference; the tolerance is looked up under `quantity`.
    fn compare(&self, quantity: &str, actual: &[f32], expected: &[f32]) {
        assert_eq!(actual.len(), expected.len(), "{quantity}");
        let scale = expected
            .iter()
            .fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let known = &self.tolerances[quantity];
        let single = known["float32"].as_f64().unwrap_or(0.0) as f32;
        let differences = || actual.iter().zip(expected).map(|(a, e)| (a - e).abs());
        let largest = differences().fold(0.0, f32::max);
        let mean = differences().sum::<f32>() / actual.len() as f32;
        if single > 1e-4 * scale && known["float32 mean"].is_number() {
            let single_mean = known["float32 mean"].as_f64().unwrap() as f32;
            let most = SLACK * single_mean + MEAN_FLOOR * scale;
            assert!(
                mean <= most,
                "{quantity}: mean difference {mean}, at most {most}"
            );
            let most = SLACK * single + 1e-3 * scale;
            assert!(
                largest <= most,
                "{quantity}: largest difference {largest}, at most {most}"
            );
            return;
        }
        let most = SLACK * single + FLOOR * scale;
        println!("{quantity}: {largest:.1e} of {most:.1e}");
        assert!(
            largest <= most,
            "{quantity}: largest difference {largest}, at most {most}"
        );
    }

    /// Logits, the layer's activation and gradients, and the gradients of the image.
    fn check_network(&self) {
        let graph = self.engine.graph();
        let layer = graph
            .find(self.expected["layer"].as_str().unwrap())
            .unwrap();
        let values = graph.beside(layer).into_iter();
        let values = Keep::values(values.chain([layer, graph.output()]));
        let keep = values.and(&graph.needed_for_gradient(&[layer, graph.input()]));
        let trace = self
            .engine
            .run(&[(graph.input(), Source::Host(&self.image))], &keep)
            .unwrap();
        let logits = self.engine.download(&trace, graph.output());
        self.compare("logits", logits.data(), &self.array("logits").1);
        let fused = self.engine.forward(&self.image).unwrap();
        self.compare("logits", fused.data(), &self.array("logits").1);
        let activation = self.engine.download(&trace, layer);
        let suffix = self.engine.suffix(&trace, layer, &activation).unwrap();
        self.compare(
            "suffix-logits",
            suffix.data(),
            &self.array("suffix-logits").1,
        );
        let stride = self.number("channel stride");
        let thinned = |value: &Tensor| -> Vec<f32> {
            let [_, height, width] = value.image_shape();
            value
                .data()
                .chunks(height * width)
                .step_by(stride)
                .flatten()
                .copied()
                .collect()
        };
        self.compare(
            "activation",
            &thinned(&activation),
            &self.array("activation").1,
        );
        for class in 0..logits.data().len() {
            let mut seed = Tensor::zeros(logits.shape());
            seed.data_mut()[class] = 1.0;
            self.engine.backward(
                &trace,
                &seed,
                &[layer, graph.input()],
                &mut |id, gradient| {
                    if id == layer {
                        let name = format!("gradient-class{class}");
                        self.compare(&name, &thinned(&gradient.to_tensor()), &self.array(&name).1);
                        return;
                    }
                    let name = format!("input-gradient-class{class}");
                    if self.folder.join(format!("{name}.npy")).is_file() {
                        let stride = self.number("input gradient stride");
                        let [_, _, width] = gradient.image_shape();
                        let [_, height, _] = gradient.image_shape();
                        let planes = gradient.data().chunks(width * height);
                        let thinned: Vec<f32> = planes
                            .flat_map(|plane| thin(plane, width, stride))
                            .collect();
                        self.compare(&name, &thinned, &self.array(&name).1);
                    }
                },
            );
        }
    }

    /// The finished maps of every method in both modes.
    fn check_methods(&self) {
        let graph = self.engine.graph();
        let layer = graph
            .find(self.expected["layer"].as_str().unwrap())
            .unwrap();
        let [_, layer_height, layer_width] = {
            let shapes = graph.shapes(self.image.image_shape()).unwrap();
            shapes[layer.0]
        };
        let channels = graph.channels(layer);
        let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
        for (mode, mode_name) in [(Mode::Mednet, "compat"), (Mode::Default, "default")] {
            let settings = Settings {
                engine: &self.engine,
                layer,
                mode,
                seed: 42,
            };
            let needs = METHODS
                .iter()
                .fold(Needs::default(), |needs, m| needs.and(m.needs()));
            let explained = ExplainedImage::new(&settings, "", &self.image, needs).unwrap();
            for class in 0..explained.logits().len() {
                let stack = format!("{mode_name}-class{class}");
                let order = self.expected["order of stacked maps"][&stack]
                    .as_array()
                    .unwrap();
                let (shape, maps) = self.array(&stack);
                let plane = shape[1] * shape[2];
                let question = explained.explain(class);
                for (name, expected) in order.iter().zip(maps.chunks_exact(plane)) {
                    let name = name.as_str().unwrap();
                    // A reading of the original that is not taken; LAPACK's sign where it is not
                    // known.
                    let sign_unknown = name.starts_with("eigen")
                        && mode == Mode::Mednet
                        && layer_height * layer_width >= channels;
                    if name == "ablationcam-once" || sign_unknown {
                        continue;
                    }
                    let method = method::find(name).unwrap();
                    let map = method.map(&question as &dyn Explanation).unwrap();
                    let thinned: Vec<f32> =
                        thin(&map.values, map.width, self.number("map stride")).collect();
                    let quantity = format!("{mode_name}/class{class}/{name}");
                    self.compare(&quantity, &thinned, expected);
                    *compared.entry(method.names()[0]).or_default() += 1;
                }
            }
        }
        println!("maps compared: {compared:?}");
        assert!(compared.len() >= 9, "{compared:?}");
    }
}

/// Every `stride`-th row and column of a plane.
fn thin(plane: &[f32], width: usize, stride: usize) -> impl Iterator<Item = f32> {
    let rows = plane.chunks_exact(width).step_by(stride);
    rows.flat_map(move |row| row.iter().step_by(stride).copied())
}

#[test]
fn pasa_with_three_outputs() {
    let case = Case::open("pasa-three-outputs", "pasa");
    case.check_network();
    case.check_methods();
}

#[test]
fn densenet121() {
    let case = Case::open("densenet121", "densenet");
    case.check_network();
    case.check_methods();
}

#[test]
fn densenet121_looked_at_before_its_last_relu() {
    let case = Case::open("densenet121-norm5", "densenet");
    case.check_network();
    case.check_methods();
}

#[test]
fn densenet121_with_two_outputs_on_an_image_that_is_not_square() {
    let case = Case::open("densenet121-two-outputs", "densenet");
    case.check_network();
    case.check_methods();
}

#[test]
fn alexnet() {
    let case = Case::open("alexnet", "alexnet");
    case.check_network();
    case.check_methods();
}
