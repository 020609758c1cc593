//! How uncertain a mean is.

use mednet_base::statistics::{mean, quantile};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::normal::{normal_cdf, normal_quantile};

/// Both ends of a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end; NaN where there is no interval.
    pub low: f64,
    /// Upper end; NaN where there is no interval.
    pub high: f64,
}

impl Interval {
    /// No interval.
    pub const NONE: Self = Self {
        low: f64::NAN,
        high: f64::NAN,
    };

    /// Whether the value lies between the ends, or is one of them.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Both corrections of the bias-corrected and accelerated bootstrap (Efron 1987,
/// doi:10.1080/01621459.1987.10478410).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bca {
    /// z0: where the mean lies among the resampled means, as a normal quantile.
    pub bias_correction: f64,
    /// a: a sixth of the skewness of the jackknife's influence values.
    pub acceleration: f64,
}

impl Bca {
    /// The corrections for the mean of `values`, given the means of resamples in any order.
    #[must_use]
    pub fn of_mean(values: &[f64], resampled: &[f64]) -> Self {
        let centre = mean(values);
        // Sums in different orders differ in their last digits, which must not decide whether a
        // resample gives exactly the mean.
        let largest = values
            .iter()
            .map(|value| (value - centre).abs())
            .fold(0.0, f64::max);
        let rounding = 1e-12 * largest + 4.0 * f64::EPSILON * centre.abs();
        let count = |limit: f64| resampled.iter().filter(|value| **value <= limit).count();
        let (below, up_to) = (count(centre - rounding), count(centre + rounding));
        // Resamples that give exactly the mean count half.
        let share = (below + up_to) as f64 / (2 * resampled.len()) as f64;
        // Without the value x, the mean changes by (mean - x) / (n - 1).
        let power = |exponent| -> f64 {
            let deviations = values.iter().map(|value| (value - centre).powi(exponent));
            deviations.sum()
        };
        Self {
            bias_correction: normal_quantile(share),
            acceleration: power(3) / power(2).powf(1.5) / 6.0,
        }
    }

    /// The share of the resampled means below the end that a normal quantile `z` stands for.
    fn share(&self, z: f64) -> Option<f64> {
        let shifted = self.bias_correction + z;
        let stretch = 1.0 - self.acceleration * shifted;
        let share = normal_cdf(self.bias_correction + shifted / stretch);
        (share.is_finite() && stretch > 0.0).then_some(share)
    }
}

/// Means of resamples drawn with replacement, the same draws for all columns.
///
/// `columns`: values of the same samples, all of one length. The result has a list of
/// `resamples` means for each column. A row is picked by a 32-bit number scaled to the number of
/// rows, whose deviation from equal chances, rows / 2^32, is far below what resamples can show.
#[must_use]
pub fn resampled_means(
    columns: &[Vec<f64>],
    resamples: usize,
    generator: &mut ChaCha8Rng,
) -> Vec<Vec<f64>> {
    let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
    let mut means = vec![Vec::with_capacity(resamples); columns.len()];
    if rows == 0 {
        return means;
    }
    // A sample's values side by side, and as deviations from the mean: equal values then give
    // exactly their mean, and rounding does not grow with the values' size.
    let centres: Vec<f64> = columns.iter().map(|column| mean(column)).collect();
    let width = columns.len();
    let deviations: Vec<f64> = (0..rows)
        .flat_map(|row| {
            columns
                .iter()
                .zip(&centres)
                .map(move |(c, centre)| c[row] - centre)
        })
        .collect();
    let mut sums = vec![0.0; width];
    for _ in 0..resamples {
        sums.fill(0.0);
        for _ in 0..rows {
            let row = ((u64::from(generator.next_u32()) * rows as u64) >> 32) as usize;
            let drawn = &deviations[row * width..(row + 1) * width];
            for (sum, deviation) in sums.iter_mut().zip(drawn) {
                *sum += deviation;
            }
        }
        for ((means, sum), centre) in means.iter_mut().zip(&sums).zip(&centres) {
            means.push(centre + sum / rows as f64);
        }
    }
    means
}

/// The 95 % interval of the mean of `values` from the means of resamples: BCa, or where its
/// corrections are undefined (all resampled means on one side, or an extreme skewness) between
/// the 2.5 and 97.5 % quantiles of the resampled means.
///
/// Equal values have an interval of no length; fewer than two values have none.
#[must_use]
pub fn interval_of_mean(values: &[f64], mut resampled: Vec<f64>) -> Interval {
    if values.len() < 2 || resampled.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return Interval::NONE;
    }
    if values.iter().all(|value| *value == values[0]) {
        return Interval {
            low: values[0],
            high: values[0],
        };
    }
    let bca = Bca::of_mean(values, &resampled);
    let z = normal_quantile(0.025);
    let (low, high) = match (bca.share(z), bca.share(-z)) {
        (Some(low), Some(high)) => (low, high),
        _ => (0.025, 0.975),
    };
    resampled.sort_by(f64::total_cmp);
    Interval {
        low: quantile(&resampled, low),
        high: quantile(&resampled, high),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn interval(values: &[f64], resamples: usize, seed: u64) -> Interval {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let means = resampled_means(&[values.to_vec()], resamples, &mut generator);
        interval_of_mean(values, means.into_iter().next().unwrap())
    }

    #[test]
    fn one_value_has_no_interval_and_equal_ones_a_point() {
        assert!(interval(&[0.3], 100, 0).low.is_nan());
        assert!(interval(&[], 100, 0).high.is_nan());
        let point = Interval {
            low: 0.1,
            high: 0.1,
        };
        assert_eq!(interval(&[0.1; 6], 100, 0), point);
    }

    #[test]
    fn undefined_corrections_give_percentiles() {
        // Every resampled mean lies above the mean, so that z0 is infinite.
        let resampled: Vec<f64> = (0..=1000).map(|step| 1.0 + f64::from(step)).collect();
        let interval = interval_of_mean(&[0.0, 1.0], resampled);
        assert_eq!((interval.low, interval.high), (26.0, 976.0));
    }

    #[test]
    fn columns_share_their_draws() {
        let column = vec![0.3, -0.2, 0.9, 0.4];
        let shifted = column.iter().map(|value| value + 8.0).collect();
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        let means = resampled_means(&[column, shifted], 50, &mut generator);
        for (plain, shifted) in means[0].iter().zip(&means[1]) {
            assert!((plain + 8.0 - shifted).abs() < 1e-14);
        }
    }

    #[test]
    fn covers_the_true_mean_about_as_often_as_stated() {
        let mut generator = ChaCha8Rng::seed_from_u64(11);
        let mut uniform = || f64::from(generator.next_u32()) / 2.0_f64.powi(32);
        let covered = (0..400).filter(|trial| {
            let values: Vec<f64> = (0..40).map(|_| uniform()).collect();
            interval(&values, 400, *trial).contains(0.5)
        });
        let covered = covered.count();
        // 95 % of 400 is 380, with a standard error of 4.4; small samples lose one or two percent.
        assert!((362..=394).contains(&covered), "{covered}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn symmetric_values_have_their_mean_inside(
            half in prop::collection::vec(0.01..1.0_f64, 2..20), centre in -5.0..5.0_f64, seed: u64,
        ) {
            let values: Vec<f64> = half.iter().flat_map(|d| [centre - d, centre + d]).collect();
            let interval = interval(&values, 500, seed);
            prop_assert!(interval.contains(mean(&values)), "{interval:?}");
        }

        #[test]
        fn turning_the_sign_turns_the_interval(
            values in prop::collection::vec(-1.0..1.0_f64, 2..20), seed: u64,
        ) {
            let turned: Vec<f64> = values.iter().map(|value| -value).collect();
            let (forth, back) = (interval(&values, 300, seed), interval(&turned, 300, seed));
            prop_assert!((forth.low + back.high).abs() < 1e-9, "{forth:?} {back:?}");
            prop_assert!((forth.high + back.low).abs() < 1e-9, "{forth:?} {back:?}");
        }
    }
}
