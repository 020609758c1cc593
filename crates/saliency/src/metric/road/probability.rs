//! What a network's logits say about one class.

use std::str::FromStr;

use thiserror::Error;

/// How a logit becomes a probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Probability {
    /// `1 / (1 + exp(-logit))`, each class by itself: for one output, and for several labels at
    /// once.
    #[default]
    Sigmoid,
    /// `exp(logit) / sum of exp(logits)`: for classes that exclude each other.
    Softmax,
}

/// Not a way to make a probability.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` makes no probability: expected `sigmoid` or `softmax`")]
pub struct ProbabilityError(pub String);

impl FromStr for Probability {
    type Err = ProbabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_lowercase().as_str() {
            "sigmoid" => Ok(Self::Sigmoid),
            "softmax" => Ok(Self::Softmax),
            _ => Err(ProbabilityError(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Probability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sigmoid => "sigmoid",
            Self::Softmax => "softmax",
        })
    }
}

impl Probability {
    /// The probability of a class, in `[0, 1]`.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn of(self, logits: &[f32], class: usize) -> f64 {
        let logit = f64::from(logits[class]);
        match self {
            Self::Sigmoid => sigmoid(logit),
            // Relative to this logit, so that nothing overflows to infinity over infinity.
            Self::Softmax => {
                let sum: f64 = logits
                    .iter()
                    .map(|&other| (f64::from(other) - logit).exp())
                    .sum();
                1.0 / sum
            }
        }
    }
}

/// The logistic function, `1 / (1 + exp(-logit))`: the probability of a class by itself, in
/// `[0, 1]`.
#[must_use]
pub fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(Probability::Sigmoid.of(&[0.0, 5.0], 0), 0.5);
        assert!((Probability::Sigmoid.of(&[3.0_f32.ln()], 0) - 0.75).abs() < 1e-7);
        assert_eq!(Probability::Softmax.of(&[2.0, 2.0, 2.0, 2.0], 3), 0.25);
        assert!((Probability::Softmax.of(&[0.0, 3.0_f32.ln()], 1) - 0.75).abs() < 1e-7);
        assert_eq!(Probability::Softmax.of(&[-1000.0, 1000.0], 0), 0.0);
        assert_eq!(Probability::Softmax.of(&[-1000.0, 1000.0], 1), 1.0);
        assert_eq!(Probability::Sigmoid.of(&[-1e30], 0), 0.0);
    }

    #[test]
    fn names() {
        assert_eq!("SoftMax".parse(), Ok(Probability::Softmax));
        assert!("logit".parse::<Probability>().is_err());
    }
}
