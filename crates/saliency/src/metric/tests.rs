//! Localization metrics by hand, and what must hold for all maps.

use super::*;
use mednet_data::{BoundingBox, ImageSize};
use proptest::prelude::*;

fn constant(side: usize, value: f32) -> Map {
    Map {
        height: side,
        width: side,
        values: vec![value; side * side],
    }
}

/// Ones on a rectangle, zeros elsewhere.
fn rectangle(side: usize, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Map {
    let mut map = Map::zeros(side, side);
    for row in rows {
        map.values[row * side..][columns.clone()].fill(1.0);
    }
    map
}

fn scores(map: &Map, boxes: &[[i64; 4]]) -> [f64; 2] {
    let boxes: Vec<BoundingBox> = boxes
        .iter()
        .map(|&[x1, y1, x2, y2]| BoundingBox { x1, y1, x2, y2 })
        .collect();
    let mask = BoxMask::new(&boxes, ImageSize::new(map.height, map.width));
    [
        proportional_energy(map, &mask),
        average_saliency_focus(map, &mask),
    ]
}

#[test]
fn hand_computed_focus() {
    let focus = |map: &Map, corners| scores(map, &[corners])[1];
    assert_eq!(focus(&constant(200, 1.0), [50, 50, 100, 100]), 1.0);
    assert_eq!(focus(&constant(512, 0.5), [50, 50, 100, 100]), 0.5);
    assert_eq!(
        focus(&rectangle(200, 50..75, 50..100), [50, 50, 100, 100]),
        0.5
    );
    assert_eq!(focus(&Map::zeros(200, 200), [50, 50, 100, 100]), 0.0);
    assert_eq!(focus(&constant(200, 1.0), [50, 50, 50, 50]), 0.0);
}

#[test]
fn hand_computed_energy() {
    let energy = |map: &Map, corners| scores(map, &[corners])[0];
    assert_eq!(energy(&constant(200, 1.0), [50, 50, 150, 150]), 0.25);
    assert_eq!(
        energy(&constant(512, 0.5), [0, 0, 100, 100]),
        0.038_146_972_656_25
    );
    assert_eq!(
        energy(&rectangle(200, 100..200, 100..200), [50, 50, 150, 150]),
        0.25
    );
    assert_eq!(energy(&Map::zeros(200, 200), [50, 50, 150, 150]), 0.0);
    assert_eq!(energy(&constant(200, 1.0), [50, 50, 50, 50]), 0.0);
    assert_eq!(energy(&constant(200, 1.0), [0, 0, 0, 0]), 0.0);
}

#[test]
fn overlaps_count_once_and_what_leaves_the_canvas_does_not() {
    let map = constant(10, 1.0);
    // 4 x 4 and 4 x 4 share 2 x 2: 28 pixels.
    assert_eq!(scores(&map, &[[0, 0, 4, 4], [2, 2, 6, 6]])[0], 0.28);
    assert_eq!(scores(&map, &[[8, 8, 20, 20], [-5, -5, 1, 1]])[0], 0.05);
    assert_eq!(scores(&map, &[[20, 20, 30, 30]]), [0.0, 0.0]);
    assert_eq!(scores(&map, &[]), [0.0, 0.0]);
}

#[test]
fn maps_that_cannot_be_scored_are_told() {
    let mut map = constant(4, 1.0);
    assert_eq!(check(&map, 4, 4), Ok(()));
    assert!(matches!(check(&map, 4, 5), Err(MapError::Shape { .. })));
    map.values[6] = f32::NAN;
    let error = check(&map, 4, 4).unwrap_err().to_string();
    assert!(error.contains("NaN at row 1, column 2"), "{error}");
}

fn maps() -> impl Strategy<Value = Map> {
    (1usize..12, 1usize..12).prop_flat_map(|(height, width)| {
        prop::collection::vec(0.0_f32..1.0, height * width).prop_map(move |values| Map {
            height,
            width,
            values,
        })
    })
}

fn boxes() -> impl Strategy<Value = Vec<[i64; 4]>> {
    prop::collection::vec(prop::array::uniform4(-3_i64..15), 0..4)
}

proptest! {
    #[test]
    fn energy_of_a_union(map in maps(), first in boxes(), second in boxes()) {
        let both: Vec<[i64; 4]> = first.iter().chain(&second).copied().collect();
        let [a, b, of_union] = [&first, &second, &both].map(|boxes| scores(&map, boxes)[0]);
        prop_assert!(of_union <= a + b + 1e-12 && of_union + 1e-12 >= a.max(b));
        prop_assert!((0.0..=1.0 + 1e-12).contains(&of_union));
        // A pixel is inside of the union if it is inside of either.
        let size = ImageSize::new(map.height, map.width);
        let mask = |boxes: &[[i64; 4]]| {
            let boxes: Vec<BoundingBox> = boxes
                .iter()
                .map(|&[x1, y1, x2, y2]| BoundingBox { x1, y1, x2, y2 })
                .collect();
            BoxMask::new(&boxes, size)
        };
        let inside = |mask: &BoxMask| {
            let mut times = vec![0; map.values.len()];
            for position in mask.runs().iter().cloned().flatten() {
                times[position] += 1;
            }
            times
        };
        let (first, second) = (inside(&mask(&first)), inside(&mask(&second)));
        let either: Vec<i32> = first.iter().zip(&second).map(|(a, b)| a | b).collect();
        let union = mask(&both);
        prop_assert_eq!(inside(&union), either.clone());
        prop_assert_eq!(union.area(), either.iter().filter(|times| **times == 1).count());
    }

    #[test]
    fn scaling_a_map_keeps_energy_and_scales_focus(map in maps(), boxes in boxes(), power in -8_i32..9) {
        let scale = 2.0_f32.powi(power);
        let scaled = Map { values: map.values.iter().map(|v| v * scale).collect(), ..map.clone() };
        let ([energy, focus], [scaled_energy, scaled_focus]) = (scores(&map, &boxes), scores(&scaled, &boxes));
        prop_assert!((energy - scaled_energy).abs() < 1e-12);
        prop_assert!((focus * f64::from(scale) - scaled_focus).abs() < 1e-12 * f64::from(scale).max(1.0));
    }
}
