//! The statistics against scipy's and numpy's, by the script beside the reference values.

use std::path::Path;

use mednet_saliency::statistics::{
    Bca, Summary, interval_of_mean, normal_cdf, normal_quantile, resampled_means,
    wilcoxon_signed_rank,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/statistics/scipy.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap();
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_close(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_f64().unwrap();
    let allowed = tolerance * expected.abs().max(1e-300);
    assert!(
        (found - expected).abs() <= allowed,
        "{what}: {found}, scipy {expected}"
    );
}

#[test]
fn normal_distribution() {
    for case in golden()["normal"].as_array().unwrap() {
        let p = case[0].as_f64().unwrap();
        let quantile = normal_quantile(p);
        let allowed = 1e-13 * case[1].as_f64().unwrap().abs().max(1.0);
        assert!(
            (quantile - case[1].as_f64().unwrap()).abs() < allowed,
            "{p}: {quantile}"
        );
        assert_close(normal_cdf(quantile), &case[2], 1e-11, "cdf");
    }
}

#[test]
fn summaries() {
    for case in golden()["summary"].as_array().unwrap() {
        let summary = Summary::of(&numbers(&case["values"]));
        assert_close(summary.mean, &case["mean"], 1e-12, "mean");
        assert_close(summary.standard_deviation, &case["std"], 1e-14, "std");
        for (found, expected) in summary
            .quartiles
            .iter()
            .zip(case["quartiles"].as_array().unwrap())
        {
            assert_close(*found, expected, 1e-14, "quartile");
        }
    }
}

#[test]
fn signed_rank_tests() {
    for case in golden()["wilcoxon"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let result = wilcoxon_signed_rank(&numbers(&case["differences"]));
        assert_close(result.statistic, &case["statistic"], 0.0, name);
        assert_close(result.p, &case["p"], 1e-13, name);
    }
}

#[test]
fn bca_of_the_same_resamples() {
    for case in golden()["bca"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (values, resampled) = (numbers(&case["values"]), numbers(&case["resampled"]));
        let bca = Bca::of_mean(&values, &resampled);
        let z0 = case["bias-correction"].as_f64().unwrap();
        assert!((bca.bias_correction - z0).abs() < 1e-13, "{name}: {bca:?}");
        assert_close(bca.acceleration, &case["acceleration"], 1e-10, name);
        let interval = interval_of_mean(&values, resampled);
        assert_close(interval.low, &case["interval"][0], 1e-12, name);
        assert_close(interval.high, &case["interval"][1], 1e-12, name);
    }
}

#[test]
fn bca_of_other_resamples_within_their_error() {
    for case in golden()["bca"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let values = numbers(&case["values"]);
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let means = resampled_means(std::slice::from_ref(&values), 100_000, &mut generator);
        let interval = interval_of_mean(&values, means.into_iter().next().unwrap());
        let scipy = numbers(&case["interval-of-200000"]);
        // The ends scatter by about 1 % of the standard error; where the means are few and far
        // apart, an end may jump to the next one.
        let error = Summary::of(&values).standard_deviation / (values.len() as f64).sqrt();
        let mut distances: Vec<f64> = values.iter().map(|value| value - values[0]).collect();
        distances.sort_by(f64::total_cmp);
        distances.dedup();
        let step = match distances.len() {
            2 => (distances[1] - distances[0]) / values.len() as f64,
            3 => 0.125 / 3.0,
            _ => 0.0,
        };
        let allowed = 0.05 * error + 1.001 * step;
        assert!(
            (interval.low - scipy[0]).abs() < allowed,
            "{name}: {interval:?}, {scipy:?}"
        );
        assert!(
            (interval.high - scipy[1]).abs() < allowed,
            "{name}: {interval:?}, {scipy:?}"
        );
    }
}
