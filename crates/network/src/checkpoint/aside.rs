//! Weights of the same network that a file holds beside those that are read, such as their moving
//! averages (`state_dict_ema` of timm, callbacks of Lightning).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::error::shorten;
use super::limits;
use super::pickle::{Arena, Id, TensorRef, Value};
use super::weights::{Weights, collect_network, is_network};

/// Dictionaries within each other that are looked into.
const DEEPEST: usize = 4;
/// What optimizers keep for each weight has the weights' shapes.
const OPTIMIZER: &str = "optim";

/// The entries of a pickled object that hold at least half of the weights once more, by their keys
/// joined with `/`, fit for a message, in the order of the file and the outer ones first.
pub(super) fn left_aside(arena: &Arena, root: Id, weights: &Weights<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = HashSet::from([weights.place]);
    let mut open = VecDeque::from([(String::new(), root, 0usize)]);
    let mut looked_at = 0usize;
    while let Some((path, here, depth)) = open.pop_front() {
        for &(key, value) in entries(arena, here) {
            looked_at += 1;
            if looked_at > limits::TENSORS || found.len() == limits::ENTRIES_NAMED {
                return found;
            }
            let Some(key) = arena.text(key) else { continue };
            if key.starts_with(OPTIMIZER) || !seen.insert(value) {
                continue;
            }
            let path = match path.as_str() {
                "" => shorten(key),
                path => format!("{path}/{}", shorten(key)),
            };
            if is_copy(arena, value, weights) {
                found.push(path);
            } else if depth < DEEPEST {
                open.push_back((path, value, depth + 1));
            }
        }
    }
    found
}

/// The entries of a dictionary, or the attributes of an instance.
fn entries(arena: &Arena, id: Id) -> &[(Id, Id)] {
    let attributes = || {
        arena
            .object(id)?
            .state
            .and_then(|state| arena.entries(state))
    };
    arena.entries(id).or_else(attributes).unwrap_or(&[])
}

/// Whether a dictionary, list or network holds at least half of the weights.
fn is_copy(arena: &Arena, id: Id, weights: &Weights<'_>) -> bool {
    let enough = |count: usize| 2 * count >= weights.tensors.len();
    let own = &weights.tensors;
    if let Some(items) = arena.sequence(id) {
        // Without names.
        let tensors = items.iter().filter_map(|&item| float_tensor(arena, item));
        let nameless = |tensor| ("", tensor);
        let own = named(own).map(|(_, tensor)| nameless(tensor));
        return enough(items.len()) && enough(in_common(own, tensors.map(nameless)));
    }
    if is_network(arena, id) {
        let copy = collect_network(arena, id);
        return copy.is_ok_and(|copy| enough(in_common(named(own), named(&copy.tensors))));
    }
    let entries = arena.entries(id).unwrap_or(&[]);
    let tensors = entries
        .iter()
        .filter_map(|&(key, value)| Some((arena.text(key)?, float_tensor(arena, value)?)));
    enough(entries.len()) && enough(in_common(named(own), tensors))
}

fn named<'a>(
    tensors: &'a BTreeMap<String, &TensorRef>,
) -> impl Iterator<Item = (&'a str, &'a TensorRef)> {
    tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), *tensor))
}

fn float_tensor(arena: &Arena, id: Id) -> Option<&TensorRef> {
    match arena.get(id) {
        Value::Tensor(tensor) if tensor.scalar.is_float() => Some(tensor),
        _ => None,
    }
}

/// How many tensors of one's own are among the others, by shape and the end of their name: what
/// wrappers put in front of it differs.
fn in_common<'a>(
    own: impl Iterator<Item = (&'a str, &'a TensorRef)>,
    others: impl Iterator<Item = (&'a str, &'a TensorRef)>,
) -> usize {
    let mut left: HashMap<(&str, &[usize]), usize> = HashMap::new();
    for (name, tensor) in own {
        *left.entry((end(name), &tensor.shape)).or_default() += 1;
    }
    let mut common = 0;
    for (name, tensor) in others.take(limits::TENSORS) {
        if let Some(left) = left
            .get_mut(&(end(name), &tensor.shape[..]))
            .filter(|left| **left > 0)
        {
            *left -= 1;
            common += 1;
        }
    }
    common
}

/// The module and the parameter that a name ends with.
fn end(name: &str) -> &str {
    let dot = name.rmatch_indices('.').nth(1);
    dot.map_or(name, |(at, _)| &name[at + 1..])
}
