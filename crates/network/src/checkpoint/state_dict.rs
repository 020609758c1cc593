//! Fitting the names of a file to the names of a network.

use std::collections::{BTreeMap, BTreeSet};

use super::Checkpoint;
use super::architecture::guess;
use super::error::{CheckpointError, Misshapen};
use crate::tensor::Tensor;

/// What training wrappers put before every name: mednet's networks from torchvision (`model.`,
/// earlier `model_ft.`), `torch.nn.DataParallel`, and `torch.compile`. They may be nested.
const PREFIXES: [&str; 4] = ["model.", "model_ft.", "module.", "_orig_mod."];

/// The weights of a checkpoint under the names of a network.
#[derive(Debug)]
pub struct Matched<'a> {
    /// Every weight that the network expects, of the expected shape.
    pub tensors: BTreeMap<String, &'a Tensor>,
    /// Names in the file that the network has no use for; without weights of the loss, the
    /// normalizer, and the counters `num_batches_tracked`.
    pub unused: Vec<String>,
    /// What was taken off the names in the file, such as `model.`, or an empty text.
    pub prefix: String,
}

impl Checkpoint {
    /// Finds the weights of a network, given the name and shape of each.
    ///
    /// Names in the file may carry one of the prefixes `model.`, `model_ft.`, `module.`,
    /// `_orig_mod.` or several nested ones; the prefix under which most weights are found is taken.
    /// DenseNet's names of the first torchvision releases (`norm.1` for `norm1`) are understood.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::MissingKeys`] or [`CheckpointError::MisshapenKeys`].
    pub fn match_keys(
        &self,
        expected: &[(String, Vec<usize>)],
    ) -> Result<Matched<'_>, CheckpointError> {
        let prefix = self.best_prefix(expected);
        let mut available: BTreeMap<String, (&str, &Tensor)> = BTreeMap::new();
        for (key, tensor) in &self.tensors {
            if let Some(name) = key.strip_prefix(prefix.as_str()) {
                // A name of today wins over an old one for the same weight.
                let modern = modern_name(name);
                if modern == name || !available.contains_key(&modern) {
                    available.insert(modern, (key, tensor));
                }
            }
        }

        let mut tensors = BTreeMap::new();
        let mut used: BTreeSet<&str> = BTreeSet::new();
        let mut missing = Vec::new();
        let mut misshapen = Vec::new();
        for (name, shape) in expected {
            match available.get(name) {
                None => missing.push(name.clone()),
                Some((key, tensor)) => {
                    used.insert(key);
                    if tensor.shape() == shape {
                        tensors.insert(name.clone(), *tensor);
                    } else {
                        misshapen.push(Misshapen {
                            key: name.clone(),
                            expected: shape.clone(),
                            found: tensor.shape().to_vec(),
                        });
                    }
                }
            }
        }
        let path = self.path.clone();
        if !missing.is_empty() {
            let hint = self
                .hint(expected)
                .or_else(|| self.passed_over(&prefix, &missing));
            return Err(CheckpointError::MissingKeys {
                path,
                missing,
                expected: expected.len(),
                hint,
            });
        }
        if !misshapen.is_empty() {
            return Err(CheckpointError::MisshapenKeys {
                path,
                misshapen,
                hint: self.hint(expected),
            });
        }
        let unused = self
            .tensors
            .keys()
            .chain(self.skipped.keys())
            .filter(|key| !used.contains(key.as_str()) && !is_expected_surplus(key))
            .cloned()
            .collect();
        Ok(Matched {
            tensors,
            unused,
            prefix,
        })
    }

    /// The number of outputs of the network: the length of its last layer's bias, such as
    /// `dense.bias` or `classifier.bias`, under any of the known prefixes.
    #[must_use]
    pub fn output_count(&self, final_bias_key: &str) -> Option<usize> {
        let lengths = self.tensors.iter().filter_map(|(key, tensor)| {
            let prefix = key.strip_suffix(final_bias_key)?;
            match tensor.shape() {
                &[length] if is_prefix(prefix) => Some((prefix.len(), length)),
                _ => None,
            }
        });
        lengths.min().map(|(_, length)| length)
    }

    /// The prefix under which most of the expected names are found; the shortest of several.
    fn best_prefix(&self, expected: &[(String, Vec<usize>)]) -> String {
        let mut candidates: BTreeSet<&str> = BTreeSet::from([""]);
        for key in self.tensors.keys() {
            let mut end = 0;
            while let Some(prefix) = PREFIXES
                .iter()
                .find(|prefix| key[end..].starts_with(**prefix))
            {
                end += prefix.len();
                candidates.insert(&key[..end]);
                if candidates.len() > 64 {
                    break;
                }
            }
        }
        let names: BTreeSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
        let found = |prefix: &str| {
            let keys = self
                .tensors
                .keys()
                .filter_map(|key| key.strip_prefix(prefix));
            keys.filter(|name| names.contains(modern_name(name).as_str()))
                .count()
        };
        candidates
            .into_iter()
            .max_by_key(|prefix| (found(prefix), std::cmp::Reverse(prefix.len())))
            .unwrap_or_default()
            .to_owned()
    }

    /// Says so if the names are those of another architecture than the expected one.
    fn hint(&self, expected: &[(String, Vec<usize>)]) -> Option<String> {
        let found = guess(&self.tensors.keys().map(String::as_str))?;
        if guess(&expected.iter().map(|(name, _)| name.as_str())) == Some(found) {
            return None;
        }
        let article = if found.starts_with(['A', 'E', 'I', 'O']) {
            "an"
        } else {
            "a"
        };
        Some(format!("this looks like {article} {found} checkpoint"))
    }

    /// Says so if a missing weight is in the file, but not as floating-point numbers.
    fn passed_over(&self, prefix: &str, missing: &[String]) -> Option<String> {
        missing.iter().find_map(|name| {
            let what = self.skipped.get(&format!("{prefix}{name}"))?;
            Some(format!("`{name}` is there, but as {what}"))
        })
    }
}

fn is_prefix(text: &str) -> bool {
    let mut rest = text;
    while let Some(tail) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = tail;
    }
    rest.is_empty()
}

/// Names that a checkpoint has beside the network's weights, and nobody needs to hear of.
fn is_expected_surplus(key: &str) -> bool {
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop();
    last == Some("num_batches_tracked")
        || parts.iter().any(|part| part.ends_with("_loss"))
        || parts
            .first()
            .is_some_and(|part| matches!(*part, "normalizer" | "_normalizer"))
}

/// `denselayerN.norm.1.weight` is today's `denselayerN.norm1.weight` (the first
/// torchvision releases had a point there, which torch later forbade in names of modules).
fn modern_name(name: &str) -> String {
    if name.contains(".denselayer") {
        for layer in ["norm", "relu", "conv"] {
            for number in ["1", "2"] {
                let old = format!(".{layer}.{number}.");
                if let Some(at) = name.find(&old) {
                    let rest = &name[at + old.len()..];
                    return format!("{}.{layer}{number}.{rest}", &name[..at]);
                }
            }
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn checkpoint(keys: &[(&str, &[usize])]) -> Checkpoint {
        Checkpoint {
            path: PathBuf::from("network.ckpt"),
            sha256: String::new(),
            format: String::new(),
            tensors: keys
                .iter()
                .map(|(k, s)| ((*k).to_owned(), Tensor::zeros(*s)))
                .collect(),
            skipped: BTreeMap::new(),
            normalizer: None,
            epoch: None,
            would_execute: Vec::new(),
            left_aside: Vec::new(),
        }
    }

    fn expected(keys: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
        keys.iter()
            .map(|(key, shape)| ((*key).to_owned(), shape.to_vec()))
            .collect()
    }

    const NETWORK: [(&str, &[usize]); 2] = [("dense.weight", &[3, 4]), ("dense.bias", &[3])];

    #[test]
    fn every_prefix_is_taken_off() {
        for prefix in [
            "",
            "model.",
            "model_ft.",
            "module.",
            "_orig_mod.",
            "module.model._orig_mod.",
        ] {
            let weight = format!("{prefix}dense.weight");
            let bias = format!("{prefix}dense.bias");
            let file = checkpoint(&[
                (&weight, &[3, 4]),
                (&bias, &[3]),
                ("train_loss.pos_weight", &[1]),
                ("_validation_loss.pos_weight", &[1]),
            ]);
            let matched = file.match_keys(&expected(&NETWORK)).unwrap();
            assert_eq!(matched.prefix, prefix);
            assert_eq!(matched.tensors.len(), 2);
            assert!(matched.unused.is_empty(), "{:?}", matched.unused);
            assert_eq!(file.output_count("dense.bias"), Some(3));
        }
    }

    #[test]
    fn output_count_looks_at_whole_names() {
        let file = checkpoint(&[("model.predense.bias", &[5]), ("other.dense.bias", &[6])]);
        assert_eq!(file.output_count("dense.bias"), None);
    }

    #[test]
    fn surplus_is_reported() {
        let file = checkpoint(&[
            ("dense.weight", &[3, 4]),
            ("dense.bias", &[3]),
            ("head.weight", &[1]),
            ("bn.num_batches_tracked", &[]),
        ]);
        assert_eq!(
            file.match_keys(&expected(&NETWORK)).unwrap().unused,
            ["head.weight"]
        );
    }

    #[test]
    fn missing_weights_are_named_with_a_hint() {
        let file = checkpoint(&[
            ("model.features.denseblock1.denselayer1.norm1.weight", &[64]),
            (
                "model.features.denseblock3.denselayer24.norm1.weight",
                &[64],
            ),
        ]);
        let many: Vec<_> = (0..15)
            .map(|n| (format!("fc{n}.weight"), vec![1]))
            .collect();
        let message = file.match_keys(&many).unwrap_err().to_string();
        assert!(message.contains("fc9.weight and 5 more"), "{message}");
        assert!(
            message.contains("looks like a DenseNet-121 checkpoint"),
            "{message}"
        );
        assert!(message.contains("15 of the network's 15"), "{message}");
    }

    #[test]
    fn misshapen_weights_are_named_with_both_shapes() {
        let file = checkpoint(&[("dense.weight", &[1, 4]), ("dense.bias", &[1])]);
        let message = file
            .match_keys(&expected(&NETWORK))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("dense.weight (expected [3, 4], found [1, 4])"),
            "{message}"
        );
        assert!(
            message.contains("dense.bias (expected [3], found [1])"),
            "{message}"
        );
    }

    #[test]
    fn old_densenet_names_are_understood() {
        let layer = "features.denseblock1.denselayer1";
        let (old, new) = (
            format!("module.{layer}.norm.1.weight"),
            format!("{layer}.norm1.weight"),
        );
        let file = checkpoint(&[(&old, &[64])]);
        let matched = file.match_keys(&[(new.clone(), vec![64])]).unwrap();
        assert!(matched.tensors.contains_key(&new));
        assert!(matched.unused.is_empty());
    }
}
