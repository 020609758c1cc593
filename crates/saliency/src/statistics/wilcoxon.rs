//! Whether paired differences lie round zero.

use super::normal::normal_cdf;
use super::rank::average_ranks;

/// Up to this many pairs, none of them tied or zero, the distribution is enumerated.
const MOST_EXACT: usize = 50;
/// Up to this many pairs it is enumerated also with ties and zeros.
const MOST_EXACT_WITH_TIES: usize = 13;

/// How the probability was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WilcoxonMethod {
    /// From all assignments of signs to the ranks.
    Exact,
    /// From the normal distribution with the variance corrected for ties.
    Normal,
}

/// The result of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wilcoxon {
    /// The smaller of the two sums of ranks, of the positive and of the negative differences.
    pub statistic: f64,
    /// Two-sided probability of a statistic at least as extreme if the differences were
    /// distributed symmetrically round zero; NaN for no difference at all.
    pub p: f64,
    /// How `p` was found.
    pub method: WilcoxonMethod,
}

/// The signed-rank test of Wilcoxon (1945, doi:10.2307/3001968), two-sided.
///
/// Zeros are left out before ranking (Wilcoxon's own rule), equal magnitudes share their mean
/// rank. As in scipy 1.17 by default: the exact distribution up to 50 pairs without ties and
/// zeros, and up to 13 with them; else the normal approximation without continuity correction.
/// If all differences are zero, `p` is 1 (scipy: NaN beyond 13 pairs).
#[must_use]
pub fn wilcoxon_signed_rank(differences: &[f64]) -> Wilcoxon {
    let all = differences.len();
    let kept: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let invalid = |p| Wilcoxon {
        statistic: if all == 0 { f64::NAN } else { 0.0 },
        p,
        method: WilcoxonMethod::Exact,
    };
    if all == 0 || kept.iter().any(|d| d.is_nan()) {
        return invalid(f64::NAN);
    }
    if kept.is_empty() {
        return invalid(1.0);
    }
    let magnitudes: Vec<f64> = kept.iter().map(|d| d.abs()).collect();
    let ranked = average_ranks(&magnitudes);
    let signed = kept.iter().zip(&ranked.ranks);
    let positive: f64 = signed
        .filter(|(d, _)| **d > 0.0)
        .map(|(_, rank)| rank)
        .sum();
    let n = kept.len() as f64;
    let statistic = positive.min(n * (n + 1.0) / 2.0 - positive);
    let plain = ranked.ties.is_empty() && kept.len() == all;
    let exact = all
        <= if plain {
            MOST_EXACT
        } else {
            MOST_EXACT_WITH_TIES
        };
    let (p, method) = if exact {
        let lower = exact_lower_tail(&ranked.ranks, statistic);
        ((2.0 * lower).min(1.0), WilcoxonMethod::Exact)
    } else {
        let ties = |t: &usize| (*t as f64).powi(3) - *t as f64;
        let correction: f64 = ranked.ties.iter().map(ties).sum();
        let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - correction / 2.0) / 24.0;
        let z = (statistic - n * (n + 1.0) / 4.0) / variance.sqrt();
        ((2.0 * normal_cdf(z)).min(1.0), WilcoxonMethod::Normal)
    };
    Wilcoxon {
        statistic,
        p,
        method,
    }
}

/// The share of the 2^n assignments of signs in which the positive ranks add up to `statistic` at
/// most. Mean ranks are halves of whole numbers; n is at most [`MOST_EXACT`], so that all counts
/// are exact.
fn exact_lower_tail(ranks: &[f64], statistic: f64) -> f64 {
    let doubled: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
    let total: usize = doubled.iter().sum();
    let mut counts = vec![0.0_f64; total + 1];
    counts[0] = 1.0;
    for rank in doubled {
        for sum in (rank..=total).rev() {
            counts[sum] += counts[sum - rank];
        }
    }
    let limit = (2.0 * statistic) as usize;
    counts[..=limit.min(total)].iter().sum::<f64>() / 2.0_f64.powi(ranks.len() as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hand_computed() {
        // Ranks 1, 2, 3; only the assignments {} and {1} of 8 reach a positive sum of at most 1.
        let result = wilcoxon_signed_rank(&[1.0, -2.0, -3.0]);
        assert_eq!((result.statistic, result.p), (1.0, 0.5));
        // Mean ranks 1.5, 1.5, 3; one of 8 assignments has a negative sum of 0.
        let result = wilcoxon_signed_rank(&[1.0, 0.0, 1.0, 3.0]);
        assert_eq!((result.statistic, result.p), (0.0, 0.25));
    }

    #[test]
    fn nothing_and_zeros_only() {
        assert!(wilcoxon_signed_rank(&[]).p.is_nan());
        assert!(wilcoxon_signed_rank(&[1.0, f64::NAN]).p.is_nan());
        assert_eq!(wilcoxon_signed_rank(&[0.0; 20]).p, 1.0);
        assert_eq!(wilcoxon_signed_rank(&[0.3]).p, 1.0);
    }

    proptest! {
        #[test]
        fn the_sign_does_not_matter(differences in prop::collection::vec(-9..9_i32, 1..70)) {
            let forth: Vec<f64> = differences.iter().map(|d| f64::from(*d) / 8.0).collect();
            let back: Vec<f64> = forth.iter().map(|d| -d).collect();
            let (forth, back) = (wilcoxon_signed_rank(&forth), wilcoxon_signed_rank(&back));
            prop_assert_eq!(forth, back);
            prop_assert!((0.0..=1.0).contains(&forth.p));
        }

        #[test]
        fn scale_does_not_matter(differences in prop::collection::vec(-1.0..1.0_f64, 1..70)) {
            let scaled: Vec<f64> = differences.iter().map(|d| d * 1024.0).collect();
            prop_assert_eq!(wilcoxon_signed_rank(&differences).p, wilcoxon_signed_rank(&scaled).p);
        }
    }
}
