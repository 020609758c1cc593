//! Overlays against the original's, and by hand.

// A skipped test says why.
#![allow(clippy::print_stderr)]

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use mednet_data::BoundingBox;
use mednet_report::Error;
use mednet_report::colormap::Colormap;
use mednet_report::overlay::{
    BOX_COLOUR, ImageView, MapView, OverlayOptions, Style, draw_box, overlay, plain,
};
use proptest::prelude::*;

fn reference() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    if folder.is_dir() {
        return Some(folder);
    }
    let expected = std::env::var_os("MEDNET_REQUIRE_REFERENCE").is_some();
    assert!(!expected, "{} is missing", folder.display());
    eprintln!("skipped: {} is missing", folder.display());
    None
}

/// The values of a map as numpy wrote it: 128 bytes come before them.
fn values(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let values = &bytes[128..];
    values
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// Pasa's input: gray, in `f32`.
fn gray(path: &Path) -> Vec<f32> {
    let picture = image::open(path).unwrap().to_rgb8();
    let share = |byte: u8| f32::from(byte) / 255.0;
    let [red, green, blue] = [0.2989_f32, 0.587, 0.114];
    picture
        .pixels()
        .map(|p| red * share(p.0[0]) + green * share(p.0[1]) + blue * share(p.0[2]))
        .collect()
}

fn boxes(reference: &Path, name: &str) -> Vec<BoundingBox> {
    let text = std::fs::read_to_string(reference.join("tbx11k/split.json")).unwrap();
    let split: serde_json::Value = serde_json::from_str(&text).unwrap();
    let samples = split
        .as_object()
        .unwrap()
        .values()
        .flat_map(|rows| rows.as_array().unwrap());
    let sample = samples.into_iter().find(|row| row[0] == name).unwrap();
    // Each box: class, left, top, width, height.
    let boxes = sample[2].as_array().unwrap().iter().map(|shape| {
        let number = |index: usize| shape[index].as_i64().unwrap();
        BoundingBox::from_corner_and_size(number(1), number(2), number(3), number(4))
    });
    boxes.collect()
}

#[test]
fn compat_overlays_equal_the_originals_byte_for_byte() {
    let Some(reference) = reference() else { return };
    let golden = reference.join("golden/pasa/gradcam");
    let map = values(&golden.join("tb0009.npy"));
    let pixels = gray(&reference.join("tbx11k/imgs/tb/tb0009.png"));
    let boxes = boxes(&reference, "imgs/tb/tb0009.png");
    for (name, threshold, boxes) in [
        ("view-tb0009.png", 0.2, Some(boxes.as_slice())),
        ("view-nogt-tb0009.png", 0.0, None),
    ] {
        let options = OverlayOptions {
            threshold,
            boxes,
            compat: true,
            ..OverlayOptions::default()
        };
        let image = ImageView {
            channels: 1,
            height: 512,
            width: 512,
            pixels: &pixels,
        };
        let map = MapView {
            height: 512,
            width: 512,
            values: &map,
        };
        let ours = overlay(image, map, &options).unwrap();
        let theirs = image::open(golden.join(name)).unwrap().to_rgb8();
        let different = ours
            .pixels()
            .zip(theirs.pixels())
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!(different, 0, "{name}");

        let rounded = overlay(
            image,
            map,
            &OverlayOptions {
                compat: false,
                ..options
            },
        )
        .unwrap();
        let most = rounded
            .iter()
            .zip(ours.iter())
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        let darker = rounded
            .iter()
            .zip(ours.iter())
            .filter(|(a, b)| a < b)
            .count();
        assert!(most == 1 && darker == 0, "{most} {darker}");
    }
}

#[test]
fn compat_overlays_equal_every_eighth_pixel_of_the_originals() {
    /// Side of the thinned pictures.
    const SIDE: usize = 64;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/overlay");
    let map = values(&golden.join("map.npy"));
    let pixels = gray(&golden.join("image.png"));
    for (name, threshold) in [("threshold-20.png", 0.2), ("threshold-0.png", 0.0)] {
        let options = OverlayOptions {
            threshold,
            compat: true,
            ..OverlayOptions::default()
        };
        let image = ImageView {
            channels: 1,
            height: SIDE,
            width: SIDE,
            pixels: &pixels,
        };
        let map = MapView {
            height: SIDE,
            width: SIDE,
            values: &map,
        };
        let ours = overlay(image, map, &options).unwrap();
        let theirs = image::open(golden.join(name)).unwrap().to_rgb8();
        let differ = ours.enumerate_pixels().filter(|(x, y, ours)| {
            // The first picture has a box, whose lines are near these rows and columns.
            let near = |at: u32, ends: [u32; 2]| ends.iter().any(|end| at.abs_diff(*end) <= 1);
            let on_box = near(*x, [153 / 8, 216 / 8]) || near(*y, [210 / 8, 271 / 8]);
            !on_box && *ours != theirs.get_pixel(*x, *y)
        });
        assert_eq!(differ.count(), 0, "{name}");
    }
}

fn image(pixels: &[f32]) -> ImageView<'_> {
    ImageView {
        channels: 1,
        height: 1,
        width: pixels.len(),
        pixels,
    }
}

fn map(values: &[f32]) -> MapView<'_> {
    MapView {
        height: 1,
        width: values.len(),
        values,
    }
}

#[test]
fn pixels_by_hand() {
    // gray at 1.0 is white: 0.75 * 0.4 + 0.25 * 1 = 0.55, 140.25; 0.3 is below 0.5 * 1.
    let options = OverlayOptions {
        threshold: 0.5,
        alpha: 0.25,
        colormap: Colormap::by_name("gray").unwrap(),
        ..OverlayOptions::default()
    };
    let picture = overlay(image(&[0.4, 0.4, 0.4]), map(&[1.0, 0.3, 0.5]), &options).unwrap();
    // gray at 0.5 is entry 128: 0.75 * 0.4 + 0.25 * 128 / 255 = 0.42549, 108.5.
    let half = (255.0_f64 * 0.75 * f64::from(0.4_f32) + 32.0).round() as u8;
    assert_eq!(
        picture.as_raw(),
        &[140, 140, 140, 102, 102, 102, half, half, half]
    );
    assert_eq!(half, 109);
    // 0.4 * 255 = 102 exactly; in compat mode the f32 product may fall just below.
    let compat = OverlayOptions {
        compat: true,
        ..options
    };
    let cut = overlay(image(&[0.999]), map(&[0.0]), &compat).unwrap();
    assert_eq!(cut.as_raw(), &[254, 254, 254]);
    assert_eq!(plain(image(&[0.999])).unwrap().as_raw(), &[255, 255, 255]);
}

#[test]
fn a_map_above_one_is_scaled_or_refused() {
    let options = OverlayOptions {
        threshold: 0.0,
        ..OverlayOptions::default()
    };
    let scaled = overlay(image(&[0.5; 3]), map(&[0.0, 2.0, 4.0]), &options).unwrap();
    let plain = overlay(image(&[0.5; 3]), map(&[0.0, 0.5, 1.0]), &options).unwrap();
    assert_eq!(scaled, plain);
    let compat = OverlayOptions {
        compat: true,
        ..options
    };
    let refused = overlay(image(&[0.5; 3]), map(&[0.0, 2.0, 4.0]), &compat);
    assert!(matches!(refused, Err(Error::MapAboveOne { maximum: 4.0 })));
}

#[test]
fn bad_maps_and_options_are_errors() {
    let options = OverlayOptions::default();
    let draw = |pixels: &[f32], values: &[f32], options: &OverlayOptions<'_>| {
        overlay(image(pixels), map(values), options)
            .unwrap_err()
            .to_string()
    };
    let message = draw(&[0.5; 3], &[0.0, f32::NAN, 0.0], &options);
    assert!(message.contains("NaN at row 0, column 1"), "{message}");
    let message = draw(&[0.5; 3], &[0.0; 4], &options);
    assert!(
        message.contains("1 x 4") && message.contains("1 x 3"),
        "{message}"
    );
    draw(&[], &[], &options);
    draw(&[f32::INFINITY], &[0.0], &options);
    for threshold in [-0.1, 1.1, f32::NAN] {
        let message = draw(
            &[0.5],
            &[0.0],
            &OverlayOptions {
                threshold,
                ..options
            },
        );
        assert!(message.contains("threshold"), "{message}");
    }
    let pixels = [0.5; 8];
    let two = ImageView {
        channels: 2,
        height: 2,
        width: 2,
        pixels: &pixels,
    };
    let square = MapView {
        height: 2,
        width: 2,
        values: &[0.0; 4],
    };
    assert!(matches!(
        overlay(two, square, &options),
        Err(Error::Shape { channels: 2, .. })
    ));
    let vast = MapView {
        height: usize::MAX,
        width: 2,
        values: &[0.0; 4],
    };
    assert!(matches!(
        overlay(two, vast, &options),
        Err(Error::Shape { .. })
    ));
}

#[test]
fn boxes_grow_inwards_and_are_cut_at_the_border() {
    let mut picture = RgbImage::new(10, 8);
    draw_box(
        &mut picture,
        BoundingBox {
            x1: 2,
            y1: 1,
            x2: 8,
            y2: 7,
        },
    );
    let green = |picture: &RgbImage, x: u32, y: u32| *picture.get_pixel(x, y) == Rgb(BOX_COLOUR);
    for y in 0..8 {
        for x in 0..10 {
            let inside = (2..=8).contains(&x) && (1..=7).contains(&y);
            let hole = (4..=6).contains(&x) && (3..=5).contains(&y);
            assert_eq!(green(&picture, x, y), inside && !hole, "{x} {y}");
        }
    }
    let mut cut = RgbImage::new(4, 4);
    draw_box(
        &mut cut,
        BoundingBox {
            x1: -5,
            y1: -5,
            x2: 3,
            y2: i64::MAX,
        },
    );
    assert!(green(&cut, 3, 0) && green(&cut, 2, 3) && !green(&cut, 1, 0));
}

#[test]
fn a_contour_follows_the_edge() {
    let (width, height) = (40_usize, 30_usize);
    let pixels = vec![0.5; width * height];
    let inside = |x: usize, y: usize| (10..30).contains(&x) && (5..25).contains(&y);
    let values: Vec<f32> = (0..width * height)
        .map(|at| {
            if inside(at % width, at / width) {
                0.9
            } else {
                0.1
            }
        })
        .collect();
    let image = ImageView {
        channels: 1,
        height,
        width,
        pixels: &pixels,
    };
    let map = MapView {
        height,
        width,
        values: &values,
    };
    let options = OverlayOptions {
        style: Style::Contour,
        ..OverlayOptions::default()
    };
    let picture = overlay(
        image,
        map,
        &OverlayOptions {
            threshold: 0.5,
            ..options
        },
    )
    .unwrap();
    let vivid = Colormap::plasma().most_vivid();
    assert_eq!(picture.get_pixel(10, 15).0, vivid);
    assert_eq!(picture.get_pixel(11, 15).0, vivid);
    assert_eq!(picture.get_pixel(12, 15).0, [128; 3]);
    assert_eq!(picture.get_pixel(9, 15).0, [42; 3]);
    assert_eq!(picture.get_pixel(8, 15).0, [128; 3]);
    // Everything salient: no edge, no line.
    let full = overlay(
        image,
        map,
        &OverlayOptions {
            threshold: 0.0,
            ..options
        },
    )
    .unwrap();
    assert!(full.pixels().all(|pixel| pixel.0 == [128; 3]));
}

proptest! {
    #[test]
    fn any_input_gives_a_picture_or_an_error(
        (height, width) in (0_usize..6, 0_usize..6),
        channels in 0_usize..5,
        values in prop::collection::vec(prop_oneof![4 => 0.0..1.0_f32, 1 => any::<f32>()], 0..40),
        pixels in prop::collection::vec(prop_oneof![9 => 0.0..1.0_f32, 1 => any::<f32>()], 0..120),
        corners in prop::array::uniform4(any::<i64>()),
        near in prop::array::uniform4(-9_i64..9),
        (threshold, alpha) in (-0.1..1.1_f32, 0.0..1.0_f32),
        (compat, contour, fitting) in any::<(bool, bool, bool)>(),
    ) {
        let cut = |values: &[f32], length: usize| values[..length.min(values.len())].to_vec();
        let (values, pixels) = if fitting {
            (cut(&values, height * width), cut(&pixels, channels * height * width))
        } else {
            (values, pixels)
        };
        let shape = |[x1, y1, x2, y2]: [i64; 4]| BoundingBox { x1, y1, x2, y2 };
        let boxes = [shape(corners), shape(near)];
        let options = OverlayOptions {
            threshold,
            alpha,
            boxes: Some(&boxes),
            compat,
            style: if contour { Style::Contour } else { Style::Wash },
            ..OverlayOptions::default()
        };
        let image = ImageView { channels, height, width, pixels: &pixels };
        let map = MapView { height, width, values: &values };
        if let Ok(picture) = overlay(image, map, &options) {
            prop_assert_eq!(picture.dimensions(), (width as u32, height as u32));
        }
    }

    #[test]
    fn without_saliency_the_image_shows_unchanged(bytes in prop::collection::vec(any::<u8>(), 1..50)) {
        let pixels: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let nothing = vec![0.0; pixels.len()];
        let picture = overlay(image(&pixels), map(&nothing), &OverlayOptions::default()).unwrap();
        for (pixel, byte) in picture.pixels().zip(bytes) {
            prop_assert_eq!(pixel.0, [byte; 3]);
        }
    }
}
