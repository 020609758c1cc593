//! Inputs from the field, where these are at hand.

use std::path::{Path, PathBuf};

use mednet_data::read::{Borders, Colour, RawRule, Read, read};
use mednet_data::{DataModule, Mode, Notice};

#[allow(clippy::print_stdout)]
fn case(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/cases")
        .join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: `{}` is not there", path.display());
    None
}

fn load(path: &Path) -> Read {
    let rule = RawRule {
        colour: Colour::AsStored,
        borders: Borders::Keep,
    };
    read(path, rule, None, Mode::Default).unwrap()
}

/// Each level times its place in `[C, H, W]`, added up; the expected sums are those of Pillow 13.0.0.
fn weighted_sum(picture: &Read, depth: f32) -> u64 {
    let weighted = |(place, value): (usize, &f32)| place as u64 * (value * depth).round() as u64;
    picture.image.pixels.iter().enumerate().map(weighted).sum()
}

#[test]
fn uncommon_tiffs() {
    for (path, depth, sum) in [
        (
            "01-planar-tiled-tiff/tiff_tiled_planar_lzw.tiff",
            255.0,
            7_907_093_508_013,
        ),
        ("14-tiff-kinds/hopper_bigtiff.tif", 255.0, 104_149_596_985),
        ("14-tiff-kinds/16bit.r.tif", 65_535.0, 3_222_886_718),
    ] {
        if let Some(path) = case(path) {
            assert_eq!(weighted_sum(&load(&path), depth), sum, "{}", path.display());
        }
    }
}

#[test]
fn twelve_bits_in_sixteen() {
    let Some(path) = case("08-12-bit-in-16/twelve_in_sixteen.png") else {
        return;
    };
    let dark = Notice::TwelveBitsInSixteen { largest: 4095 };
    assert_eq!(load(&path).notices, [dark]);
}

#[test]
fn one_bad_record_among_good_ones() {
    let Some(path) = case("13-one-bad-record/onebad.json") else {
        return;
    };
    let module = DataModule::from_file(&path, None).unwrap();
    assert_eq!(module.datasets[0].samples.len(), 4);
    assert_eq!(
        module.datasets[0].rejected[0].to_string(),
        "line 1: sample 2 (`images/sub/a.png`) has [1, 10.5, 10, 10, 10] as its box 1: its x is \
         10.5, expected a whole number of pixels: round it"
    );
    for (name, expected) in [
        (
            "label_float.json",
            "sample 1 (`images/a.png`) has 0.7 as its target",
        ),
        ("nan.json", "its x is NaN"),
    ] {
        let path = path.with_file_name(name);
        let error = DataModule::from_file(&path, None).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }
}

#[test]
fn tiff_with_an_orientation_tag() {
    let Some(path) = case("10-tiff-orientation/o3.tif") else {
        return;
    };
    let picture = load(&path);
    assert_eq!(picture.notices, [Notice::Turned { orientation: 3 }]);
    assert_eq!((picture.image.height, picture.image.width), (512, 400));
    assert_eq!(weighted_sum(&picture, 255.0), 2_258_237_914_692);
}
