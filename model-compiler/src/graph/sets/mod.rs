//! Which axis of which value is a set of constituents, and where the set ends: an annotation of the graph.
//!
//! An axis is a set as long as every step treats all slots alike: functions of an element, layers along the features,
//! whatever keeps the rows of the slots whole. A reduction over the slots ends it, as pooling. Any other step fixes the
//! slots in their places, and so does an output with a row per slot; then the axis is no set, and the step is named.
//! Nothing is rewritten here.

mod conv;
mod follow;
mod slots;
mod step;
#[cfg(test)]
mod tests;

pub use slots::Slots;

use super::{Graph, GraphInput, Op, ValueId};

/// A step at which a set ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The node, or the output, by name.
    pub node: String,
    /// Its operation.
    pub operation: &'static str,
    /// Why the slots are fixed in their places behind it; nothing where it pools them.
    pub fixed: Option<String>,
}

/// An axis of constituents, followed through the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAxis {
    /// Number of slots.
    pub slots: usize,
    /// Where the slots lie in each value that has them, by [`ValueId::index`].
    pub values: Vec<Option<Slots>>,
    /// The inputs that have the axis, as indices into [`Graph::inputs`].
    pub inputs: Vec<usize>,
    /// Number of layers that are applied to each slot on its own.
    pub layers: usize,
    /// Where it ends, in the graph's order.
    pub ends: Vec<End>,
}

impl SetAxis {
    /// Whether every way from the inputs ends in a pooling over the slots.
    pub fn is_set(&self) -> bool {
        !self.ends.is_empty() && self.ends.iter().all(|end| end.fixed.is_none())
    }

    /// The first step that fixes the slots in their places.
    pub fn fixed(&self) -> Option<&End> {
        self.ends.iter().find(|end| end.fixed.is_some())
    }

    /// The nodes that pool, by name.
    pub fn pooled(&self) -> impl Iterator<Item = &End> {
        self.ends.iter().filter(|end| end.fixed.is_none())
    }

    /// Where the slots lie in an input.
    pub fn of(&self, value: ValueId) -> Option<Slots> {
        self.values[value.index()]
    }
}

/// What a user says of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stated {
    /// Nothing.
    Nothing,
    /// Its slots are a set.
    Set,
    /// It has none.
    NoSet,
}

/// The axis of `graph` that is a set or, where none is, the likeliest one with the step that fixes it: of the inputs of which
/// it is stated, where there are some.
pub fn set_axis(graph: &Graph, stated: impl Fn(&GraphInput) -> Stated) -> Option<SetAxis> {
    let said: Vec<Stated> = graph.inputs().iter().map(stated).collect();
    let of = |wanted: &[Stated]| -> Vec<usize> {
        (0..said.len())
            .filter(|index| wanted.contains(&said[*index]))
            .collect()
    };
    let allowed = of(&[Stated::Nothing, Stated::Set]);
    let sets = of(&[Stated::Set]);
    let anchors = match sets.is_empty() {
        true => &allowed,
        false => &sets,
    };
    let mut likeliest = None;
    for anchor in anchors {
        for own in candidates(graph, graph.inputs()[*anchor].value) {
            let others = allowed.iter().filter(|index| *index != anchor);
            let joined = others.filter_map(|index| {
                let shape = graph.shape(graph.inputs()[*index].value);
                Some((*index, Slots::along_extent(shape, own.slots)?))
            });
            let mut members: Vec<(usize, Slots)> = joined.collect();
            members.push((*anchor, own));
            members.sort_by_key(|(index, _)| *index);
            let stated = members.iter().filter(|(index, _)| sets.contains(index));
            let stated: Vec<(usize, Slots)> = stated.copied().collect();
            for members in [members, stated, vec![(*anchor, own)]] {
                if members.is_empty() {
                    continue;
                }
                let axis = follow::follow(graph, own.slots, &members);
                match axis.is_set() {
                    // Products of features, too, are sums in which these are all alike: a layer is what tells slots from them.
                    true if own.outer == 1 || axis.layers > 0 => return Some(axis),
                    true => {}
                    false => {
                        likeliest.get_or_insert(axis);
                    }
                }
            }
        }
    }
    likeliest
}

/// Where the slots of an input may lie: along its axes behind the event's, or along those that reshapes give to it.
fn candidates(graph: &Graph, input: ValueId) -> Vec<Slots> {
    let consumers = graph.consumers();
    let mut found = Vec::new();
    let mut reached = vec![input];
    let mut next = 0;
    while let Some(value) = reached.get(next).copied() {
        next += 1;
        let shape = graph.shape(value);
        if shape.len() > 2 {
            let axes = (1..shape.len()).filter(|axis| shape[*axis] > 1);
            found.extend(axes.map(|axis| Slots::along(shape, axis)));
        }
        for id in &consumers[value.index()] {
            let node = graph.node(*id);
            // The elements stay where they are.
            let stay = matches!(
                node.op,
                Op::Reshape { .. }
                    | Op::Unary(_)
                    | Op::ScaleShift { .. }
                    | Op::Quantise(_)
                    | Op::Dequantise { .. }
                    | Op::FixedPoint(_)
            );
            if stay && !reached.contains(&node.output) {
                reached.push(node.output);
            }
        }
    }
    let mut distinct: Vec<Slots> = Vec::new();
    for slots in found {
        if !distinct.contains(&slots) {
            distinct.push(slots);
        }
    }
    distinct
}
