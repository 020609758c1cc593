//! Which pixels go, and what theory promises of the scores.

use super::*;
use mednet_network::device::Cpu;
use mednet_network::graph::{GraphBuilder, Operation, Parameters};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn row(values: &[f32]) -> Map {
    Map {
        height: 1,
        width: values.len(),
        values: values.to_vec(),
    }
}

fn positions(removal: &Removal) -> Vec<usize> {
    let unknown = removal.unknown.iter().enumerate();
    unknown
        .filter(|(_, u)| **u)
        .map(|(position, _)| position)
        .collect()
}

#[test]
fn by_hand_without_ties() {
    let map = row(&[0.3, 0.1, 0.9, 0.5, 0.7]);
    let found = removals(&map, &[20, 40, 80], Mode::Default, &mut random(1));
    assert_eq!(positions(&found.most[0]), [2]);
    assert_eq!(positions(&found.most[1]), [2, 4]);
    assert_eq!(positions(&found.most[2]), [0, 2, 3, 4]);
    assert_eq!(positions(&found.least[0]), [1]);
    assert_eq!(positions(&found.least[1]), [0, 1]);
    assert_eq!(found.tied_mass, 0.0);
    assert!(!found.original_erases);
    // The percentile 20 of five values lies at 0.8 between the first two: 0.26 is kept below.
    let found = removals(&map, &[20], Mode::Mednet, &mut random(1));
    assert_eq!(positions(&found.most[0]), [0, 2, 3, 4]);
    assert_eq!(positions(&found.least[0]), [0, 1, 3, 4]);
}

#[test]
fn by_hand_with_ties() {
    // Three of four are zero: the percentile 40 is zero, and the original removes everything.
    let map = row(&[0.0, 1.0, 0.0, -0.0]);
    let original = removals(&map, &[40], Mode::Mednet, &mut random(1));
    assert_eq!(original.most[0].removed, 4);
    assert_eq!(original.least[0].removed, 3);
    assert!(original.original_erases);
    let found = removals(&map, &[50], Mode::Default, &mut random(1));
    assert_eq!((found.most[0].removed, found.most[0].tied), (2, 3));
    assert!(found.most[0].unknown[1] && !found.least[0].unknown[1]);
    assert_eq!(found.tied_mass, 0.75);
    // Over many draws, each of the tied ones is the second as often.
    let mut counts = [0; 4];
    for seed in 0..3000 {
        let found = removals(&map, &[50], Mode::Default, &mut random(seed));
        for position in positions(&found.most[0]) {
            counts[position] += 1;
        }
    }
    assert_eq!(counts[1], 3000);
    assert!(
        [0, 2, 3]
            .iter()
            .all(|&p| (counts[p] - 1000_i32).abs() < 120),
        "{counts:?}"
    );
}

#[test]
fn the_smallest_maps() {
    for (map, erases) in [
        (row(&[0.5]), true),
        (row(&[0.5, 0.5]), true),
        (row(&[0.0, 1.0]), false),
    ] {
        for mode in [Mode::Default, Mode::Mednet] {
            let found = removals(&map, &[20, 50, 80], mode, &mut random(3));
            assert_eq!(found.original_erases, erases);
            assert_eq!(found.most.len(), 3);
        }
    }
}

/// Values for the weights of [`engine`].
struct Alternating;

impl Parameters for Alternating {
    fn take(&mut self, _: &str, shape: &[usize]) -> Vec<f32> {
        let count: usize = shape.iter().product();
        let value = |i: usize| if i.is_multiple_of(3) { 0.02 } else { -0.005 };
        (0..count).map(value).collect()
    }
}

/// A network whose only logit is a weighted sum of the pixels, plus 0.02.
fn engine(side: usize) -> Engine<Cpu> {
    let mut parameters = Alternating;
    let (mut graph, input) = GraphBuilder::new([1, side, side], &mut parameters);
    let flat = graph.add("flatten", Operation::Flatten, &[input]);
    graph.linear("dense", flat, 1);
    Engine::new(graph.finish().unwrap(), Cpu)
}

fn image(side: usize) -> Tensor {
    let pixels = (0..side * side)
        .map(|i| ((i * 7919) % 101) as f32 / 100.0)
        .collect();
    Tensor::new([1, 1, side, side], pixels).unwrap()
}

fn settings() -> RoadSettings {
    RoadSettings {
        percentiles: vec![20, 40, 60, 80],
        noise: 0.01,
        repeats: 3,
        probability: Probability::Sigmoid,
        mode: Mode::Default,
        seed: 7,
    }
}

fn map(side: usize) -> Map {
    let values = (0..side * side)
        .map(|i| ((i * 31) % 17) as f32 / 16.0)
        .collect();
    Map {
        height: side,
        width: side,
        values,
    }
}

fn score(settings: RoadSettings, map: &Map) -> RoadScores {
    let (engine, image) = (engine(24), image(24));
    let logits = engine.forward(&image).unwrap();
    Road::new(&engine, settings)
        .score("a", &image, logits.data(), 0, map)
        .unwrap()
}

#[test]
fn scores_do_not_depend_on_threads_and_do_on_the_seed() {
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| score(settings(), &map(24)))
    };
    let one = with_threads(1);
    assert_eq!(one, with_threads(4));
    let other = score(
        RoadSettings {
            seed: 8,
            ..settings()
        },
        &map(24),
    );
    assert_ne!(one.morf, other.morf);
    assert!(one.morf.1 > 0.0 && one.combined.1.is_finite());
}

#[test]
fn means_and_differences_are_as_defined() {
    let scores = score(settings(), &map(24));
    let mean = |points: &[RoadPoint]| points.iter().map(|p| p.change).sum::<f64>() / 4.0;
    assert!((scores.morf.0 - mean(&scores.most_relevant_first)).abs() < 1e-12);
    assert!((scores.lerf.0 - mean(&scores.least_relevant_first)).abs() < 1e-12);
    assert!((scores.combined.0 - (scores.lerf.0 - scores.morf.0) / 2.0).abs() < 1e-12);
    for (point, percentile) in scores
        .most_relevant_first
        .iter()
        .zip([20.0, 40.0, 60.0, 80.0])
    {
        let exact = f64::round(percentile / 100.0 * 576.0) / 576.0;
        assert_eq!(point.removed, exact);
        assert!(point.tied > 0.0);
    }
}

#[test]
fn a_percentile_scores_the_same_whatever_others_are_asked_for() {
    let all = score(settings(), &map(24));
    let one = score(
        RoadSettings {
            percentiles: vec![60],
            ..settings()
        },
        &map(24),
    );
    assert_eq!(one.most_relevant_first[0], all.most_relevant_first[2]);
    assert_eq!(one.least_relevant_first[0], all.least_relevant_first[2]);
}

#[test]
fn one_draw_has_no_spread_and_no_noise_needs_one_draw() {
    let one = score(
        RoadSettings {
            repeats: 1,
            ..settings()
        },
        &map(24),
    );
    assert!(one.morf.1.is_nan() && one.most_relevant_first[0].spread.is_nan());
    let none = score(
        RoadSettings {
            noise: 0.0,
            ..settings()
        },
        &map(24),
    );
    assert!(none.morf.1.is_nan());
}

#[test]
fn the_original_fills_an_erased_image_with_zeros() {
    let settings = RoadSettings {
        mode: Mode::Mednet,
        noise: 0.0,
        ..settings()
    };
    let constant = Map {
        height: 24,
        width: 24,
        values: vec![0.5; 576],
    };
    let scores = score(settings.clone(), &constant);
    assert_eq!(scores.erased, 8);
    // The logit of zeros is the bias.
    let zeros = 1.0 / (1.0 + (-f64::from(0.02_f32)).exp());
    assert!((scores.morf.0 - (zeros - scores.baseline)).abs() < 1e-7);
    let ours = score(
        RoadSettings {
            mode: Mode::Default,
            ..settings
        },
        &constant,
    );
    assert_eq!(
        (ours.erased, ours.tied_mass, ours.original_erases),
        (0, 1.0, true)
    );
}

#[test]
fn degenerate_maps_are_told_or_scored() {
    let (engine, image) = (engine(24), image(24));
    let road = Road::new(&engine, settings());
    let score = |map: &Map| road.score("a", &image, &[0.3], 0, map);
    let mut broken = map(24);
    broken.values[5] = f32::NAN;
    assert!(matches!(
        score(&broken),
        Err(RoadError::Map(MapError::NotFinite { .. }))
    ));
    assert!(matches!(
        score(&map(12)),
        Err(RoadError::Map(MapError::Shape { .. }))
    ));
    let zeros = score(&Map::zeros(24, 24)).unwrap();
    assert!(zeros.combined.0.is_finite() && zeros.tied_mass == 1.0);
    let mut single = Map::zeros(24, 24);
    single.values[100] = 1.0;
    assert!(score(&single).unwrap().combined.0.is_finite());
}

proptest! {
    #[test]
    fn exactly_the_stated_share_goes(
        values in prop::collection::vec(0_u8..6, 2..200),
        percentiles in prop::collection::vec(1_u8..100, 1..5),
        seed in any::<u64>(),
    ) {
        let map = row(&values.iter().map(|&v| f32::from(v)).collect::<Vec<_>>());
        let found = removals(&map, &percentiles, Mode::Default, &mut random(seed));
        prop_assert!((0.0..=1.0).contains(&found.tied_mass));
        for (index, &percentile) in percentiles.iter().enumerate() {
            let expected = (f64::from(percentile) / 100.0 * map.values.len() as f64).round();
            for (removal, sign) in [(&found.most[index], 1.0), (&found.least[index], -1.0)] {
                prop_assert_eq!(removal.removed as f64, expected);
                // No pixel that stays would have had to go before one that goes.
                let goes = |wanted: bool| map.values.iter().zip(&removal.unknown)
                    .filter(move |(_, u)| **u == wanted).map(move |(v, _)| v * sign);
                let lowest_gone = goes(true).fold(f32::INFINITY, f32::min);
                let highest_kept = goes(false).fold(f32::NEG_INFINITY, f32::max);
                prop_assert!(lowest_gone >= highest_kept);
                prop_assert_eq!(removal.tied > 0, lowest_gone == highest_kept);
            }
        }
    }

    #[test]
    fn scaling_a_map_changes_no_removal(
        values in prop::collection::vec(0.0_f32..1.0, 2..100), power in -6_i32..7, seed in any::<u64>(),
    ) {
        let map = row(&values);
        let scaled = row(&values.iter().map(|v| v * 2.0_f32.powi(power)).collect::<Vec<_>>());
        let one = removals(&map, &[30, 70], Mode::Default, &mut random(seed));
        let other = removals(&scaled, &[30, 70], Mode::Default, &mut random(seed));
        prop_assert_eq!(one.most, other.most);
        prop_assert_eq!(one.least, other.least);
    }
}
