//! Placement: the parts of a concatenation are written side by side from the start, and memory is
//! used again as soon as no later step reads what lies in it.

use std::collections::HashMap;

use super::{Action, Placement, Plan, Step};
use crate::graph::{Graph, NodeId, Operation, Shape};

/// Contiguous memory for one value, or for all parts of a concatenation.
struct Storage {
    size: usize,
    first_step: usize,
    last_step: usize,
    /// Holds something that outlives the run.
    kept: bool,
}

pub(super) fn place(
    graph: &Graph,
    steps: Vec<Step>,
    shapes: HashMap<NodeId, Shape>,
    sources: &[NodeId],
    wanted: &[NodeId],
) -> Plan {
    let mut placing = Placing {
        graph,
        shapes,
        storages: Vec::new(),
        places: HashMap::new(),
    };
    let written: Vec<NodeId> = sources
        .iter()
        .copied()
        .chain(steps.iter().map(|step| step.output))
        .collect();
    placing.join_concatenations(&steps, &written);
    for &id in &written {
        placing.own_storage(id);
    }
    let steps = placing.alias_and_copy(steps, sources);
    placing.note_lifetimes(&steps, sources, wanted);
    placing.into_plan(steps)
}

struct Placing<'g> {
    graph: &'g Graph,
    shapes: HashMap<NodeId, Shape>,
    storages: Vec<Storage>,
    /// Storage and offset of each value.
    places: HashMap<NodeId, (usize, usize)>,
}

impl Placing<'_> {
    fn size(&self, id: NodeId) -> usize {
        self.shapes[&id].iter().product()
    }

    fn new_storage(&mut self, size: usize) -> usize {
        self.storages.push(Storage {
            size,
            first_step: usize::MAX,
            last_step: 0,
            kept: false,
        });
        self.storages.len() - 1
    }

    fn own_storage(&mut self, id: NodeId) {
        if !self.places.contains_key(&id) {
            let storage = self.new_storage(self.size(id));
            self.places.insert(id, (storage, 0));
        }
    }

    /// Gives the inputs of each concatenation neighbouring places, the largest first: in a dense
    /// block, all smaller ones are then the beginning of the largest.
    fn join_concatenations(&mut self, steps: &[Step], written: &[NodeId]) {
        let mut concats: Vec<NodeId> = self
            .shapes
            .keys()
            .copied()
            .filter(|&id| matches!(self.graph.node(id).operation, Operation::Concat))
            .filter(|id| !written.contains(id))
            .collect();
        concats.sort_by_key(|&id| (std::cmp::Reverse(self.size(id)), id));
        for concat in concats {
            let inputs = &self.graph.node(concat).inputs;
            let free = inputs.iter().enumerate().all(|(position, id)| {
                written.contains(id)
                    && !self.places.contains_key(id)
                    && !inputs[..position].contains(id)
            });
            if !free {
                continue;
            }
            let storage = self.new_storage(self.size(concat));
            let mut offset = 0;
            for &id in inputs {
                let part = self.size(id);
                // A step never writes where it reads.
                let reads_here = steps.iter().any(|step| {
                    step.output == id
                        && step.inputs.iter().any(|read| {
                            inputs.contains(read)
                                || matches!(self.graph.node(*read).operation, Operation::Concat)
                                    && self
                                        .graph
                                        .node(*read)
                                        .inputs
                                        .iter()
                                        .any(|part| inputs.contains(part))
                        })
                });
                if !reads_here {
                    self.places.insert(id, (storage, offset));
                }
                offset += part;
            }
            self.places.insert(concat, (storage, 0));
        }
    }

    /// Lets flattened and concatenated values share the memory of their inputs where that is
    /// possible, and adds steps that copy where it is not.
    fn alias_and_copy(&mut self, steps: Vec<Step>, sources: &[NodeId]) -> Vec<Step> {
        let mut ids: Vec<NodeId> = self.shapes.keys().copied().collect();
        ids.sort_unstable();
        let mut copies = Vec::new();
        for id in ids {
            if sources.contains(&id) {
                continue;
            }
            let inputs = self.graph.node(id).inputs.clone();
            match self.graph.node(id).operation {
                Operation::Flatten => {
                    let place = self.places[&inputs[0]];
                    self.places.insert(id, place);
                }
                Operation::Concat => copies.extend(self.concat(id, &inputs)),
                _ => {}
            }
        }
        let mut all = steps;
        for copy in copies {
            // Steps are in the order of what they start with; a copy comes before its first reader.
            let position = all
                .iter()
                .position(|step| self.reads(step, copy.output))
                .unwrap_or(all.len());
            all.insert(position, copy);
        }
        all
    }

    /// Whether a step reads `id`, directly or through a value that shares its memory.
    fn reads(&self, step: &Step, id: NodeId) -> bool {
        step.inputs.iter().any(|&read| self.rests_on(read, id))
    }

    fn rests_on(&self, value: NodeId, id: NodeId) -> bool {
        value == id
            || matches!(
                self.graph.node(value).operation,
                Operation::Flatten | Operation::Concat
            ) && self
                .graph
                .node(value)
                .inputs
                .iter()
                .any(|&input| self.rests_on(input, id))
    }

    /// Places a concatenation. Returns the step that copies the parts that do not lie in it yet.
    fn concat(&mut self, id: NodeId, inputs: &[NodeId]) -> Option<Step> {
        if !self.places.contains_key(&id) {
            let (storage, start) = self.places[&inputs[0]];
            let mut offset = start;
            let contiguous = inputs.iter().all(|&input| {
                let here = self.places[&input] == (storage, offset);
                offset += self.size(input);
                here
            });
            if contiguous {
                self.places.insert(id, (storage, start));
                return None;
            }
            self.own_storage(id);
        }
        let (storage, start) = self.places[&id];
        let mut step = Step {
            action: Action::Relu,
            inputs: Vec::new(),
            output: id,
        };
        let mut first_channels = Vec::new();
        let (mut offset, mut channel) = (start, 0);
        for &input in inputs {
            if self.places[&input] != (storage, offset) {
                step.inputs.push(input);
                first_channels.push(channel);
            }
            offset += self.size(input);
            channel += self.shapes[&input][0];
        }
        step.action = Action::Join { first_channels };
        (!step.inputs.is_empty()).then_some(step)
    }

    fn note_lifetimes(&mut self, steps: &[Step], sources: &[NodeId], wanted: &[NodeId]) {
        let Self {
            storages, places, ..
        } = self;
        let mut touch = |id: &NodeId, step: usize| {
            let storage = &mut storages[places[id].0];
            storage.first_step = storage.first_step.min(step);
            storage.last_step = storage.last_step.max(step);
        };
        for id in sources {
            touch(id, 0);
        }
        for (index, step) in steps.iter().enumerate() {
            touch(&step.output, index);
            for id in &step.inputs {
                touch(id, index);
            }
        }
        for id in wanted {
            self.storages[self.places[id].0].kept = true;
        }
    }

    /// Assigns storages to slots: each takes the free slot that fits best.
    fn into_plan(self, steps: Vec<Step>) -> Plan {
        let mut order: Vec<usize> = (0..self.storages.len()).collect();
        order.sort_by_key(|&index| self.storages[index].first_step);
        let mut slot_sizes: Vec<usize> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut busy: Vec<(usize, usize)> = Vec::new();
        let mut slot_of = vec![0; self.storages.len()];
        for index in order {
            let storage = &self.storages[index];
            busy.retain(|&(slot, last_step)| {
                let over = last_step < storage.first_step;
                if over {
                    free.push(slot);
                }
                !over
            });
            // The smallest that is large enough, else the largest, which then grows.
            let best = (0..free.len())
                .filter(|_| !storage.kept)
                .min_by_key(|&position| {
                    let size = slot_sizes[free[position]];
                    (size < storage.size, size.abs_diff(storage.size))
                });
            let slot = best
                .map(|position| free.swap_remove(position))
                .unwrap_or_else(|| {
                    slot_sizes.push(0);
                    slot_sizes.len() - 1
                });
            slot_sizes[slot] = slot_sizes[slot].max(storage.size);
            if !storage.kept {
                busy.push((slot, storage.last_step));
            }
            slot_of[index] = slot;
        }
        let placements = self
            .places
            .iter()
            .map(|(&id, &(storage, offset))| {
                let image_stride = self.storages[storage].size;
                (
                    id,
                    Placement {
                        slot: slot_of[storage],
                        offset,
                        image_stride,
                    },
                )
            })
            .collect();
        Plan {
            steps,
            shapes: HashMap::new(),
            stored: self.shapes,
            placements,
            slot_sizes,
        }
    }
}
