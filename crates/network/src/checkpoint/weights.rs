//! Where in a pickled object the weights, the epoch, and the normalizer are.

use std::collections::BTreeMap;

use super::error::{Fault, listed, shorten};
use super::limits;
use super::pickle::{Arena, Id, TensorRef, Value};

/// Keys under which training scripts keep the state dict.
const NESTS: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "network"];
/// How many such keys may be nested.
const NEST_DEPTH: usize = 3;

/// The weights a pickle refers to, without their values.
#[derive(Debug)]
pub(super) struct Weights<'a> {
    /// The state dict or network that they come from.
    pub(super) place: Id,
    pub(super) tensors: BTreeMap<String, &'a TensorRef>,
    /// Entries of the state dict that are no weights, and what they are.
    pub(super) skipped: BTreeMap<String, String>,
    /// Whether the file holds a whole network rather than a state dict.
    pub(super) whole_network: bool,
}

/// Finds the state dict, or the network, in the outermost object of a pickle.
pub(super) fn find(arena: &Arena, root: Id) -> Result<Weights<'_>, Fault> {
    let mut here = root;
    for _ in 0..=NEST_DEPTH {
        if is_network(arena, here) {
            return collect_network(arena, here);
        }
        let nested = NESTS
            .iter()
            .filter_map(|name| arena.entry(here, name))
            .find(|&inner| holds_weights(arena, inner));
        match nested {
            Some(inner) => here = inner,
            None => break,
        }
    }
    let weights = collect_state_dict(arena, here)?;
    if weights.tensors.is_empty() {
        return Err(Fault::NoStateDict(describe(arena, root)));
    }
    Ok(weights)
}

fn holds_weights(arena: &Arena, id: Id) -> bool {
    is_network(arena, id)
        || arena
            .entries(id)
            .unwrap_or(&[])
            .iter()
            .any(|&(key, value)| {
                matches!(arena.get(value), Value::Tensor(_))
                    || arena.text(key).is_some_and(|key| NESTS.contains(&key))
            })
}

fn describe(arena: &Arena, root: Id) -> String {
    match arena.entries(root) {
        Some([]) => "it holds an empty dictionary".to_owned(),
        Some(entries) => {
            let keys: Vec<String> = entries
                .iter()
                .take(limits::TENSORS)
                .filter_map(|&(key, value)| {
                    Some(format!("{} ({})", arena.text(key)?, arena.kind(value)))
                })
                .collect();
            format!("it holds a dictionary with {}", listed(&keys))
        }
        None => format!("it holds {}", shorten(&arena.kind(root))),
    }
}

fn collect_state_dict(arena: &Arena, id: Id) -> Result<Weights<'_>, Fault> {
    let mut weights = Weights::of(id);
    for &(key, value) in arena.entries(id).unwrap_or(&[]) {
        if let Some(key) = arena.text(key) {
            weights.take(arena, key.to_owned(), value)?;
        }
    }
    Ok(weights)
}

impl<'a> Weights<'a> {
    fn of(place: Id) -> Self {
        Self {
            place,
            tensors: BTreeMap::new(),
            skipped: BTreeMap::new(),
            whole_network: false,
        }
    }

    fn take(&mut self, arena: &'a Arena, key: String, value: Id) -> Result<(), Fault> {
        if self.tensors.len() + self.skipped.len() >= limits::TENSORS {
            return Err(Fault::BeyondLimit(format!(
                "more than {} tensors",
                limits::TENSORS
            )));
        }
        self.tensors.remove(&key);
        self.skipped.remove(&key);
        match arena.get(value) {
            Value::Tensor(tensor) if tensor.scalar.is_float() => {
                self.tensors.insert(key, tensor);
            }
            Value::Tensor(tensor) => {
                self.skipped
                    .insert(key, format!("a tensor of {}", tensor.scalar.name()));
            }
            _ => {
                self.skipped.insert(key, shorten(&arena.kind(value)));
            }
        }
        Ok(())
    }
}

/// Whether this is a pickled `torch.nn.Module`.
pub(super) fn is_network(arena: &Arena, id: Id) -> bool {
    module_parts(arena, id).is_some()
}

/// The attributes of a pickled `torch.nn.Module`.
fn module_parts(arena: &Arena, id: Id) -> Option<Id> {
    let state = arena.object(id)?.state?;
    arena.entry(state, "_parameters")?;
    arena.entry(state, "_modules")?;
    Some(state)
}

/// Weights of a pickled network, under the names its `state_dict()` would give them.
pub(super) fn collect_network(arena: &Arena, network: Id) -> Result<Weights<'_>, Fault> {
    let mut weights = Weights {
        whole_network: true,
        ..Weights::of(network)
    };
    let mut open = vec![(String::new(), network, 0usize)];
    let mut seen = 0usize;
    while let Some((prefix, module, depth)) = open.pop() {
        seen += 1;
        if depth > limits::MODULE_DEPTH || seen > limits::TENSORS {
            return Err(Fault::BeyondLimit(format!(
                "a network with more than {} modules, or {} in each other",
                limits::TENSORS,
                limits::MODULE_DEPTH
            )));
        }
        let Some(state) = module_parts(arena, module) else {
            continue;
        };
        for kind in ["_parameters", "_buffers"] {
            let entries = arena
                .entry(state, kind)
                .and_then(|id| arena.entries(id))
                .unwrap_or(&[]);
            for &(key, value) in entries {
                match (arena.text(key), arena.get(value)) {
                    (_, Value::None) | (None, _) => {}
                    (Some(key), _) => weights.take(arena, format!("{prefix}{key}"), value)?,
                }
            }
        }
        let modules = arena
            .entry(state, "_modules")
            .and_then(|id| arena.entries(id))
            .unwrap_or(&[]);
        for &(key, value) in modules {
            if let Some(key) = arena.text(key) {
                if open.len() + seen > limits::TENSORS || key.len() > 1000 {
                    return Err(Fault::BeyondLimit(
                        "a network with too many modules".to_owned(),
                    ));
                }
                open.push((format!("{prefix}{key}."), value, depth + 1));
            }
        }
    }
    if weights.tensors.is_empty() {
        return Err(Fault::NoStateDict(
            "it holds a network without weights".to_owned(),
        ));
    }
    Ok(weights)
}

/// The epoch that a training checkpoint names.
pub(super) fn epoch(arena: &Arena, root: Id) -> Option<i64> {
    match arena.get(arena.entry(root, "epoch")?) {
        Value::Int(epoch) => Some(*epoch),
        _ => None,
    }
}
