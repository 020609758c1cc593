//! Which logits of a network are explained.

use std::str::FromStr;

use thiserror::Error;

/// The classes to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetClass {
    /// The class with the highest logit.
    Highest,
    /// Every class.
    All,
    /// One class, counted from zero.
    Index(usize),
}

/// Not a target class.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a target class: expected `highest`, `all` or the number of a class, from 0{hint}",
    hint = hint(_0)
)]
pub struct TargetClassError(pub String);

fn hint(text: &str) -> String {
    mednet_base::suggest::closest(text, ["highest", "all"])
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl FromStr for TargetClass {
    type Err = TargetClassError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_lowercase().as_str() {
            "highest" => Ok(Self::Highest),
            "all" => Ok(Self::All),
            other => other
                .parse()
                .map(Self::Index)
                .map_err(|_| TargetClassError(text.to_owned())),
        }
    }
}

impl std::fmt::Display for TargetClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Highest => f.write_str("highest"),
            Self::All => f.write_str("all"),
            Self::Index(index) => index.fmt(f),
        }
    }
}

impl TargetClass {
    /// The classes that this means for an image with these logits. A network with one output has
    /// one class only.
    #[must_use]
    pub fn classes(self, logits: &[f32]) -> Vec<usize> {
        match self {
            Self::All => (0..logits.len()).collect(),
            Self::Index(index) => vec![index],
            Self::Highest => {
                // The first of equals, as numpy's argmax.
                let highest = logits.iter().enumerate().fold(0, |best, (index, &logit)| {
                    if logit > logits[best] { index } else { best }
                });
                vec![highest]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_logits_is_the_highest() {
        assert_eq!(TargetClass::Highest.classes(&[1.0, 3.0, 3.0]), [1]);
        assert_eq!(TargetClass::All.classes(&[1.0, 3.0]), [0, 1]);
        assert_eq!("ALL".parse(), Ok(TargetClass::All));
        assert_eq!("2".parse(), Ok(TargetClass::Index(2)));
        assert!("-1".parse::<TargetClass>().is_err());
    }
}
