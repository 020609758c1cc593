//! The imputation against a direct solver, goldens, hand-computed cases and what theory promises.

#![allow(clippy::print_stdout)]

use super::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Direct neighbours' and diagonal neighbours' weights, as the paper gives them.
fn weight(dy: usize, dx: usize) -> f64 {
    if dy + dx == 1 { 1.0 / 6.0 } else { 1.0 / 12.0 }
}

/// Neighbours (pixel, weight) of a pixel inside the image.
fn neighbours(i: usize, height: usize, width: usize) -> Vec<(usize, f64)> {
    let (y, x) = (i / width, i % width);
    let mut found = Vec::new();
    for v in y.saturating_sub(1)..(y + 2).min(height) {
        for u in x.saturating_sub(1)..(x + 2).min(width) {
            if (v, u) != (y, x) {
                found.push((v * width + u, weight(v.abs_diff(y), u.abs_diff(x))));
            }
        }
    }
    found
}

/// Independent reference: Gaussian elimination within the band, unknowns numbered row by row,
/// 64-bit floats. (No pivoting: the matrix is symmetric and positive definite.)
fn direct(image: &[f32], unknown: &[bool], height: usize, width: usize) -> Vec<f64> {
    let pixels: Vec<usize> = (0..unknown.len()).filter(|&i| unknown[i]).collect();
    let mut number = vec![usize::MAX; unknown.len()];
    for (n, &i) in pixels.iter().enumerate() {
        number[i] = n;
    }
    let band = width + 1;
    let n = pixels.len();
    // Row r holds columns r - band ..= r + band.
    let mut matrix = vec![0.0f64; n * (2 * band + 1)];
    let at = |r: usize, c: usize| r * (2 * band + 1) + c + band - r;
    let mut right = vec![0.0f64; n];
    for (r, &i) in pixels.iter().enumerate() {
        for (j, w) in neighbours(i, height, width) {
            matrix[at(r, r)] += w;
            if unknown[j] {
                matrix[at(r, number[j])] -= w;
            } else {
                right[r] += w * f64::from(image[j]);
            }
        }
    }
    for r in 0..n {
        for below in r + 1..(r + band + 1).min(n) {
            let factor = matrix[at(below, r)] / matrix[at(r, r)];
            if factor != 0.0 {
                for c in r..(r + band + 1).min(n) {
                    matrix[at(below, c)] -= factor * matrix[at(r, c)];
                }
                right[below] -= factor * right[r];
            }
        }
    }
    for r in (0..n).rev() {
        for c in r + 1..(r + band + 1).min(n) {
            right[r] -= matrix[at(r, c)] * right[c];
        }
        right[r] /= matrix[at(r, r)];
    }
    let mut result: Vec<f64> = image.iter().map(|&v| f64::from(v)).collect();
    for (r, &i) in pixels.iter().enumerate() {
        result[i] = right[r];
    }
    result
}

/// A small deterministic generator (SplitMix64), uniform in [0, 1).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    }
}

fn random_image(pixels: usize, seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    (0..pixels).map(|_| random.next()).collect()
}

fn impute(image: &[f32], unknown: &[bool], height: usize, width: usize) -> (Vec<f32>, SolveReport) {
    let mut system = ImputationSystem::new(unknown, height, width).unwrap();
    let mut channel = image.to_vec();
    for (pixel, &u) in channel.iter_mut().zip(unknown) {
        if u {
            *pixel = f32::NAN;
        }
    }
    let report = system.solve(&mut channel).unwrap();
    (channel, report)
}

fn largest_error(found: &[f32], expected: &[f64]) -> f64 {
    let errors = found
        .iter()
        .zip(expected)
        .map(|(a, b)| (f64::from(*a) - b).abs());
    errors.fold(
        0.0,
        |m, e| if e.is_nan() { f64::INFINITY } else { m.max(e) },
    )
}

/// Masks of every kind that has ever troubled a multigrid.
fn masks(height: usize, width: usize) -> Vec<(&'static str, Vec<bool>)> {
    let pixels = height * width;
    let mut random = Random(11);
    let mut scattered = |share: f32| {
        (0..pixels)
            .map(|_| random.next() < share)
            .collect::<Vec<_>>()
    };
    let from = |f: &dyn Fn(usize, usize) -> bool| -> Vec<bool> {
        (0..pixels).map(|i| f(i / width, i % width)).collect()
    };
    let spiral = |pitch: f64, wall: f64| {
        from(&|y, x| {
            let (v, u) = (
                y as f64 - height as f64 / 2.0,
                x as f64 - width as f64 / 2.0,
            );
            let turn = v.atan2(u) / std::f64::consts::TAU;
            (v.hypot(u) - turn * pitch).rem_euclid(pitch) > wall
        })
    };
    let mut all = vec![
        ("scattered 20 %", scattered(0.2)),
        ("scattered 50 %", scattered(0.5)),
        ("scattered 95 %", scattered(0.95)),
        ("scattered 99.9 %", scattered(0.999)),
        ("checkerboard", from(&|y, x| (x + y) % 2 == 0)),
        ("one known in a corner", from(&|y, x| (y, x) != (0, 0))),
        (
            "one known in the last corner",
            from(&|y, x| (y, x) != (height - 1, width - 1)),
        ),
        (
            "one known inside",
            from(&|y, x| (y, x) != (height / 3, width / 2)),
        ),
        (
            "two known",
            from(&|y, x| (y, x) != (0, width / 2) && (y, x) != (height - 1, 0)),
        ),
        (
            "one unknown",
            from(&|y, x| (y, x) == (height / 2, width / 3)),
        ),
        (
            "frame known",
            from(&|y, x| y > 0 && x > 0 && y + 1 < height && x + 1 < width),
        ),
        (
            "frame unknown",
            from(&|y, x| y == 0 || x == 0 || y + 1 == height || x + 1 == width),
        ),
        (
            "thin known lines",
            from(&|y, x| y % 37 != 5 && x % 53 != 11),
        ),
        (
            "thin unknown lines",
            from(&|y, x| y % 17 == 5 || x % 23 == 11),
        ),
        ("comb", from(&|y, x| x % 2 == 1 || y % 9 == 0)),
        ("diagonal walls", from(&|y, x| (x + y) % 41 > 1)),
        ("spiral", spiral(24.0, 3.0)),
        ("tight spiral", spiral(6.0, 3.0)),
        ("grid of dots", from(&|y, x| y % 64 != 13 || x % 64 != 29)),
        ("isolated patches", from(&|y, x| y % 9 < 5 && x % 11 < 6)),
        ("left half", from(&|_, x| 2 * x < width)),
        ("top known row", from(&|y, _| y > 0)),
    ];
    all.retain(|(_, mask)| mask.iter().any(|&u| u) && !mask.iter().all(|&u| u));
    all
}

#[test]
fn every_mask_and_size_agrees_with_a_direct_solver() {
    let sizes = [
        (1, 2),
        (2, 1),
        (2, 2),
        (2, 3),
        (3, 2),
        (3, 3),
        (1, 7),
        (9, 1),
        (1, 400),
        (333, 1),
        (2, 90),
        (5, 4),
        (4, 5),
        (6, 7),
        (17, 17),
        (18, 18),
        (19, 17),
        (31, 32),
        (33, 34),
        (35, 36),
        (24, 20),
        (64, 64),
        (65, 63),
        (100, 37),
        (23, 131),
    ];
    let mut worst = 0.0f64;
    for (height, width) in sizes {
        for (name, unknown) in masks(height, width) {
            let image = random_image(height * width, 3);
            let (found, report) = impute(&image, &unknown, height, width);
            let error = largest_error(&found, &direct(&image, &unknown, height, width));
            assert!(
                error < 1e-5,
                "{name} {height} x {width}: error {error}, {report:?}"
            );
            assert!(!report.fallback, "{name} {height} x {width}: {report:?}");
            worst = worst.max(error);
        }
    }
    println!("worst error {worst:.2e}");
}

#[test]
fn every_instruction_set_agrees_with_a_direct_solver() {
    let (height, width) = (97, 150);
    for instructions in InstructionSet::available() {
        for (name, unknown) in masks(height, width).into_iter().step_by(3) {
            let image = random_image(height * width, 5);
            let mut system =
                ImputationSystem::with_instructions(&unknown, height, width, instructions).unwrap();
            let mut found = image.clone();
            let report = system.solve(&mut found).unwrap();
            let error = largest_error(&found, &direct(&image, &unknown, height, width));
            assert!(
                error < 1e-5 && !report.fallback,
                "{instructions:?} {name}: {error} {report:?}"
            );
        }
    }
}

#[test]
fn an_error_of_the_multigrid_is_caught_and_mended() {
    let (height, width) = (40, 33);
    for (name, unknown) in masks(height, width) {
        let image = random_image(height * width, 6);
        let mut system = ImputationSystem::new(&unknown, height, width).unwrap();
        // A coarse operator of the wrong sign makes the cycles diverge.
        for plane in &mut system.grids.levels[1].diagonal {
            plane.iter_mut().for_each(|v| *v = -*v);
        }
        for plane in &mut system.grids.levels[1].inverse_diagonal {
            plane.iter_mut().for_each(|v| *v *= -8.0);
        }
        let mut found = image.clone();
        let report = system.solve(&mut found).unwrap();
        let error = largest_error(&found, &direct(&image, &unknown, height, width));
        assert!(
            error < 1e-6 || !report.fallback && error < 1e-5,
            "{name}: {error} {report:?}"
        );
    }
}

#[test]
fn conjugate_gradients_agree_with_a_direct_solver() {
    for (height, width) in [(1, 9), (2, 2), (24, 20), (50, 41)] {
        for (name, unknown) in masks(height, width) {
            let image = random_image(height * width, 9);
            let mut values: Vec<f64> = image.iter().map(|&v| f64::from(v)).collect();
            let residual = conjugate_gradient::solve(&mut values, &unknown, height, width);
            let expected = direct(&image, &unknown, height, width);
            let error = values
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert!(error < 1e-9, "{name} {height} x {width}: {error}");
            assert!(residual < 1e-9, "{name} {height} x {width}: {residual}");
        }
    }
}

/// Images too large for the direct solver, against conjugate gradients in 64-bit floats.
fn agrees_with_conjugate_gradients(height: usize, width: usize) {
    let (mut worst, mut most) = (0.0f64, 0);
    for (name, unknown) in masks(height, width) {
        let image = random_image(height * width, 13);
        let (found, report) = impute(&image, &unknown, height, width);
        let mut expected: Vec<f64> = image.iter().map(|&v| f64::from(v)).collect();
        let residual = conjugate_gradient::solve(&mut expected, &unknown, height, width);
        assert!(residual < 1e-10);
        let error = largest_error(&found, &expected);
        println!("{name}: error {error:.2e}, {report:?}");
        assert!(
            error < 1e-5 && !report.fallback,
            "{name}: {error} {report:?}"
        );
        (worst, most) = (worst.max(error), most.max(report.cycles));
    }
    println!("worst error {worst:.2e}, at most {most} cycles");
}

#[test]
fn larger_images_agree_with_conjugate_gradients() {
    agrees_with_conjugate_gradients(200, 257);
}

#[test]
#[ignore = "takes a minute; CONTRIBUTING.md says how to run it"]
fn images_of_512_pixels_agree_with_conjugate_gradients() {
    agrees_with_conjugate_gradients(512, 512);
}

#[test]
fn one_unknown_pixel_is_the_weighted_mean_of_its_neighbours() {
    let image: Vec<f32> = (1..=9).map(|v| (v * v) as f32).collect();
    let case = |pixel: usize, expected: f32| {
        let mut unknown = [false; 9];
        unknown[pixel] = true;
        let (found, report) = impute(&image, &unknown, 3, 3);
        assert!((found[pixel] - expected).abs() < 1e-4, "{pixel}: {found:?}");
        assert!(report.residual < 1e-4);
        for i in (0..9).filter(|&i| i != pixel) {
            assert_eq!(found[i], image[i]);
        }
    };
    // Centre: (4 + 16 + 36 + 64) / 6 + (1 + 9 + 49 + 81) / 12.
    case(4, 120.0 / 6.0 + 140.0 / 12.0);
    // Corner: weights 1/6, 1/6, 1/12 renormalised to 2/5, 2/5, 1/5.
    case(0, (2.0 * 4.0 + 2.0 * 16.0 + 25.0) / 5.0);
    case(8, (2.0 * 36.0 + 2.0 * 64.0 + 25.0) / 5.0);
    // Edge: 3 direct and 2 diagonal neighbours, 8 twelfths.
    case(1, (2.0 * (1.0 + 9.0 + 25.0) + 16.0 + 36.0) / 8.0);
    case(3, (2.0 * (1.0 + 25.0 + 49.0) + 4.0 + 64.0) / 8.0);
}

#[test]
fn a_single_known_pixel_fills_the_image() {
    let mut image = random_image(35 * 50, 4);
    let mut unknown = vec![true; image.len()];
    unknown[777] = false;
    image[777] = 0.3;
    let (found, report) = impute(&image, &unknown, 35, 50);
    assert!(found.iter().all(|&v| v == 0.3));
    assert_eq!(
        report,
        SolveReport {
            cycles: 0,
            residual: 0.0,
            fallback: false
        }
    );
}

#[test]
fn nothing_unknown_changes_nothing() {
    let image = random_image(12, 1);
    let (found, report) = impute(&image, &[false; 12], 3, 4);
    assert_eq!(found, image);
    assert_eq!(
        report,
        SolveReport {
            cycles: 0,
            residual: 0.0,
            fallback: false
        }
    );
}

#[test]
fn nothing_known_is_an_error_and_keeps_the_old_mask() {
    let error = ImputationSystem::new(&[true; 12], 3, 4).err();
    assert_eq!(error, Some(ImputationError::NoKnownPixel { pixels: 12 }));
    assert!(ImputationSystem::new(&[true], 1, 1).is_err());
    let mut unknown = [false; 12];
    unknown[5] = true;
    let mut system = ImputationSystem::new(&unknown, 3, 4).unwrap();
    assert!(system.set_mask(&[true; 12]).is_err());
    assert_eq!(system.unknown_count(), 1);
    assert!(system.solve(&mut [1.0; 12]).is_ok());
}

#[test]
fn wrong_arguments_are_errors() {
    assert!(ImputationSystem::new(&[], 0, 0).is_err());
    assert!(ImputationSystem::new(&[false; 5], 2, 3).is_err());
    let mut system = ImputationSystem::new(&[false, true, false, false], 2, 2).unwrap();
    assert!(system.solve(&mut [0.0; 3]).is_err());
    assert!(system.solve_channels(&mut [0.0; 6]).is_err());
    assert!(system.solve_channels(&mut []).is_err());
    let mut channel = [0.0, f32::NAN, f32::INFINITY, 1.0];
    assert_eq!(
        system.solve(&mut channel),
        Err(ImputationError::NonFinitePixel {
            row: 1,
            column: 0,
            found: f32::INFINITY
        })
    );
}

#[test]
fn extreme_values_do_not_overflow() {
    let (height, width) = (30, 41);
    for (scale, offset) in [
        (1e38, 0.0),
        (1e-30, 0.0),
        (1.0, 1e4),
        (6.5e4, 0.0),
        (1e-42, 0.0),
    ] {
        let unit = random_image(height * width, 8);
        let image: Vec<f32> = unit
            .iter()
            .map(|v| (v - 0.5) * 2.0 * scale as f32 + offset as f32)
            .collect();
        let (_, unknown) = masks(height, width).swap_remove(1);
        let (found, _) = impute(&image, &unknown, height, width);
        let error = largest_error(&found, &direct(&image, &unknown, height, width));
        let allowed = if scale < 1e-40 {
            1e-41
        } else {
            scale * 2e-5 + offset * 1.2e-7
        };
        assert!(error < allowed, "{scale} {offset}: {error}");
    }
}

#[test]
fn identical_channels_are_solved_once_and_others_apart() {
    let (height, width) = (40, 30);
    let (_, unknown) = masks(height, width).swap_remove(2);
    let (a, b) = (random_image(1200, 1), random_image(1200, 2));
    let mut image = [a.clone(), b.clone(), a.clone()].concat();
    // What is unknown may differ.
    let first = unknown.iter().position(|&u| u).unwrap();
    image[2400 + first] = -5.0;
    let mut system = ImputationSystem::new(&unknown, height, width).unwrap();
    let reports = system.solve_channels(&mut image).unwrap();
    assert_eq!(reports.len(), 3);
    assert_eq!(image[..1200], impute(&a, &unknown, height, width).0);
    assert_eq!(image[1200..2400], impute(&b, &unknown, height, width).0);
    assert_eq!(image[2400..], image[..1200]);
}

#[test]
fn a_system_forgets_its_former_masks() {
    let (height, width) = (70, 85);
    let image = random_image(height * width, 12);
    let all = masks(height, width);
    let mut system = ImputationSystem::new(&all[0].1, height, width).unwrap();
    for (name, unknown) in all.iter().chain(all.iter().rev()) {
        system.set_mask(unknown).unwrap();
        let mut channel = image.clone();
        system.solve(&mut channel).unwrap();
        assert_eq!(channel, impute(&image, unknown, height, width).0, "{name}");
    }
}

#[test]
fn a_linear_image_is_continued_exactly() {
    let (height, width) = (90, 121);
    let image: Vec<f32> = (0..height * width)
        .map(|i| 0.2 + 0.004 * (i / width) as f32 + 0.003 * (i % width) as f32)
        .collect();
    for (name, mut unknown) in masks(height, width) {
        for (i, u) in unknown.iter_mut().enumerate() {
            let (y, x) = (i / width, i % width);
            *u &= y > 0 && x > 0 && y + 1 < height && x + 1 < width;
        }
        let (found, _) = impute(&image, &unknown, height, width);
        for (a, b) in found.iter().zip(&image) {
            assert!((a - b).abs() < 3e-6, "{name}: {a} for {b}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_masks_agree_with_a_direct_solver(
        height in 1usize..50, width in 1usize..50, share in 0.01f32..1.0, seed in any::<u64>(),
    ) {
        let pixels = height * width;
        let mut random = Random(seed);
        let mut unknown: Vec<bool> = (0..pixels).map(|_| random.next() < share).collect();
        unknown[seed as usize % pixels] = false;
        let image = random_image(pixels, seed ^ 1);
        let (found, report) = impute(&image, &unknown, height, width);
        let expected = direct(&image, &unknown, height, width);
        prop_assert!(largest_error(&found, &expected) < 1e-5);
        prop_assert!(!report.fallback);
        // Maximum principle.
        let known = || image.iter().zip(&unknown).filter(|(_, u)| !**u).map(|(v, _)| *v);
        let (low, high) = (known().fold(2.0, f32::min), known().fold(-1.0, f32::max));
        prop_assert!(found.iter().all(|v| (low..=high).contains(v)));
        // The residual is what the report says, and small.
        for i in (0..pixels).filter(|&i| unknown[i]) {
            let around = neighbours(i, height, width);
            let sum: f64 = around.iter().map(|(j, w)| w * f64::from(found[*j])).sum();
            let total: f64 = around.iter().map(|(_, w)| w).sum();
            let residual = (sum / total - f64::from(found[i])).abs();
            prop_assert!(residual <= f64::from(report.residual) + 5e-7);
        }
        prop_assert!(report.residual < 1e-5);
    }

    #[test]
    fn transposing_the_image_transposes_the_result(
        height in 1usize..60, width in 1usize..60, share in 0.1f32..1.0, seed in any::<u64>(),
    ) {
        let pixels = height * width;
        let mut random = Random(seed);
        let mut unknown: Vec<bool> = (0..pixels).map(|_| random.next() < share).collect();
        unknown[0] = false;
        let image = random_image(pixels, seed ^ 2);
        let turned = |i: usize| (i % height) * width + i / height;
        let image_turned: Vec<f32> = (0..pixels).map(|i| image[turned(i)]).collect();
        let unknown_turned: Vec<bool> = (0..pixels).map(|i| unknown[turned(i)]).collect();
        let (a, _) = impute(&image, &unknown, height, width);
        let (b, _) = impute(&image_turned, &unknown_turned, width, height);
        for i in 0..pixels {
            prop_assert!((b[i] - a[turned(i)]).abs() < 1e-5);
        }
    }
}

/// Shape and little-endian data of an .npy file of version 1.
fn npy(path: &Path) -> (Vec<usize>, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
    assert!(header.contains("'fortran_order': False"), "{header}");
    let shape = header
        .split_once("'shape': (")
        .unwrap()
        .1
        .split_once(')')
        .unwrap()
        .0;
    let shape = shape
        .split(',')
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    (shape, bytes[10 + length..].to_vec())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect()
}

#[test]
fn goldens_of_another_solver_are_met() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/imputation");
    let (shape, image) = npy(&folder.join("image.npy"));
    let (masks_shape, masks) = npy(&folder.join("unknown.npy"));
    let (_, expected) = npy(&folder.join("expected.npy"));
    let expected: Vec<f64> = expected
        .as_chunks::<8>()
        .0
        .iter()
        .map(|b| f64::from_le_bytes(*b))
        .collect();
    let (height, width) = (shape[0], shape[1]);
    assert_eq!(masks_shape, [7, height, width]);
    let image = floats(&image);
    for (mask, expected) in masks
        .chunks(height * width)
        .zip(expected.chunks(height * width))
    {
        let unknown: Vec<bool> = mask.iter().map(|&v| v != 0).collect();
        let (found, _) = impute(&image, &unknown, height, width);
        let error = largest_error(&found, expected);
        assert!(error < 1e-5, "{error}");
    }
}

#[test]
fn imputed_images_of_the_original_are_met() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let road = shared.join("reference/golden/road");
    if !road.is_dir() {
        println!("skipped: {} is missing", road.display());
        return;
    }
    let files: Vec<PathBuf> = std::fs::read_dir(&road)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "npy"))
        .collect();
    assert!(files.len() >= 3);
    for path in files {
        let (shape, data) = npy(&path);
        let (height, width) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        let expected = floats(&data);
        let expected = &expected[..height * width];
        // A known pixel is a gray level k / 255 times 0.9999, the sum of the weights of red, green and
        // blue by which the original made it gray. An imputed one hardly ever is.
        let known = |v: f32| {
            let level = f64::from(v) / 0.9999 * 255.0;
            (level - level.round()).abs() < 1e-4
        };
        let unknown: Vec<bool> = expected.iter().map(|&v| !known(v)).collect();
        let (found, report) = impute(expected, &unknown, height, width);
        let expected: Vec<f64> = expected.iter().map(|&v| f64::from(v)).collect();
        let error = largest_error(&found, &expected);
        let share = unknown.iter().filter(|u| **u).count();
        println!(
            "{}: {share} unknown, error {error:.2e}, {report:?}",
            path.display()
        );
        assert!(
            share > 50_000 && error < 1e-5,
            "{}: {error} {report:?}",
            path.display()
        );
    }
}
