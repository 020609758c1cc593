//! Which checkpoint of a training folder is meant.

use std::io;
use std::path::{Path, PathBuf};

use mednet_base::file::read_limited;

use super::error::{CheckpointError, shorten, unreadable};

/// Between `epoch` and its number, in order of preference.
const SEPARATORS: [char; 3] = ['=', '-', '_'];
/// Longest `train.meta.json` that is read, in bytes.
const META_LIMIT: u64 = 16 << 20;

/// The checkpoint file that a path given by a user means.
///
/// A file means itself. A folder means, of the files that training writes,
/// `model-at-{lowest|highest}-validation-METRIC-epoch=N.ckpt` (best), else `model-at-epoch=N.ckpt`
/// (last); of several, the highest `N`. The separator may be `=`, `-` or `_`; no other text may
/// follow. METRIC and direction come from `checkpoint-metric` and `checkpoint-mode` in the folder's
/// `train.meta.json`, and are `loss` and `min` where that does not say.
///
/// # Errors
///
/// If there is nothing at this path, it cannot be read, `train.meta.json` is malformed, or no file
/// has such a name.
pub fn resolve_weight(path: &Path) -> Result<PathBuf, CheckpointError> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !metadata.is_dir() {
        return Ok(path.to_owned());
    }
    let (metric, mode) = best_criterion(&path.join("train.meta.json"))?;
    let extreme = if mode == "max" { "highest" } else { "lowest" };
    let stems = [
        format!("model-at-{extreme}-validation-{metric}"),
        "model-at".to_owned(),
    ];

    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
        let entry = entry.map_err(|error| unreadable(path, error))?;
        // Names that are no text cannot be among those that training writes.
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    for stem in &stems {
        let literal = format!("{stem}-{{epoch}}.ckpt");
        let chosen = names
            .iter()
            .find(|name| **name == literal && path.join(name).is_file());
        if let Some(name) = chosen.or_else(|| latest(path, &names, stem)) {
            return Ok(path.join(name));
        }
    }
    Err(CheckpointError::NoCheckpointInFolder {
        path: path.to_owned(),
        looked_for: stems
            .iter()
            .map(|stem| format!("`{stem}-epoch=N.ckpt`"))
            .collect(),
        found: names
            .into_iter()
            .filter(|name| is_checkpoint_name(name))
            .collect(),
    })
}

/// The name with the highest epoch.
fn latest<'a>(folder: &Path, names: &'a [String], stem: &str) -> Option<&'a String> {
    names
        .iter()
        .filter_map(|name| Some((epoch_of(name, stem)?, name)))
        .filter(|(_, name)| folder.join(name).is_file())
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, name)| name)
}

/// The epoch in `STEM-epoch=N.ckpt` with the preference of its separator, or `None` for any other
/// name (also `epoch=07`, which training never writes).
fn epoch_of(name: &str, stem: &str) -> Option<(u64, std::cmp::Reverse<usize>)> {
    let rest = name.strip_prefix(stem)?.strip_prefix("-epoch")?;
    let separator = SEPARATORS
        .iter()
        .position(|separator| rest.starts_with(*separator))?;
    let digits = rest[1..].strip_suffix(".ckpt")?;
    let epoch: u64 = digits.parse().ok()?;
    (epoch.to_string() == digits).then_some((epoch, std::cmp::Reverse(separator)))
}

fn is_checkpoint_name(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    extension.is_some_and(|e| {
        ["ckpt", "pt", "pth", "safetensors"]
            .iter()
            .any(|known| e.eq_ignore_ascii_case(known))
    }) || name.contains(".ckpt")
}

/// `checkpoint-metric` and `checkpoint-mode` of a training run.
fn best_criterion(path: &Path) -> Result<(String, String), CheckpointError> {
    let bad = |reason: String| CheckpointError::BadTrainMeta {
        path: path.to_owned(),
        reason,
    };
    let default = ("loss".to_owned(), "min".to_owned());
    let text = match read_limited(path, META_LIMIT) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(default),
        // Not a file, or too long.
        Err(error) if error.kind() == io::ErrorKind::Other => return Err(bad(error.to_string())),
        Err(error) => return Err(unreadable(path, error)),
    };
    let meta: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    if !meta.is_object() {
        return Err(bad("expected a JSON object".to_owned()));
    }
    let text_of = |key: &str, default: String| match meta.get(key) {
        None | Some(serde_json::Value::Null) => Ok(default),
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => {
            let found = shorten(&other.to_string());
            Err(bad(format!("`{key}` is {found}, expected a text")))
        }
    };
    let metric = text_of("checkpoint-metric", default.0)?;
    let mode = text_of("checkpoint-mode", default.1)?;
    if mode != "min" && mode != "max" {
        return Err(bad(format!(
            "`checkpoint-mode` is `{}`, expected `min` or `max`",
            shorten(&mode)
        )));
    }
    Ok((metric, mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[(&str, &str)]) -> Result<String, CheckpointError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let file = resolve_weight(folder.path())?;
        Ok(file.file_name().unwrap().to_str().unwrap().to_owned())
    }

    const BEST: &str = "model-at-lowest-validation-loss-epoch";

    #[test]
    fn best_wins_over_last_and_later_over_earlier() {
        let (two, ten) = (format!("{BEST}=2.ckpt"), format!("{BEST}-10.ckpt"));
        let files = [
            ("model-at-epoch=99.ckpt", ""),
            (two.as_str(), ""),
            (ten.as_str(), ""),
        ];
        assert_eq!(chosen(&files).unwrap(), ten);
    }

    #[test]
    fn last_is_taken_where_there_is_no_best() {
        let files = [
            ("model-at-epoch=9.ckpt", ""),
            ("model-at-epoch_11.ckpt", ""),
            ("a.ckpt", ""),
        ];
        assert_eq!(chosen(&files).unwrap(), "model-at-epoch_11.ckpt");
    }

    #[test]
    fn separators_have_an_order() {
        let files = ["_", "-", "="].map(|separator| format!("{BEST}{separator}3.ckpt"));
        let files: Vec<_> = files.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(chosen(&files).unwrap(), format!("{BEST}=3.ckpt"));
    }

    #[test]
    fn training_says_what_best_means() {
        let meta = r#"{"checkpoint-metric": "auroc", "checkpoint-mode": "max"}"#;
        let lowest = format!("{BEST}=8.ckpt");
        let highest = "model-at-highest-validation-auroc-epoch=3.ckpt";
        let files = [
            ("train.meta.json", meta),
            (lowest.as_str(), ""),
            (highest, ""),
        ];
        assert_eq!(chosen(&files).unwrap(), highest);
    }

    #[test]
    fn only_exact_names_count() {
        let names = [
            "=3.ckpt.bak",
            "=3-v1.ckpt",
            "=03.ckpt",
            "=.ckpt",
            "=+3.ckpt",
            "3.ckpt",
            "=3.CKPT",
        ];
        for name in names.map(|end| format!("{BEST}{end}")) {
            let message = chosen(&[(&name, "")]).unwrap_err().to_string();
            assert!(
                message.contains(&name) || name.ends_with("bak"),
                "{message}"
            );
            assert!(
                message.contains("model-at-lowest-validation-loss-epoch=N.ckpt"),
                "{message}"
            );
            assert!(message.contains("model-at-epoch=N.ckpt"), "{message}");
        }
    }

    #[test]
    fn a_literal_placeholder_wins() {
        let literal = "model-at-lowest-validation-loss-{epoch}.ckpt";
        let numbered = format!("{BEST}=3.ckpt");
        assert_eq!(chosen(&[(literal, ""), (&numbered, "")]).unwrap(), literal);
    }

    #[test]
    fn bad_meta_files_are_named() {
        for meta in [
            "{",
            "[]",
            r#"{"checkpoint-mode": "least"}"#,
            r#"{"checkpoint-metric": 1}"#,
        ] {
            let message = chosen(&[("train.meta.json", meta)])
                .unwrap_err()
                .to_string();
            assert!(message.contains("train.meta.json"), "{message}");
        }
    }

    #[test]
    fn a_file_is_itself_and_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("any name");
        assert!(matches!(
            resolve_weight(&file),
            Err(CheckpointError::NotFound { .. })
        ));
        std::fs::write(&file, "").unwrap();
        assert_eq!(resolve_weight(&file).unwrap(), file);
        let message = resolve_weight(folder.path()).unwrap_err().to_string();
        assert!(message.contains("found no .ckpt file"), "{message}");
    }
}
