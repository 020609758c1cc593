//! Mean, spread and quartiles.

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

/// The arithmetic mean; NaN for no value.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let n = values.len() as f64;
    let rough = values.iter().sum::<f64>() / n;
    // The second pass takes out what the first lost to rounding: equal values give themselves.
    rough + values.iter().map(|value| value - rough).sum::<f64>() / n
}

/// The standard deviation with n - 1 in the denominator; NaN for fewer than two values.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The value below which `share` (0 to 1) of the ascending values lie, by linear interpolation
/// (Hyndman and Fan 1996, doi:10.2307/2684934, definition 7; numpy's default). NaN for no value.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let part = position - below as f64;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    // As numpy does, from the nearer end, so that equal values give exactly themselves.
    if part < 0.5 {
        low + (high - low) * part
    } else {
        high - (high - low) * (1.0 - part)
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
