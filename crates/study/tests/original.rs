//! Maps, activations, gradients and logits of pasa against those of the original (mednet 2.1.0
//! with grad-cam 1.5.7 on PyTorch 2.15), on its synthetic radiographs.
//!
//! The data lie beside the repository; without them these tests say so and pass.

#![allow(clippy::print_stdout, reason = "says what is skipped")]

use std::path::{Path, PathBuf};

use mednet_data::{DataDirectories, DataModule, Mode, SampleLoader, TransformPipeline};
use mednet_network::arch::Architecture;
use mednet_network::device::Cpu;
use mednet_network::{Engine, LoadedNetwork, Normalization, Tensor};
use mednet_saliency::{ExplainedImage, Explanation, METHODS, Map, Needs, Settings};
use mednet_study::npy;

/// Largest difference of a map's values from the original's: measured 4.6e-6.
const TOLERANCE: f32 = 1e-5;
/// The same for Ablation-CAM, whose weights are small differences of logits: measured 3.2e-5; the
/// original's own maps are 2.6e-5 from the same computation in double precision.
const ABLATIONCAM_TOLERANCE: f32 = 6e-5;
/// The same for XGrad-CAM, whose denominators are close to zero: measured 1.2e-4.
const XGRADCAM_TOLERANCE: f32 = 2e-4;

/// The original's outputs; where they are expected, their absence is a failure.
fn reference() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    if folder.is_dir() {
        return Some(folder);
    }
    let expected = std::env::var_os("MEDNET_REQUIRE_REFERENCE").is_some();
    assert!(!expected, "there is no folder {}", folder.display());
    println!(
        "skipped: the original's outputs are not at {}",
        folder.display()
    );
    None
}

fn engine(reference: &Path, name: &str) -> Engine<Cpu> {
    let pasa = Architecture::find("pasa").unwrap();
    let path = reference.join("models").join(name);
    let network = LoadedNetwork::open(pasa, &path, &Normalization::Checkpoint).unwrap();
    assert!(network.unused.is_empty() && network.normalizer.is_some());
    Engine::new(network.graph, Cpu)
}

/// Calls `visit` with the name and the transformed image of every sample, in the original's order.
fn for_each_image(reference: &Path, mut visit: impl FnMut(&str, &Tensor)) {
    let module = DataModule::from_file(&reference.join("tbx11k/split.json"), None).unwrap();
    let directories = DataDirectories::default();
    let transforms = TransformPipeline::gray_square(512);
    let loader = SampleLoader::new(&module, &directories, transforms, Mode::Mednet).unwrap();
    for record in module.datasets.iter().flat_map(|dataset| &dataset.samples) {
        let image = loader.load(record).unwrap().sample.image;
        let image = Tensor::new([1, 1, 512, 512], image.pixels).unwrap();
        visit(&record.name, &image);
    }
}

fn largest_difference(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    left.iter()
        .zip(right)
        .map(|(l, r)| (l - r).abs())
        .fold(0.0, f32::max)
}

/// Every eighth row and column.
fn thinned(map: &Map) -> Vec<f32> {
    let rows = map.values.chunks_exact(map.width).step_by(8);
    rows.flat_map(|row| row.iter().step_by(8))
        .copied()
        .collect()
}

/// Reads an array of any number of axes as one long row.
fn array(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(String::from_utf8_lossy(&bytes[..10 + header]).contains("'<f4'"));
    let values = bytes[10 + header..].chunks_exact(4);
    values
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

#[test]
fn maps_are_those_of_the_original() {
    let Some(reference) = reference() else { return };
    let engine = engine(&reference, "pasa.ckpt");
    let layer = engine.graph().find("fc14").unwrap();
    let settings = Settings {
        engine: &engine,
        layer,
        mode: Mode::Mednet,
        seed: 42,
    };
    let needs = METHODS
        .iter()
        .fold(Needs::default(), |needs, method| needs.and(method.needs()));
    let names: Vec<String> = serde_json::from_slice(
        &std::fs::read(reference.join("golden/pasa/gradcam/names.json")).unwrap(),
    )
    .unwrap();
    let mut compared = 0;
    let mut worst = std::collections::BTreeMap::new();
    for_each_image(&reference, |name, image| {
        let index = names.iter().position(|other| other == name).unwrap();
        let explained = ExplainedImage::new(&settings, name, image, needs).unwrap();
        let question = explained.explain(0);
        for method in METHODS {
            let method_name = method.names()[0];
            let folder = reference.join("golden/pasa").join(method_name);
            if !folder.is_dir() || method_name == "randomcam" {
                continue; // The original refuses fullgrad here, and draws without a seed.
            }
            let map = method.map(&question).unwrap();
            let golden = array(&folder.join("maps-stride8.npy"));
            let golden = &golden[index * 64 * 64..(index + 1) * 64 * 64];
            let mut difference = largest_difference(&thinned(&map), golden);
            let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
            let whole = folder.join(format!("{stem}.npy"));
            if whole.is_file() {
                let golden = npy::read(&whole).unwrap();
                difference = difference.max(largest_difference(&map.values, &golden.values));
            }
            let entry: &mut f32 = worst.entry(method_name).or_default();
            *entry = entry.max(difference);
            compared += 1;
        }
    });
    println!("largest differences: {worst:?}");
    for (method, &difference) in &worst {
        let tolerance = match *method {
            "ablationcam" => ABLATIONCAM_TOLERANCE,
            "xgradcam" => XGRADCAM_TOLERANCE,
            _ => TOLERANCE,
        };
        assert!(difference <= tolerance, "{method}: {difference}");
    }
    assert_eq!(compared, 24 * 10);
}

#[test]
fn activations_gradients_and_logits_are_those_of_the_original() {
    let Some(reference) = reference() else { return };
    let golden = reference.join("golden/pasa");
    for weights in ["pasa.ckpt", "pasa.safetensors"] {
        let engine = engine(&reference, weights);
        let layer = engine.graph().find("fc14").unwrap();
        let settings = Settings {
            engine: &engine,
            layer,
            mode: Mode::Mednet,
            seed: 42,
        };
        let needs = Needs {
            gradient: true,
            ..Needs::default()
        };
        let logits = array(&golden.join("logits-pasa.npy"));
        let mut index = 0;
        for_each_image(&reference, |name, image| {
            let explained = ExplainedImage::new(&settings, name, image, needs).unwrap();
            let logit = explained.logits()[0];
            assert!(
                (logit - logits[index]).abs() < 1e-5 * logit.abs().max(1.0),
                "{name}: {logit}"
            );
            index += 1;
            let question = explained.explain(0);
            let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
            let activation = golden.join(format!("act-pasa-{stem}.npy"));
            if activation.is_file() {
                let difference =
                    largest_difference(question.activation().data(), &array(&activation));
                assert!(difference < 1e-5, "activation of {name}: {difference}");
                let gradient = golden.join(format!("grad-pasa-{stem}-out0.npy"));
                let difference = largest_difference(question.gradient().data(), &array(&gradient));
                assert!(difference < 1e-7, "gradient of {name}: {difference}");
            }
        });
        assert_eq!(index, logits.len());
    }
}

#[test]
fn three_logits_are_those_of_the_original() {
    let Some(reference) = reference() else { return };
    for weights in ["pasa3.ckpt", "pasa3.safetensors"] {
        let engine = engine(&reference, weights);
        assert_eq!(engine.graph().output_count(), 3);
        let golden = array(&reference.join("golden/pasa3/logits-pasa3.npy"));
        let mut index = 0;
        for_each_image(&reference, |_, image| {
            let logits = engine.forward(image).unwrap();
            let difference = largest_difference(logits.data(), &golden[index..index + 3]);
            assert!(difference < 1e-5, "{difference}");
            index += 3;
        });
        assert_eq!(index, golden.len());
    }
}
