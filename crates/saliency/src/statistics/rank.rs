//! Ranks, with equal values sharing the mean of theirs.

/// The ranks of some values.
#[derive(Debug, Clone, PartialEq)]
pub struct AverageRanks {
    /// The rank of each value, from 1 for the least; equal values have the mean of their ranks.
    pub ranks: Vec<f64>,
    /// How many values are equal, for each group of at least two.
    pub ties: Vec<usize>,
}

/// Ranks the values; NaN counts as greater than every number.
#[must_use]
pub fn average_ranks(values: &[f64]) -> AverageRanks {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut ties = Vec::new();
    let mut from = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // Ranks from + 1 to from + n have the mean from + (n + 1) / 2.
        let rank = from as f64 + (group.len() + 1) as f64 / 2.0;
        for &index in group {
            ranks[index] = rank;
        }
        if group.len() > 1 {
            ties.push(group.len());
        }
        from += group.len();
    }
    AverageRanks { ranks, ties }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hand_computed() {
        let ranked = average_ranks(&[3.0, 1.0, 3.0, -0.0, 0.0, 3.0]);
        assert_eq!(ranked.ranks, [5.0, 3.0, 5.0, 1.5, 1.5, 5.0]);
        assert_eq!(ranked.ties, [2, 3]);
    }

    proptest! {
        #[test]
        fn ranks_add_up(values in prop::collection::vec(-4..4_i32, 0..40)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let n = values.len() as f64;
            prop_assert_eq!(average_ranks(&values).ranks.iter().sum::<f64>(), n * (n + 1.0) / 2.0);
        }
    }
}
