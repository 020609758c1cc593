//! The standard normal distribution.
//!
//! On libm's `erfc` rather than the platform's, so that the last digit is the same everywhere.

use std::f64::consts::{PI, SQRT_2};

/// The probability of a value up to `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// The value up to which a standard normal variable lies with `probability`: negative infinity
/// for 0, infinity for 1, NaN outside.
#[must_use]
pub fn normal_quantile(probability: f64) -> f64 {
    match probability {
        p if !(0.0..=1.0).contains(&p) => return f64::NAN,
        0.5 => return 0.0,
        0.0 => return f64::NEG_INFINITY,
        1.0 => return f64::INFINITY,
        _ => {}
    }
    // Solved in the lower half, where the distribution function loses no digits.
    let upper = probability > 0.5;
    let target = if upper {
        1.0 - probability
    } else {
        probability
    };
    // Bisection brings the root near, Newton's method then doubles the digits at each step.
    let (mut low, mut high) = (-39.0, 0.0);
    for _ in 0..12 {
        let middle = 0.5 * (low + high);
        if normal_cdf(middle) < target {
            low = middle;
        } else {
            high = middle;
        }
    }
    let mut z = 0.5 * (low + high);
    for _ in 0..8 {
        let density = libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt();
        let step = (normal_cdf(z) - target) / density;
        if !step.is_finite() || step == 0.0 {
            break;
        }
        z -= step;
    }
    if upper { -z } else { z }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_undoes_the_other(z in -8.0..8.0_f64) {
            // Above 0 the probability itself keeps fewer digits.
            let digits = if z > 0.0 { f64::EPSILON / (-0.5 * z * z).exp() * 3.0 } else { 0.0 };
            prop_assert!((normal_quantile(normal_cdf(z)) - z).abs() < 1e-12 + digits);
        }
    }

    #[test]
    fn the_ends() {
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.1).is_nan() && normal_quantile(f64::NAN).is_nan());
    }
}
