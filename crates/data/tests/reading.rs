//! Image files against what Pillow reads from them, and files that are broken.
//!
//! Measured against Pillow 13.0.0: PNG, TIFF and BMP equal; JPEG differs by the constants below.

use std::path::{Path, PathBuf};

use mednet_data::read::{Borders, Colour, DEFAULT_MAX_PIXELS, RawRule, image_size, read};
use mednet_data::{BoundingBox, Error, Image, Mode, Notice};

const AS_STORED: RawRule = RawRule {
    colour: Colour::AsStored,
    borders: Borders::Keep,
};
const GRAY: RawRule = RawRule {
    colour: Colour::Gray,
    borders: Borders::Keep,
};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/transform")
        .join(name)
}

/// Pixels of a `[C, H, W]` picture in the order of the file, `[H, W, C]`, in whole levels.
fn levels(image: &Image, depth: f32) -> Vec<f32> {
    in_file_order(image)
        .into_iter()
        .map(|value| (value * depth).round())
        .collect()
}

fn in_file_order(image: &Image) -> Vec<f32> {
    let plane = image.height * image.width;
    (0..plane)
        .flat_map(|pixel| (0..image.channels).map(move |c| c * plane + pixel))
        .map(|index| image.pixels[index])
        .collect()
}

#[test]
fn every_kind_of_file_reads_as_in_pillow() {
    let palette = vec![Notice::PaletteConverted];
    let alpha = vec![Notice::AlphaDropped];
    let none = Vec::new();
    for (name, channels, notices) in [
        ("gray8.png", 1, &none),
        ("gray16.png", 1, &none),
        ("bilevel.png", 1, &none),
        ("rgb8.png", 3, &none),
        ("palette4.png", 3, &palette),
        ("rgba.png", 3, &alpha),
        ("gray-alpha.png", 1, &alpha),
        ("gray8.tif", 1, &none),
        ("gray16.tif", 1, &none),
        ("rgb8.tif", 3, &none),
        ("bilevel.tif", 1, &none),
        ("GRAY8.BMP", 1, &none),
        ("rgb8.bmp", 3, &none),
        ("palette.bmp", 3, &palette),
        ("bilevel.bmp", 1, &none),
    ] {
        for mode in [Mode::Default, Mode::Mednet] {
            let path = golden("kinds").join(name);
            let picture = read(&path, AS_STORED, None, mode).unwrap();
            assert_eq!(&picture.notices, notices, "{name}");
            let image = &picture.image;
            assert_eq!(
                (image.channels, image.height, image.width),
                (channels, 20, 30),
                "{name}"
            );
            assert_eq!(
                image_size(&path, DEFAULT_MAX_PIXELS).unwrap(),
                image.size(),
                "{name}"
            );
            let raw = std::fs::read(golden("kinds").join(format!("{name}.raw"))).unwrap();
            let expected: Vec<f32> = if name.contains("16") {
                raw.chunks_exact(2)
                    .map(|b| f32::from(u16::from_le_bytes([b[0], b[1]])) * (1.0 / 65_535.0))
                    .collect()
            } else {
                raw.iter().map(|b| f32::from(*b) * (1.0 / 255.0)).collect()
            };
            assert_eq!(in_file_order(image), expected, "{name}");
        }
    }
}

/// Where the coded pixels between two restart markers of a JPEG are, and the markers' first bytes.
fn stretches(file: &[u8]) -> (Vec<std::ops::Range<usize>>, Vec<usize>) {
    let scan = file
        .windows(2)
        .position(|pair| pair == [0xff, 0xda])
        .unwrap();
    let coded = scan + 2 + usize::from(file[scan + 3]);
    let is_marker =
        |place: &usize| file[*place] == 0xff && (0xd0..=0xd9).contains(&file[place + 1]);
    let markers: Vec<usize> = (coded..file.len() - 1).filter(is_marker).collect();
    let starts = std::iter::once(coded).chain(markers.iter().map(|place| place + 2));
    let ranges = starts.zip(&markers).map(|(start, end)| start..*end);
    (ranges.collect(), markers)
}

/// Bytes that no code of these files begins with.
fn spoil(file: &mut [u8], range: std::ops::Range<usize>) {
    for pair in file[range].chunks_exact_mut(2) {
        pair.copy_from_slice(&[0xff, 0]);
    }
}

#[test]
fn a_damaged_jpeg_goes_on_at_the_next_restart_marker() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.jpg");
    // Name, rows of pixels in a stretch (nothing where it is part of a row), stretches.
    for (name, rows, count) in [
        ("gray-row.jpg", Some(8), 9),
        ("rgb-420-blocks.jpg", None, 12),
    ] {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/restart");
        let file = std::fs::read(golden.join(name)).unwrap();
        let whole = read(&golden.join(name), AS_STORED, None, Mode::Default).unwrap();
        assert_eq!(whole.notices, []);
        let (ranges, markers) = stretches(&file);
        assert_eq!(ranges.len(), count, "{name}");
        for (index, range) in ranges.iter().enumerate() {
            // The pixels of one stretch; the marker behind it, with the pixels on either side.
            let mut spoilt = file.clone();
            spoil(&mut spoilt, range.clone());
            let mut unmarked = file.clone();
            unmarked[markers[index]] = 0;
            let with_marker = (index + 1 < count).then_some((unmarked, 2));
            for (damaged, most) in [Some((spoilt, 1_usize)), with_marker].into_iter().flatten() {
                std::fs::write(&path, damaged).unwrap();
                let picture = read(&path, AS_STORED, None, Mode::Default).unwrap();
                let [Notice::JpegDamaged { missing_percent }] = picture.notices[..] else {
                    panic!("{name} {index}: {:?}", picture.notices);
                };
                let highest = (100 * most).div_ceil(count);
                assert!(
                    (1..=highest).contains(&usize::from(missing_percent)),
                    "{name} {index}: {missing_percent}"
                );
                let wrong = whole
                    .image
                    .pixels
                    .iter()
                    .zip(&picture.image.pixels)
                    .enumerate()
                    .filter(|(_, (before, after))| before != after);
                let wrong: Vec<usize> = wrong.map(|(place, _)| place).collect();
                assert!(!wrong.is_empty(), "{name} {index}");
                match rows {
                    Some(rows) => assert!(
                        wrong.iter().all(|place| {
                            let row = place / whole.image.width;
                            row >= index * rows && row < (index + most) * rows
                        }),
                        "{name} {index}"
                    ),
                    // Of the interpolated colours a little more.
                    None => assert!(
                        wrong.len() <= whole.image.pixels.len() * (most + 1) / count,
                        "{name} {index}: {} of {}",
                        wrong.len(),
                        whole.image.pixels.len()
                    ),
                }
            }
        }
    }
}

#[test]
fn without_restart_markers_a_jpeg_is_gray_behind_the_damage_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.jpg");
    let mut file = std::fs::read(golden("jpeg/gray-q90.jpg")).unwrap();
    let length = file.len();
    spoil(&mut file, length / 2..length / 2 + 40);
    std::fs::write(&path, file).unwrap();
    let picture = read(&path, AS_STORED, None, Mode::Default).unwrap();
    let [Notice::JpegDamaged { missing_percent }] = picture.notices[..] else {
        panic!("{:?}", picture.notices);
    };
    assert!((20..80).contains(&missing_percent), "{missing_percent}");
    assert_eq!(
        picture.notices[0].to_string(),
        format!(
            "the JPEG's data are damaged: {missing_percent} % of the picture are missing and gray"
        )
    );
}

fn orientation(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/orientation")
        .join(name)
}

#[test]
fn tiffs_are_turned_as_in_pillow_and_other_files_are_not() {
    let turned = |orientation| vec![Notice::Turned { orientation }];
    let ignored = |orientation| vec![Notice::OrientationIgnored { orientation }];
    for (name, channels, height, width, notices) in [
        ("gray8-1.tif", 1, 5, 7, vec![]),
        ("gray8-2.tif", 1, 5, 7, turned(2)),
        ("gray8-3.tif", 1, 5, 7, turned(3)),
        ("gray8-4.tif", 1, 5, 7, turned(4)),
        ("gray8-5.tif", 1, 7, 5, turned(5)),
        ("gray8-6.tif", 1, 7, 5, turned(6)),
        ("gray8-7.tif", 1, 7, 5, turned(7)),
        ("gray8-8.tif", 1, 7, 5, turned(8)),
        ("gray16-6.tif", 1, 7, 5, turned(6)),
        ("rgb8-8.tif", 3, 7, 5, turned(8)),
        ("rgb8-3.png", 3, 5, 7, ignored(3)),
        ("gray8-6.jpg", 1, 8, 16, ignored(6)),
    ] {
        let path = orientation(name);
        let picture = read(&path, AS_STORED, None, Mode::Default).unwrap();
        let image = &picture.image;
        assert_eq!(
            (image.channels, image.height, image.width),
            (channels, height, width),
            "{name}"
        );
        let size = image_size(&path, DEFAULT_MAX_PIXELS).unwrap();
        assert_eq!(size, image.size(), "{name}");
        let raw = std::fs::read(orientation(&format!("{name}.raw"))).unwrap();
        let (expected, depth): (Vec<f32>, f32) = if name.contains("16-") {
            let pairs = raw.chunks_exact(2);
            let values = pairs.map(|b| f32::from(u16::from_le_bytes([b[0], b[1]])));
            (values.collect(), 65_535.0)
        } else {
            (raw.iter().map(|b| f32::from(*b)).collect(), 255.0)
        };
        assert_eq!(levels(image, depth), expected, "{name}");
        assert_eq!(picture.notices, notices, "{name}");
    }
}

#[test]
fn films_of_few_bits_in_deep_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.png");
    let notices = |largest: u16| {
        let mut deep = image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::new(3, 2);
        deep.put_pixel(2, 1, image::Luma([largest]));
        deep.save(&path).unwrap();
        read(&path, AS_STORED, None, Mode::Default).unwrap().notices
    };
    let dark = Notice::TwelveBitsInSixteen { largest: 4095 };
    assert_eq!(notices(4095), [dark]);
    assert_eq!(notices(40_000), []);
    assert_eq!(notices(0), []);
    // The values stay.
    notices(4095);
    let picture = read(&path, AS_STORED, None, Mode::Default).unwrap();
    assert_eq!(levels(&picture.image, 65_535.0)[5], 4095.0);
    // The alpha channel is no part of the film.
    let mut alpha = image::ImageBuffer::<image::LumaA<u16>, Vec<u16>>::new(1, 1);
    alpha.put_pixel(0, 0, image::LumaA([1000, u16::MAX]));
    alpha.save(&path).unwrap();
    let notices = read(&path, AS_STORED, None, Mode::Default).unwrap().notices;
    let dark = Notice::TwelveBitsInSixteen { largest: 1000 };
    assert_eq!(notices, [Notice::AlphaDropped, dark]);
}

#[test]
fn colour_to_eight_bit_gray_is_pillows() {
    let picture = read(&golden("kinds/rgb8.png"), GRAY, None, Mode::Default).unwrap();
    let raw = std::fs::read(golden("kinds/rgb8.png.luma")).unwrap();
    let expected: Vec<f32> = raw.iter().map(|b| f32::from(*b) * (1.0 / 255.0)).collect();
    assert_eq!(picture.image.channels, 1);
    assert_eq!(picture.image.pixels, expected);
}

#[test]
fn sixteen_bit_gray_is_scaled_where_eight_bits_are_expected() {
    let stored = read(&golden("kinds/gray16.png"), AS_STORED, None, Mode::Default).unwrap();
    for mode in [Mode::Default, Mode::Mednet] {
        let gray = read(&golden("kinds/gray16.png"), GRAY, None, mode).unwrap();
        assert_eq!(gray.notices, [Notice::SixteenBitGrayScaled]);
        assert_eq!(gray.image, stored.image);
    }
}

#[test]
fn sixteen_bit_colour_keeps_its_depth_by_default_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.png");
    let mut deep = image::ImageBuffer::<image::Rgb<u16>, Vec<u16>>::new(2, 1);
    deep.put_pixel(0, 0, image::Rgb([258, 65_535, 255]));
    deep.put_pixel(1, 0, image::Rgb([1, 0, 4_000]));
    deep.save(&path).unwrap();
    let picture = read(&path, AS_STORED, None, Mode::Default).unwrap();
    assert!(picture.notices.is_empty());
    assert_eq!(
        levels(&picture.image, 65_535.0),
        [258., 65_535., 255., 1., 0., 4_000.]
    );
    let picture = read(&path, AS_STORED, None, Mode::Mednet).unwrap();
    assert_eq!(picture.notices, [Notice::ReducedToEightBits]);
    assert_eq!(levels(&picture.image, 255.0), [1., 255., 0., 0., 0., 15.]);
    // (19595 * 258 + 38470 * 65535 + 7471 * 255 + 32768) >> 16
    let picture = read(&path, GRAY, None, Mode::Default).unwrap();
    assert_eq!(levels(&picture.image, 65_535.0)[0], 38_576.0);
}

/// Largest difference to Pillow (libjpeg-turbo) in levels of 255, and the share of values that
/// differ, rounded up from what was measured. The inverse cosine transforms round differently, and
/// so does the interpolation of colours stored at half the resolution (4:2:0).
#[test]
fn jpeg_is_close_to_pillows() {
    for (name, most, share) in [
        ("gray-q90", 1.0, 0.006),
        ("gray-q75-progressive", 1.0, 0.007),
        ("rgb-444-q90", 2.0, 0.015),
        ("rgb-420-q90", 3.0, 0.28),
    ] {
        let picture = read(
            &golden(&format!("jpeg/{name}.jpg")),
            AS_STORED,
            None,
            Mode::Default,
        )
        .unwrap();
        let expected = std::fs::read(golden(&format!("jpeg/{name}.u8"))).unwrap();
        let actual = levels(&picture.image, 255.0);
        assert_eq!(actual.len(), expected.len());
        let differences: Vec<f32> = actual
            .iter()
            .zip(&expected)
            .map(|(actual, expected)| (actual - f32::from(*expected)).abs())
            .collect();
        let worst = differences.iter().copied().fold(0.0, f32::max);
        let unequal = differences.iter().filter(|d| **d > 0.0).count() as f64;
        let unequal = unequal / differences.len() as f64;
        assert!(
            worst <= most && unequal <= share,
            "{name}: largest {worst}, share {unequal}"
        );
    }
}

#[test]
fn black_borders_go_and_boxes_follow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Ränder 1.PNG");
    let mut bordered = image::GrayImage::new(6, 5);
    bordered.put_pixel(2, 1, image::Luma([10]));
    bordered.put_pixel(4, 3, image::Luma([20]));
    bordered
        .save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
    let rule = RawRule {
        colour: Colour::AsStored,
        borders: Borders::Remove,
    };
    let boxes = [BoundingBox {
        x1: 2,
        y1: 1,
        x2: 5,
        y2: 4,
    }];
    let picture = read(&path, rule, Some(&boxes), Mode::Default).unwrap();
    assert_eq!((picture.image.height, picture.image.width), (2, 2));
    assert_eq!(levels(&picture.image, 255.0), [10., 0., 0., 20.]);
    assert_eq!(
        picture.boxes,
        Some(vec![BoundingBox {
            x1: 0,
            y1: 0,
            x2: 2,
            y2: 2
        }])
    );

    image::GrayImage::new(6, 5)
        .save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
    let error = read(&path, rule, None, Mode::Default).unwrap_err();
    assert!(matches!(error, Error::EntirelyBlack { .. }), "{error}");
}

fn fails(path: &Path) -> String {
    let error = read(path, AS_STORED, None, Mode::Default).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&*path.file_name().unwrap().to_string_lossy()),
        "{error}"
    );
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[test]
fn broken_files_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.png");
    assert!(fails(&path).contains("cannot read"));
    assert!(image_size(&path, DEFAULT_MAX_PIXELS).is_err());
    std::fs::write(&path, b"").unwrap();
    assert!(fails(&path).contains("empty"));
    assert!(image_size(&path, DEFAULT_MAX_PIXELS).is_err());
    std::fs::write(&path, b"Dear colleague, please find the image attached.").unwrap();
    assert!(fails(&path).contains("not that of a PNG"));
    assert!(image_size(&path, DEFAULT_MAX_PIXELS).is_err());
    std::fs::create_dir(folder.path().join("folder.png")).unwrap();
    assert!(fails(&folder.path().join("folder.png")).contains("cannot read"));
}

#[test]
fn truncated_files_are_errors_wherever_they_end() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "kinds/rgb8.png",
        "kinds/gray16.png",
        "kinds/gray8.tif",
        "kinds/rgb8.bmp",
        "kinds/GRAY8.BMP",
        "jpeg/gray-q90.jpg",
        "jpeg/gray-q75-progressive.jpg",
        "jpeg/rgb-420-q90.jpg",
    ] {
        let whole = std::fs::read(golden(name)).unwrap();
        let path = folder.path().join("truncated.bin");
        for length in (0..whole.len() - 30).step_by(23) {
            std::fs::write(&path, &whole[..length]).unwrap();
            // TIFF keeps its directory at the end, or pixels: either way something is missing.
            let result = read(&path, AS_STORED, None, Mode::Default);
            assert!(
                result.is_err(),
                "{name} of {length} bytes instead of {}",
                whole.len()
            );
        }
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.bin");
    let mut state = 7_u32;
    for name in [
        "kinds/rgba.png",
        "kinds/palette.bmp",
        "kinds/gray16.tif",
        "jpeg/rgb-420-q90.jpg",
        "../restart/gray-row.jpg",
        "../restart/rgb-420-blocks.jpg",
    ] {
        let whole = std::fs::read(golden(name)).unwrap();
        for _ in 0..150 {
            let mut damaged = whole.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let place = (state >> 8) as usize % damaged.len();
                damaged[place] = (state >> 3) as u8;
            }
            std::fs::write(&path, &damaged).unwrap();
            if let Ok(picture) = read(&path, AS_STORED, None, Mode::Default) {
                let image = picture.image;
                assert_eq!(
                    image.pixels.len(),
                    image.channels * image.height * image.width
                );
            }
            let _ = image_size(&path, DEFAULT_MAX_PIXELS);
        }
    }
}

/// A TIFF of 20 x 20 pixels in tiles of 16 x 16, each colour in tiles of its own.
fn tiled_in_planes(colours: usize) -> Vec<u8> {
    const SIDE: usize = 16;
    let tiles_of_all = 4 * colours;
    let bits = 8 + 2 + 11 * 12 + 4;
    let offsets = bits + 2 * colours;
    let counts = offsets + 4 * tiles_of_all;
    let tiles = counts + 4 * tiles_of_all;
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    let entries = [
        (256_u16, 3_u16, 1, 20), // width
        (257, 3, 1, 20),
        (258, 3, colours, bits),
        (259, 3, 1, 1), // not compressed
        (262, 3, 1, 2), // red, green, blue
        (277, 3, 1, colours),
        (284, 3, 1, 2), // in planes
        (322, 3, 1, SIDE),
        (323, 3, 1, SIDE),
        (324, 4, tiles_of_all, offsets),
        (325, 4, tiles_of_all, counts),
    ];
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend((count as u32).to_le_bytes());
        file.extend((value as u32).to_le_bytes());
    }
    file.extend([0; 4]);
    file.extend([8, 0].repeat(colours));
    for tile in 0..tiles_of_all {
        file.extend(((tiles + tile * SIDE * SIDE) as u32).to_le_bytes());
    }
    for _ in 0..tiles_of_all {
        file.extend(((SIDE * SIDE) as u32).to_le_bytes());
    }
    for tile in 0..tiles_of_all {
        let (plane, row, column) = (tile / 4, tile / 2 % 2, tile % 2);
        for y in 0..SIDE {
            for x in 0..SIDE {
                file.push((80 * plane + 4 * (row * SIDE + y) + column * SIDE + x) as u8);
            }
        }
    }
    file
}

/// An uncompressed gray TIFF of 2 x 2 pixels, classic or big.
fn small_tiff(big: bool, bits: u16, fill_order: u16, pixels: &[u8]) -> Vec<u8> {
    let entries: [(u16, u16, usize); 9] = [
        (256, 3, 2),
        (257, 3, 2),
        (258, 3, usize::from(bits)),
        (259, 3, 1),
        (262, 3, 1),
        (266, 3, usize::from(fill_order)),
        (
            273,
            4,
            if big {
                16 + 8 + 9 * 20 + 8
            } else {
                8 + 2 + 9 * 12 + 4
            },
        ),
        (278, 3, 2),
        (279, 4, pixels.len()),
    ];
    let number = |value: usize| match big {
        true => (value as u64).to_le_bytes().to_vec(),
        false => (value as u32).to_le_bytes().to_vec(),
    };
    let mut file = match big {
        true => b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0".to_vec(),
        false => b"II*\0\x08\0\0\0\x09\0".to_vec(),
    };
    for (tag, kind, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(number(1));
        file.extend(number(value));
    }
    file.extend(number(0));
    file.extend(pixels);
    file
}

#[test]
fn uncommon_tiffs_are_read_or_named_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.tif");
    let read_small = |big, bits, fill_order, pixels: &[u8]| {
        std::fs::write(&path, small_tiff(big, bits, fill_order, pixels)).unwrap();
        let depth = if bits == 16 { 65_535.0 } else { 255.0 };
        read(&path, AS_STORED, None, Mode::Default)
            .map(|picture| levels(&picture.image, depth))
            .map_err(|error| error.to_string())
    };
    for big in [false, true] {
        let read_small = |bits, fill_order, pixels| read_small(big, bits, fill_order, pixels);
        assert_eq!(
            read_small(8, 1, &[1, 2, 3, 200]).unwrap(),
            [1., 2., 3., 200.]
        );
        // The lowest bit is the highest.
        assert_eq!(
            read_small(8, 2, &[1, 2, 3, 4]).unwrap(),
            [128., 64., 192., 32.]
        );
        assert_eq!(
            read_small(16, 2, &[1, 0, 0, 1, 2, 0, 0, 2]).unwrap(),
            [128., 32_768., 64., 16_384.]
        );
        for (bits, fill_order, expected) in [
            (4, 1, "it is a TIFF of 4 bits a value, which is not read"),
            (12, 1, "it is a TIFF of 12 bits a value, which is not read"),
            (
                1,
                2,
                "it is a TIFF with its bits in reverse order (FillOrder 2)",
            ),
        ] {
            let message = read_small(bits, fill_order, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap_err();
            assert!(
                message.contains(expected) && message.contains("convert it"),
                "{message}"
            );
        }
    }
}

/// The image decoder panics on them.
#[test]
fn colours_in_tiles_of_their_own_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiles.tif");
    std::fs::write(&path, tiled_in_planes(3)).unwrap();
    let picture = read(&path, AS_STORED, None, Mode::Default).unwrap();
    let image = &picture.image;
    assert_eq!((image.channels, image.height, image.width), (3, 20, 20));
    let expected: Vec<f32> = (0..3 * 400)
        .map(|place| {
            let (plane, y, x) = (place / 400, place / 20 % 20, place % 20);
            (80 * plane + 4 * y + x) as u8
        })
        .map(|value| f32::from(value) * (1.0 / 255.0))
        .collect();
    assert_eq!(image.pixels, expected);
}

#[test]
fn a_decoder_that_panics_fails_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiles.tif");
    std::fs::write(&path, tiled_in_planes(4)).unwrap();
    let error = read(&path, AS_STORED, None, Mode::Default).unwrap_err();
    assert!(matches!(error, Error::DecoderFault { .. }), "{error}");
    assert!(error.to_string().contains("tiles.tif"), "{error}");
}

#[test]
fn a_header_that_promises_too_much_is_refused() {
    // A PNG of 2^31 - 1 by 2^31 - 1 pixels in 60 bytes.
    let mut file = std::fs::read(golden("kinds/gray8.png")).unwrap();
    file[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    let mut crc = flate2::Crc::new();
    crc.update(&file[12..29]);
    file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.png");
    std::fs::write(&path, file).unwrap();
    let message = fails(&path);
    assert!(
        message.contains("too large") || message.contains("limit"),
        "{message}"
    );
    assert!(image_size(&path, DEFAULT_MAX_PIXELS).is_err());
}
