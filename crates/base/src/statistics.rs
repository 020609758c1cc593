//! Mean, spread and quantiles of a list of numbers, in double precision.

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

/// The arithmetic mean as the sum over the number of values, which may differ from [`mean`] in the
/// last bits; NaN for no value.
///
/// Scores that are compared with the original's to the last bit are averaged so.
#[must_use]
pub fn mean_in_one_pass(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

/// The standard deviation around [`mean`] with n - 1 in the denominator; NaN for fewer than two
/// values.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> f64 {
    standard_deviation_around(mean(values), values)
}

/// As [`standard_deviation`], around a mean that is known already.
#[must_use]
pub fn standard_deviation_around(mean: f64, values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
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
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(mean(&values), 2.5);
        assert_eq!(mean_in_one_pass(values.into_iter()), 2.5);
        assert_eq!(standard_deviation(&values), (5.0_f64 / 3.0).sqrt());
        assert_eq!(standard_deviation_around(2.0, &values), 2.0_f64.sqrt());
        let quartiles = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&values, share));
        assert_eq!(quartiles, [1.0, 1.75, 2.5, 3.25, 4.0]);
    }

    #[test]
    fn equal_values_have_exactly_no_spread() {
        let values = [0.1; 7];
        assert_eq!((mean(&values), standard_deviation(&values)), (0.1, 0.0));
        assert_ne!(mean_in_one_pass(values.into_iter()), 0.1);
        assert_eq!(quantile(&values, 0.4), 0.1);
    }

    #[test]
    fn too_few_values_are_not_a_number() {
        assert!(mean(&[]).is_nan() && mean_in_one_pass([].into_iter()).is_nan());
        assert!(standard_deviation(&[0.1]).is_nan() && quantile(&[], 0.5).is_nan());
        assert_eq!((mean(&[0.1]), quantile(&[0.1], 0.75)), (0.1, 0.1));
    }
}
