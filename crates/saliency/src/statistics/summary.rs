//! Mean, spread and quartiles.

use mednet_base::statistics::{mean, quantile, standard_deviation};

/// What a table says about the values of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Number of values.
    pub samples: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the population, estimated with n - 1; NaN for fewer than two values.
    pub standard_deviation: f64,
    /// 25, 50 and 75 % quantiles.
    pub quartiles: [f64; 3],
}

impl Summary {
    /// Summarises the values; all entries are NaN where there is none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            samples: values.len(),
            mean: mean(values),
            standard_deviation: standard_deviation(values),
            quartiles: [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        let summary = Summary::of(&[4.0, 1.0, 2.0, 3.0]);
        assert_eq!(summary.samples, 4);
        assert_eq!(summary.mean, 2.5);
        assert!((summary.standard_deviation - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(summary.quartiles, [1.75, 2.5, 3.25]);
    }

    #[test]
    fn one_value_has_no_spread_and_none_has_nothing() {
        let one = Summary::of(&[0.1]);
        assert_eq!((one.mean, one.quartiles), (0.1, [0.1; 3]));
        assert!(one.standard_deviation.is_nan());
        let none = Summary::of(&[]);
        assert_eq!(none.samples, 0);
        assert!(none.mean.is_nan() && none.quartiles.iter().all(|value| value.is_nan()));
    }

    #[test]
    fn equal_values_have_exactly_no_spread() {
        let summary = Summary::of(&[0.1; 7]);
        assert_eq!((summary.mean, summary.standard_deviation), (0.1, 0.0));
    }
}
