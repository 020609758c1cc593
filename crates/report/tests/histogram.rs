//! Automatic bins against numpy's.

use mednet_base::statistics::quantile;
use mednet_report::plot::automatic_histogram;
use proptest::prelude::*;
use serde_json::Value;

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

#[test]
fn bins_and_quartiles_equal_numpys() {
    // Written by `golden/histogram/make.py`.
    let cases: Value = serde_json::from_str(include_str!("golden/histogram/cases.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let values = floats(&case["values"]);
        let histogram = automatic_histogram(&values).unwrap();
        let (edges, density) = (floats(&case["edges"]), floats(&case["density"]));
        assert_eq!(histogram.edges.len(), edges.len(), "{name}");
        let extent = edges[edges.len() - 1] - edges[0];
        for (ours, theirs) in histogram.edges.iter().zip(&edges) {
            assert!(
                (ours - theirs).abs() <= 1e-12 * extent.max(theirs.abs()),
                "{name}"
            );
        }
        for (ours, theirs) in histogram.density.iter().zip(&density) {
            assert!(
                (ours - theirs).abs() <= 1e-9 * theirs.abs(),
                "{name}: {ours} {theirs}"
            );
        }
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        for (share, theirs) in [0.25, 0.5, 0.75]
            .into_iter()
            .zip(floats(&case["quartiles"]))
        {
            let ours = quantile(&sorted, share);
            assert!(
                (ours - theirs).abs() <= 4.0 * f64::EPSILON * theirs.abs(),
                "{name}"
            );
        }
    }
}

proptest! {
    #[test]
    fn bars_cover_all_values(values in prop::collection::vec(-1e6..1e6_f64, 1..200)) {
        let histogram = automatic_histogram(&values).unwrap();
        let bars = histogram.density.iter().zip(histogram.edges.windows(2));
        let area: f64 = bars.map(|(height, edge)| height * (edge[1] - edge[0])).sum();
        prop_assert!((area - 1.0).abs() < 1e-9);
    }

    #[test]
    fn any_values_give_a_histogram_or_none(values in prop::collection::vec(any::<f64>(), 0..50)) {
        let _ = automatic_histogram(&values);
    }
}
