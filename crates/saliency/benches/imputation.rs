//! The eight imputations of one 512 x 512 image: 20, 40, 60 and 80 % of the pixels removed, the
//! most and the least relevant first, of a smooth random map.
//!
//! Prints the median of the repetitions on one and on two threads, the sum of each mask's best time
//! (which hardly notices what else the machine does), and the cycles:
//! `cargo bench -p mednet-saliency --bench imputation`.

#![allow(clippy::print_stdout)]

use mednet_saliency::metric::imputation::{ImputationSystem, add_noise};
use rayon::prelude::*;
use std::time::Instant;

const SIDE: usize = 512;
const REPETITIONS: usize = 25;

/// A 32-bit linear congruential generator's upper bits, uniform in [0, 1).
fn uniform(state: &mut u64) -> f32 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u64 << 24) as f32
}

/// Random values on `cells` x `cells` nodes, bilinearly enlarged as a coarse saliency map is.
fn smooth_field(cells: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let nodes: Vec<f32> = (0..cells * cells).map(|_| uniform(&mut state)).collect();
    let place = |i: usize| {
        let p =
            ((i as f32 + 0.5) * cells as f32 / SIDE as f32 - 0.5).clamp(0.0, cells as f32 - 1.0);
        let low = (p as usize).min(cells - 2);
        (low, p - low as f32)
    };
    (0..SIDE * SIDE)
        .map(|i| {
            let ((y, v), (x, u)) = (place(i / SIDE), place(i % SIDE));
            let row = |y: usize| nodes[y * cells + x] * (1.0 - u) + nodes[y * cells + x + 1] * u;
            row(y) * (1.0 - v) + row(y + 1) * v
        })
        .collect()
}

/// Masks that remove the given shares, most relevant first and least relevant first.
fn masks(map: &[f32]) -> Vec<Vec<bool>> {
    let mut order: Vec<usize> = (0..map.len()).collect();
    order.sort_by(|&a, &b| map[b].total_cmp(&map[a]));
    let mut masks = Vec::new();
    for reverse in [false, true] {
        for percent in [20, 40, 60, 80] {
            let removed = map.len() * percent / 100;
            let mut mask = vec![false; map.len()];
            for k in 0..removed {
                mask[order[if reverse { map.len() - 1 - k } else { k }]] = true;
            }
            masks.push(mask);
        }
    }
    masks
}

fn median(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0])
}

fn main() {
    let mut image = smooth_field(40, 5);
    for (a, b) in image.iter_mut().zip(smooth_field(256, 6)) {
        *a = 0.7 * *a + 0.3 * b;
    }
    for (name, cells, seed) in [
        ("pasa-like map, 16 x 16", 16, 1),
        ("DenseNet-like map, 8 x 8", 8, 2),
    ] {
        let masks = masks(&smooth_field(cells, seed));
        let mut system = ImputationSystem::new(&masks[0], SIDE, SIDE).expect("a known pixel");
        let mut channel = image.clone();
        let (mut set_up, mut solve, mut all) = (Vec::new(), Vec::new(), Vec::new());
        let mut cycles = String::new();
        let mut least = vec![[f64::INFINITY; 2]; masks.len()];
        for _ in 0..REPETITIONS {
            let (mut s, mut t) = (0.0, 0.0);
            cycles.clear();
            for (mask, least) in masks.iter().zip(&mut least) {
                channel.copy_from_slice(&image);
                let start = Instant::now();
                system.set_mask(mask).expect("a known pixel");
                let time = start.elapsed().as_secs_f64() * 1e3;
                (s, least[0]) = (s + time, least[0].min(time));
                let start = Instant::now();
                let report = system.solve(&mut channel).expect("a solution");
                let time = start.elapsed().as_secs_f64() * 1e3;
                (t, least[1]) = (t + time, least[1].min(time));
                cycles += &format!(
                    " {}{}",
                    report.cycles,
                    if report.fallback { "!" } else { "" }
                );
            }
            set_up.push(s);
            solve.push(t);
            all.push(s + t);
        }
        let ((s, _), (t, _), (m, _)) = (median(set_up), median(solve), median(all));
        let best: [f64; 2] = std::array::from_fn(|k| least.iter().map(|l| l[k]).sum());
        println!("{name}: 1 thread, median {m:.1} ms: set-up {s:.1}, solve {t:.1}, cycles{cycles}");
        println!(
            "{name}: 1 thread, sum of best {:.1} ms: set-up {:.1}, solve {:.1}",
            best[0] + best[1],
            best[0],
            best[1]
        );
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .expect("a pool");
        let mut times = Vec::new();
        for _ in 0..REPETITIONS {
            let start = Instant::now();
            let sum: f32 = pool.install(|| {
                masks
                    .par_chunks(4)
                    .map(|chain| {
                        let mut system =
                            ImputationSystem::new(&chain[0], SIDE, SIDE).expect("a known pixel");
                        let mut sum = 0.0;
                        for (k, mask) in chain.iter().enumerate() {
                            if k > 0 {
                                system.set_mask(mask).expect("a known pixel");
                            }
                            let mut channel = image.clone();
                            system.solve(&mut channel).expect("a solution");
                            sum += channel[0];
                        }
                        sum
                    })
                    .sum()
            });
            assert!(sum.is_finite());
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let (m, best) = median(times);
        println!("{name}: 2 threads, memory new each time: median {m:.1} best {best:.1} ms");
        let mut rgb = [image.clone(), image.clone(), image.clone()].concat();
        let start = Instant::now();
        for (k, mask) in masks.iter().enumerate() {
            add_noise(&mut rgb, mask, 0.01, k as u64).expect("valid arguments");
        }
        let time = start.elapsed().as_secs_f64() * 1e3;
        println!("{name}: noise on 3 channels of the 8 masks, 1 thread: {time:.1} ms");
    }
}
