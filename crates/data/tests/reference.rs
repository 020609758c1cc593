//! The input transforms against the outputs of the original program, where these are at hand.

use std::path::{Path, PathBuf};

use mednet_data::{
    BoundingBox, DataDirectories, DataModule, Image, Loaded, Mode, Notice, SampleLoader,
    TransformPipeline,
};
use serde_json::Value;

#[allow(clippy::print_stdout)]
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    if path.exists() {
        return Some(path);
    }
    let expected = std::env::var_os("MEDNET_REQUIRE_REFERENCE").is_some();
    assert!(!expected, "`{}` is not there", path.display());
    println!("skipped: `{}` is not there", path.display());
    None
}

/// Values of an `.npy` file of version 1.0 with little-endian `float32`.
fn read_npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = String::from_utf8_lossy(&bytes[10..10 + header]);
    assert!(
        text.contains("'<f4'") && text.contains("'fortran_order': False"),
        "{text}"
    );
    bytes[10 + header..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

fn load(folder: &Path, text: &str, pipeline: TransformPipeline, mode: Mode) -> Vec<Loaded> {
    let split = tempfile::tempdir().unwrap();
    let path = split.path().join("split.json");
    std::fs::write(&path, text).unwrap();
    let module = DataModule::from_file(&path, None).unwrap();
    let directories = DataDirectories::default().with_explicit(folder);
    let loader = SampleLoader::new(&module, &directories, pipeline, mode).unwrap();
    module.datasets[0]
        .samples
        .iter()
        .map(|record| loader.load(record).unwrap())
        .collect()
}

fn load_one(folder: &Path, name: &str, pipeline: TransformPipeline, mode: Mode) -> Loaded {
    load(
        folder,
        &format!("{{\"test\": [[\"imgs/odd/{name}.png\", 1]]}}"),
        pipeline,
        mode,
    )
    .pop()
    .unwrap()
}

fn sampled(image: &Image) -> Vec<f32> {
    let mut values = Vec::new();
    for channel in 0..image.channels {
        for row in image.channel(channel).chunks_exact(image.width).step_by(4) {
            values.extend(row.iter().step_by(4));
        }
    }
    values
}

/// Largest difference of a pixel to the original's: measured 2.4e-7.
const TOLERANCE: f32 = 2.5e-7;

#[test]
fn odd_images_are_those_of_the_original() {
    let (Some(folder), Some(golden), Some(report)) = (
        shared("reference/tbx11k"),
        shared("reference/golden/odd"),
        shared("reference/golden/odd-report.json"),
    ) else {
        return;
    };
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let mut compared = 0;
    for (key, case) in report.as_object().unwrap() {
        let Some((name, model)) = key.rsplit_once('-') else {
            continue;
        };
        // The original fails on alpha and reads palettes as gray values.
        let differs = ["palette_h360_w641", "la_h333_w512", "rgba_h360_w641"].contains(&name);
        if key.starts_with("boxes-") || differs {
            continue;
        }
        let pipeline = match model {
            "pasa" => TransformPipeline::gray_square(512),
            _ => TransformPipeline::rgb_square(512),
        };
        let loaded = load_one(&folder, name, pipeline, Mode::Mednet);
        let image = &loaded.sample.image;
        let shape = [image.channels, image.height, image.width];
        let out = case["out"].as_array().unwrap();
        assert_eq!(serde_json::json!(shape), out[0], "{key}");
        let raw = &case["raw"][0];
        assert_eq!(serde_json::json!(loaded.raw_size.height), raw[1], "{key}");
        assert_eq!(serde_json::json!(loaded.raw_size.width), raw[2], "{key}");
        let least = image.pixels.iter().copied().fold(f32::INFINITY, f32::min);
        let most = image
            .pixels
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        let mean =
            image.pixels.iter().map(|v| f64::from(*v)).sum::<f64>() / image.pixels.len() as f64;
        for (actual, expected, tolerance) in [
            (f64::from(least), &out[1], 2.4e-7),
            (f64::from(most), &out[2], 2.4e-7),
            (mean, &out[3], 2e-8),
        ] {
            let expected = expected.as_f64().unwrap();
            assert!(
                (actual - expected).abs() <= tolerance,
                "{key}: {actual} {expected}"
            );
        }
        let file = golden.join(format!("{name}-pasa-stride4.npy"));
        if model == "pasa" {
            let expected = read_npy(&file);
            let actual = sampled(image);
            assert_eq!(actual.len(), expected.len(), "{key}");
            let worst = actual
                .iter()
                .zip(&expected)
                .map(|(a, e)| (a - e).abs())
                .fold(0.0, f32::max);
            assert!(worst <= TOLERANCE, "{key}: largest difference {worst:e}");
            // Nothing is resampled.
            assert!(
                worst == 0.0 || name != "gray16_h512_w512",
                "{key}: {worst:e}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 12);
}

#[test]
fn kinds_the_original_cannot_read_are_read() {
    let Some(folder) = shared("reference/tbx11k") else {
        return;
    };
    let pipeline = || TransformPipeline::gray_square(512);
    let rgb = load_one(&folder, "rgb_h360_w641", pipeline(), Mode::Default)
        .sample
        .image;
    for mode in [Mode::Default, Mode::Mednet] {
        let rgba = load_one(&folder, "rgba_h360_w641", pipeline(), mode);
        assert_eq!(rgba.notices, [Notice::AlphaDropped]);
        assert_eq!(rgba.sample.image, rgb);
        let palette = load_one(&folder, "palette_h360_w641", pipeline(), mode);
        assert_eq!(palette.notices, [Notice::PaletteConverted]);
        // The palette has 64 colours: near to the picture it was made of.
        let mean = palette
            .sample
            .image
            .pixels
            .iter()
            .zip(&rgb.pixels)
            .map(|(a, b)| (a - b).abs());
        let mean = mean.sum::<f32>() / rgb.pixels.len() as f32;
        assert!(mean < 0.02, "{mean}");
        let alpha = load_one(&folder, "la_h333_w512", pipeline(), mode);
        assert_eq!(alpha.notices, [Notice::AlphaDropped]);
        assert_eq!(alpha.sample.image.channels, 1);
    }
    // Full depth by default: within one level of 255 of the reduced picture.
    let full = load_one(&folder, "rgb16_h360_w641", pipeline(), Mode::Default);
    let reduced = load_one(&folder, "rgb16_h360_w641", pipeline(), Mode::Mednet);
    assert!(full.notices.is_empty());
    assert_eq!(reduced.notices, [Notice::ReducedToEightBits]);
    let (full, reduced) = (full.sample.image.pixels, reduced.sample.image.pixels);
    let differences: Vec<f32> = full
        .iter()
        .zip(&reduced)
        .map(|(a, b)| (a - b).abs())
        .collect();
    let worst = differences.iter().copied().fold(0.0, f32::max);
    assert!(worst > 0.0 && worst <= 1.0 / 255.0, "{worst}");
}

#[test]
fn boxes_are_those_of_the_original() {
    let (Some(folder), Some(report)) = (
        shared("reference/tbx11k"),
        shared("reference/golden/odd-report.json"),
    ) else {
        return;
    };
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let text = std::fs::read_to_string(folder.join("split-odd.json")).unwrap();
    let mut compared = 0;
    for (model, pipeline) in [
        ("pasa", TransformPipeline::gray_square(512)),
        ("densenet", TransformPipeline::rgb_square(512)),
    ] {
        for loaded in load(&folder, &text, pipeline, Mode::Default) {
            let Some(boxes) = &loaded.sample.boxes else {
                continue;
            };
            let file = loaded.sample.name.rsplit('/').next().unwrap();
            let expected: Vec<BoundingBox> = report[format!("boxes-{file}-{model}")]["out"]
                .as_array()
                .unwrap()
                .iter()
                .map(|b| {
                    let at = |index: usize| b[index].as_i64().unwrap();
                    BoundingBox {
                        x1: at(0),
                        y1: at(1),
                        x2: at(2),
                        y2: at(3),
                    }
                })
                .collect();
            assert_eq!(boxes, &expected, "{file}");
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
}

#[test]
fn all_reference_samples_load() {
    for (split, count) in [
        ("reference/tbx11k/split.json", 24),
        ("real/tbx11k/split.json", 25),
    ] {
        let Some(path) = shared(split) else { continue };
        let module = DataModule::from_file(&path, None).unwrap();
        let loader = SampleLoader::new(
            &module,
            &DataDirectories::default(),
            TransformPipeline::gray_square(512),
            Mode::Default,
        )
        .unwrap();
        let checked: Vec<_> = loader.check(&module, None).collect();
        assert_eq!(checked.len(), count, "{split}");
        for sample in checked {
            assert_eq!(sample.result.unwrap(), [], "{}", sample.record.name);
            // 512 x 512 already: the boxes are those of the file.
            let loaded = loader.load(sample.record).unwrap();
            assert_eq!(loaded.sample.boxes, sample.record.boxes);
        }
    }
}
