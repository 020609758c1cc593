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
    // Sum of `value * (row * 400 + column)` over the picture as Pillow 13.0.0 loads it.
    let weighted = |(place, value): (usize, &f32)| (place as u64) * (value * 255.0).round() as u64;
    let sum: u64 = picture.image.pixels.iter().enumerate().map(weighted).sum();
    assert_eq!(sum, 2_258_237_914_692);
}
