//! Scores of pasa's maps against those of the original (mednet 2.1.0 with grad-cam 1.5.7).
//!
//! The data lie beside the repository; without them these tests say so and pass.

#![allow(clippy::print_stdout, reason = "measured differences are worth seeing")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mednet_data::{DataDirectories, DataModule, Mode, SampleLoader, TransformPipeline};
use mednet_network::arch::Architecture;
use mednet_network::device::Cpu;
use mednet_network::{Engine, LoadedNetwork, Normalization, Tensor};
use mednet_saliency::method::{find, find_control};
use mednet_saliency::metric::imputation::ImputationSystem;
use mednet_saliency::metric::road::{Probability, Road, RoadPoint, RoadSettings, removals};
use mednet_saliency::{ExplainedImage, Map, Settings, TargetClass};
use mednet_study::event::{Event, Observer};
use mednet_study::provenance::NetworkSettings;
use mednet_study::run::completeness::Completeness;
use mednet_study::run::interpretability::Interpretability;
use mednet_study::{Ended, MapFolder, MapSource, RunFacts, ScoredMaps, Selection, npy};
use rayon::ThreadPool;
use serde_json::Value;

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
    Engine::new(network.graph, Cpu)
}

fn module(reference: &Path) -> DataModule {
    DataModule::from_file(&reference.join("tbx11k/split.json"), None).unwrap()
}

fn loader(module: &DataModule, transforms: TransformPipeline) -> SampleLoader {
    SampleLoader::new(
        module,
        &DataDirectories::default(),
        transforms,
        Mode::Mednet,
    )
    .unwrap()
}

fn image(reference: &Path, name: &str) -> Tensor {
    let module = module(reference);
    let loader = loader(&module, TransformPipeline::gray_square(512));
    let mut records = module.datasets.iter().flat_map(|dataset| &dataset.samples);
    let record = records.find(|record| record.name == name).unwrap();
    let image = loader.load(record).unwrap().sample.image;
    Tensor::new([1, 1, 512, 512], image.pixels).unwrap()
}

/// Prints what went wrong.
struct Silent;

impl Observer for Silent {
    fn event(&self, event: Event<'_>) {
        if let Event::Failure(failure) = event {
            println!("{}: {}", failure.sample, failure.reason);
        }
    }
    fn interrupted(&self) -> bool {
        false
    }
}

/// Our own map of a sample, as the original's numbers want it.
fn our_map(reference: &Path, engine: &Engine<Cpu>, name: &str, method: &str) -> Map {
    let method = find(method).unwrap();
    let settings = Settings {
        engine,
        layer: engine.graph().find("fc14").unwrap(),
        mode: Mode::Mednet,
        seed: 42,
    };
    let image = image(reference, name);
    let explained = ExplainedImage::new(&settings, name, &image, method.needs()).unwrap();
    method.map(&explained.explain(0)).unwrap()
}

#[test]
fn interpretability_of_our_maps_is_the_originals() {
    let Some(reference) = reference() else { return };
    let engine = engine(&reference, "pasa.ckpt");
    let module = module(&reference);
    let loader = loader(&module, TransformPipeline::gray_square(512));
    let settings = Settings {
        engine: &engine,
        layer: engine.graph().find("fc14").unwrap(),
        mode: Mode::Mednet,
        seed: 42,
    };
    let mut compared = 0;
    let mut worst = 0.0_f64;
    // The methods that need one forward pass each: the others' maps are compared elsewhere.
    for name in [
        "gradcam",
        "gradcam++",
        "hirescam",
        "layercam",
        "gradcamelementwise",
    ] {
        let method = find(name).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for record in module.datasets.iter().flat_map(|dataset| &dataset.samples) {
            if !record.target.has_label(1) {
                continue;
            }
            let image = loader.load(record).unwrap().sample.image;
            let image = Tensor::new([1, 1, 512, 512], image.pixels).unwrap();
            let explained =
                ExplainedImage::new(&settings, &record.name, &image, method.needs()).unwrap();
            let map = method.map(&explained.explain(0)).unwrap();
            let path = mednet_data::name::output_path(&record.name, "npy").unwrap();
            let path = folder.path().join(path);
            mednet_base::file::write(&path, &npy::to_bytes(&map)).unwrap();
        }
        let source = ScoredMaps::Folder(MapFolder::find(folder.path()).unwrap().remove(0));
        let output = tempfile::tempdir().unwrap();
        let scored = interpretability(&loader, source, output.path())
            .run(&module, &pool(), &facts(), &Silent)
            .unwrap();
        assert_eq!(scored.summary.ended, Ended::Complete);
        scored.remove_journals().unwrap();
        assert_eq!(std::fs::read_dir(output.path()).unwrap().count(), 0);
        let datasets = &scored.scores.unwrap()[0];
        let golden = reference
            .join("golden/pasa")
            .join(name)
            .join("interpretability.json");
        let golden: BTreeMap<String, Vec<Vec<Value>>> =
            serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
        assert_eq!(datasets.len(), golden.len());
        for dataset in datasets {
            let rows = &golden[&dataset.name];
            assert_eq!(dataset.samples.len(), rows.len());
            for (ours, theirs) in dataset.samples.iter().zip(rows) {
                assert_eq!(ours.name, theirs[0].as_str().unwrap());
                assert_eq!(ours.scores.is_some(), theirs.len() == 4, "{}", ours.name);
                let ours = ours.scores.iter().flat_map(|scores| &scores.scores);
                for (ours, theirs) in ours.zip(&theirs[2..]) {
                    worst = worst.max((ours - theirs.as_f64().unwrap()).abs());
                    compared += 1;
                }
            }
        }
    }
    println!("largest difference of {compared} scores: {worst:e}");
    assert_eq!(compared, 5 * 12 * 2);
    assert!(worst < 1e-5, "{worst}");
}

fn interpretability<'a>(
    loader: &'a SampleLoader,
    source: ScoredMaps,
    output: &Path,
) -> Interpretability<'a> {
    Interpretability {
        loader,
        sources: vec![source],
        target_label: 1,
        selection: Selection::default(),
        seed: 42,
        output: output.to_owned(),
    }
}

fn pool() -> ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap()
}

fn facts() -> RunFacts {
    RunFacts {
        program: "test".to_owned(),
        command_line: "mednet".to_owned(),
        notes: Value::Null,
    }
}

#[test]
fn imputed_images_are_the_originals() {
    let Some(reference) = reference() else { return };
    let engine = engine(&reference, "pasa.ckpt");
    for (sample, method, percentile, least_first) in [
        ("tb0009", "gradcam", 80, false),
        ("tb0009", "gradcam", 20, true),
        ("tb0001", "scorecam", 40, false),
    ] {
        let name = format!("imgs/tb/{sample}.png");
        // The original's own map: a tie more or less at the threshold is another hole.
        let map = golden_map(&reference, method, sample);
        if method == "gradcam" {
            let ours = our_map(&reference, &engine, &name, method);
            let mut differences = ours
                .values
                .iter()
                .zip(&map.values)
                .map(|(a, b)| (a - b).abs());
            assert!(differences.all(|difference| difference < 1e-5));
        }
        let mut random = mednet_saliency::random::generator(
            42,
            &name,
            0,
            mednet_saliency::random::Purpose::RoadTies,
        );
        let removals = removals(&map, &[percentile], Mode::Mednet, &mut random);
        let removal = if least_first {
            &removals.least[0]
        } else {
            &removals.most[0]
        };
        let mut image = image(&reference, &name);
        let mut system = ImputationSystem::new(&removal.unknown, 512, 512).unwrap();
        system.solve_channels(image.data_mut()).unwrap();
        let ranking = if least_first { "lerf" } else { "morf" };
        let golden =
            format!("golden/road/imputed-pasa-{method}-{sample}-{ranking}{percentile}.npy");
        let golden = npy::read(&reference.join(golden)).unwrap();
        let differences = image
            .data()
            .iter()
            .zip(&golden.values)
            .map(|(a, b)| (a - b).abs());
        let worst = differences.fold(0.0, f32::max);
        println!("{method} of {sample}: {worst:e}");
        assert!(worst < 1e-5, "{method} of {sample}: {worst}");
    }
}

fn golden_map(reference: &Path, method: &str, sample: &str) -> Map {
    let path = reference
        .join("golden/pasa")
        .join(method)
        .join(format!("{sample}.npy"));
    npy::read(&path).unwrap()
}

#[test]
fn noise_free_road_is_the_originals() {
    let Some(reference) = reference() else { return };
    let engine = engine(&reference, "pasa.ckpt");
    let settings = RoadSettings {
        percentiles: vec![20, 40, 60, 80],
        noise: 0.0,
        repeats: 1,
        probability: Probability::Sigmoid,
        mode: Mode::Mednet,
        seed: 42,
    };
    let road = Road::new(&engine, settings.clone());
    let ours = Road::new(
        &engine,
        RoadSettings {
            mode: Mode::Default,
            ..settings
        },
    );
    for (sample, method) in [
        ("tb0009", "gradcam"),
        ("tb0001", "gradcam++"),
        ("tb0001", "scorecam"),
    ] {
        let name = format!("imgs/tb/{sample}.png");
        let map = golden_map(&reference, method, sample);
        let image = image(&reference, &name);
        let logits = engine.forward(&image).unwrap();
        let found = road.score(&name, &image, logits.data(), 0, &map).unwrap();
        let golden = format!("golden/road/scores-pasa-{method}-{sample}.json");
        let golden: Value =
            serde_json::from_slice(&std::fs::read(reference.join(golden)).unwrap()).unwrap();
        let number = |value: &Value| value.as_f64().unwrap();
        assert!((found.baseline - number(&golden["base_sigmoid"])).abs() < 1e-5);
        let mut worst = 0.0_f64;
        let mut compare = |points: &[RoadPoint], ranking: &str| {
            for (point, percentile) in points.iter().zip([20, 40, 60, 80]) {
                let golden = &golden[format!("{ranking}{percentile}")];
                worst = worst.max((point.change - number(&golden["diff"])).abs());
                let imputed = (point.removed * 512.0 * 512.0).round();
                assert_eq!(
                    imputed,
                    number(&golden["imputed_pixels"]),
                    "{ranking}{percentile}"
                );
            }
        };
        compare(&found.most_relevant_first, "morf");
        compare(&found.least_relevant_first, "lerf");
        println!("{method} of {sample}: {worst:e}");
        assert!(worst < 1e-3, "{method} of {sample}: {worst}");
        assert!((found.morf.0 - number(&golden["morf"])).abs() < 1e-3);
        assert!((found.lerf.0 - number(&golden["lerf"])).abs() < 1e-3);
        let erases = found.most_relevant_first[0].removed == 1.0;
        assert_eq!(found.original_erases, erases);
        // Ours removes what it says, and says that the original would have erased the image.
        let ours = ours.score(&name, &image, logits.data(), 0, &map).unwrap();
        assert_eq!((ours.original_erases, ours.erased), (erases, 0));
        // 5 % of the score-weighted map are zero, and a few pixels more are equal by chance.
        assert_eq!(ours.tied_mass > 0.1, erases, "{}", ours.tied_mass);
        if !erases {
            // Without ties, removing p % is keeping 100 - p %, but for the pixels at the threshold.
            let mirrored = found.most_relevant_first[3].change;
            assert!((ours.most_relevant_first[0].change - mirrored).abs() < 1e-3);
        }
    }
}

#[test]
fn a_whole_run_scores_all_classes_and_loses_nothing_to_a_bad_map() {
    let Some(reference) = reference() else { return };
    let engine = engine(&reference, "pasa3.ckpt");
    let settings = Settings {
        engine: &engine,
        layer: engine.graph().find("fc14").unwrap(),
        mode: Mode::Default,
        seed: 42,
    };
    let road = Road::new(
        &engine,
        RoadSettings {
            percentiles: vec![50],
            noise: 0.01,
            repeats: 1,
            probability: Probability::Softmax,
            mode: Mode::Default,
            seed: 42,
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let module = module(&reference);
    let loader = loader(&module, TransformPipeline::gray_square(512));
    let output = tempfile::tempdir().unwrap();
    let completeness = Completeness {
        settings: &settings,
        network: NetworkSettings {
            model: "pasa".to_owned(),
            weights: "0".repeat(64),
            normalizer: "none".to_owned(),
            preprocessing: "grayscale".to_owned(),
            device: "cpu".to_owned(),
        },
        road: &road,
        sources: vec![
            MapSource::Method(find("gradcam").unwrap()),
            MapSource::Scored(ScoredMaps::Folder(
                MapFolder::find(folder.path()).unwrap().remove(0),
            )),
            MapSource::Scored(ScoredMaps::Control(find_control("control-center").unwrap())),
        ],
        target_class: TargetClass::All,
        positive_only: false,
        selection: Selection {
            only_dataset: Some("test".to_owned()),
            limit: Some(1),
            shard: None,
        },
        cache_samples: false,
        readers: 1,
        fail_fast: false,
        allow_other_weights: false,
        output: output.path().to_owned(),
        records: output.path().join("completeness.records.jsonl"),
    };
    let run = |completeness: &Completeness<'_, Cpu>| {
        completeness.run(&module, &loader, &pool(), &facts(), &Silent)
    };
    let scored = run(&completeness).unwrap();
    assert_eq!(scored.summary.ended, Ended::SomeFailed);
    assert_eq!(scored.summary.failures.len(), 3);
    assert!(
        scored.summary.failures[0]
            .reason
            .contains("cannot read the map")
    );
    let scores = scored.scores.unwrap();
    for (source, expected) in scores.iter().zip([3, 0, 3]) {
        assert_eq!(source.len(), 1);
        assert_eq!(source[0].samples.len(), 3);
        let classes: Vec<usize> = source[0].scores().map(|scores| scores.class).collect();
        assert_eq!(classes, (0..expected).collect::<Vec<_>>());
    }
    let total: f64 = scores[0][0]
        .scores()
        .map(|scores| scores.road.baseline)
        .sum();
    assert!(
        (total - 1.0).abs() < 1e-6,
        "softmax probabilities add up to {total}"
    );
    let unknown = Completeness {
        selection: Selection {
            only_dataset: Some("tset".to_owned()),
            ..Selection::default()
        },
        ..completeness
    };
    assert!(run(&unknown).err().unwrap().to_string().contains("`tset`"));
}
