//! Several tests at once.

/// Holm's step-down correction (Holm 1979, Scandinavian Journal of Statistics 6, 65-70,
/// jstor.org/stable/4615733): rejecting where the corrected value is below a level makes any
/// false rejection at all no likelier than that level, however the tests depend on each other.
///
/// NaN, a test that could not be made, stays NaN and does not count.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len())
        .filter(|&index| !p_values[index].is_nan())
        .collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![f64::NAN; p_values.len()];
    let mut largest = 0.0_f64;
    for (place, &index) in order.iter().enumerate() {
        let factor = (order.len() - place) as f64;
        largest = largest.max(factor * p_values[index]).min(1.0);
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hand_computed() {
        // 4 x 0.01; 3 x 0.02 = 0.06; 2 x 0.025 = 0.05, lifted to 0.06; 1 x 0.5.
        let corrected = holm(&[0.02, 0.5, f64::NAN, 0.01, 0.025]);
        assert_eq!(corrected[0], 0.06);
        assert_eq!(corrected[1], 0.5);
        assert!(corrected[2].is_nan());
        assert_eq!((corrected[3], corrected[4]), (0.04, 0.06));
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn keeps_the_order_and_never_lowers(values in prop::collection::vec(0.0..=1.0_f64, 1..30)) {
            let corrected = holm(&values);
            for (a, corrected_a) in values.iter().zip(&corrected) {
                prop_assert!(a <= corrected_a && *corrected_a <= 1.0);
                prop_assert!(*corrected_a <= (a * values.len() as f64).min(1.0).max(
                    corrected.iter().zip(&values).filter(|(_, b)| *b < a).map(|(c, _)| *c)
                        .fold(0.0, f64::max)));
                for (b, corrected_b) in values.iter().zip(&corrected) {
                    prop_assert!(a >= b || corrected_a <= corrected_b);
                }
            }
        }
    }
}
