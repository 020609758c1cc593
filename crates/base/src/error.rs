//! Errors with all their causes, in one line.

/// The message of an error and of everything that caused it, joined by `: `. A cause that the
/// message ends with already is not repeated.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.ends_with(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::chain;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    #[test]
    fn causes_follow_and_are_not_repeated() {
        let layer = |text, source: Option<Layer>| Layer {
            text,
            source: source.map(Box::new),
        };
        let error = layer(
            "no map",
            Some(layer(
                "cannot read: no such file",
                Some(layer("no such file", None)),
            )),
        );
        assert_eq!(chain(&error), "no map: cannot read: no such file");
    }
}
