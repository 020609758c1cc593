//! Guessing what the user meant by a name that does not exist.

/// The candidate closest to `name` by the Damerau-Levenshtein distance (case-insensitive), if it
/// is close enough to be worth proposing: at most a third of the letters differ, or `name` is the
/// beginning of exactly one candidate.
///
/// Of several equally close candidates the first is taken.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let mut best: Option<(usize, &'a str)> = None;
    let mut beginning = Vec::new();
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        // Names of thousands of letters are no misspelling, and the distance is quadratic.
        if wanted.len() > 200 {
            return None;
        }
        if !wanted.is_empty() && lower.starts_with(&wanted) {
            beginning.push(candidate);
        }
        let distance = strsim::damerau_levenshtein(&wanted, &lower);
        let allowed = wanted.chars().count().max(lower.chars().count()) / 3;
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    match (best, beginning.as_slice()) {
        (Some((_, candidate)), _) => Some(candidate),
        (None, [candidate]) => Some(*candidate),
        _ => None,
    }
}

/// The end of an error message: `` ; did you mean `NAME`? ``, or nothing.
#[must_use]
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(name, candidates)
        .map(|found| format!("; did you mean `{found}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn proposes_only_near_names() {
        let names = [
            "montgomery",
            "shenzhen",
            "tbx11k-v1-healthy-vs-atb",
            "tbx11k-v1-f0",
        ];
        assert_eq!(closest("montgomry", names), Some("montgomery"));
        assert_eq!(
            closest("tbx11k-v1-healty-vs-atb", names),
            Some("tbx11k-v1-healthy-vs-atb")
        );
        assert_eq!(closest("TBX11K-V1-F0", names), Some("tbx11k-v1-f0"));
        assert_eq!(closest("shen", names), Some("shenzhen"));
        assert_eq!(closest("tbx11k", names), None);
        assert_eq!(closest("resnet", names), None);
        assert_eq!(closest("", names), None);
        assert_eq!(closest(&"m".repeat(100_000), names), None);
    }
}
