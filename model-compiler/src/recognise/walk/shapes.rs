//! What only moves values: reshapes, selections, concatenations.

use super::{ISSUE, Walk, Walked, refuse};
use crate::graph::{Node, Op};
use crate::recognise::Layer;
use crate::recognise::classes::{Class, channel_axis, slot_axis};

impl Walk<'_> {
    pub(super) fn reshape(&mut self, node: &Node) -> Walked<Class> {
        let class = self.classes.get(node.inputs[0]).cloned();
        let (from, to) = (
            self.graph.shape(node.inputs[0]),
            self.graph.shape(node.output),
        );
        // Moving axes of extent 1 is a reshape.
        if let Op::Transpose { perm } = &node.op {
            let wide = |axis: &&usize| from[**axis] != 1;
            if !perm.iter().filter(wide).is_sorted() {
                return refuse(node, "a transpose", ISSUE);
            }
        }
        let set = match &class {
            Some(Class::Row {
                per_constituent, ..
            }) => *per_constituent,
            Some(
                Class::Mask(_)
                | Class::Features { .. }
                | Class::Differing { .. }
                | Class::Filled { .. },
            ) => true,
            _ => false,
        };
        if set {
            let slots = |shape: &[usize]| self.capacity().and_then(|p| slot_axis(shape, p));
            if slots(from).is_none() || slots(to).is_none() {
                return refuse(
                    node,
                    "constituents that are flattened into one row",
                    "pool over the constituents, or state `set = false` for the input in inputs.toml",
                );
            }
        }
        match class {
            Some(class) => Ok(class),
            None => refuse(node, "an operand that is not known", ISSUE),
        }
    }

    /// Whether operand `index` broadcasts row by row: its slots are the result's slots, and its
    /// rows are the result's, or one value each.
    pub(super) fn aligned(&self, node: &Node, index: usize) -> bool {
        let from = self.graph.shape(node.inputs[index]);
        let to = self.graph.shape(node.output);
        let slots = |shape: &[usize]| self.capacity().and_then(|p| slot_axis(shape, p));
        let set = match self.classes.get(node.inputs[index]) {
            Some(Class::Row {
                per_constituent, ..
            }) => *per_constituent,
            Some(Class::Mask(_)) => true,
            _ => return false,
        };
        let elements = |shape: &[usize]| shape.iter().product::<usize>();
        if !set {
            return elements(from) == 1 || elements(from) == elements(to);
        }
        let capacity = self.capacity().unwrap_or(1);
        match (slots(from), slots(to)) {
            (Some(a), Some(b)) => {
                let rows = elements(from) == elements(to) || elements(from) == capacity;
                rows && a + to.len() == b + from.len()
            }
            _ => false,
        }
    }

    /// First axis of a row in a tensor of this shape.
    pub(super) fn row_start(&self, shape: &[usize], set: bool) -> usize {
        let slot = self
            .capacity()
            .filter(|_| set)
            .and_then(|p| slot_axis(shape, p));
        slot.map_or(0, |axis| axis + 1)
    }

    pub(super) fn select(
        &mut self,
        node: &Node,
        axis: usize,
        channels: Vec<usize>,
    ) -> Walked<Class> {
        let (x, set, zero) = self.operand(node, 0)?;
        let shape = self.graph.shape(node.inputs[0]);
        let first = self.row_start(shape, set);
        if axis < first || channel_axis(shape, first) != Some(axis) {
            return refuse(node, "a selection that is not of features", ISSUE);
        }
        self.row(node, Layer::Select { x, channels }, set, zero)
    }

    /// Labels of classes, by the index of the likeliest.
    pub(super) fn lookup(&mut self, node: &Node) -> Walked<Class> {
        let labels = "export the index of the class, or its probability";
        let Some(table) = self.graph.constant(node.inputs[0]) else {
            return refuse(node, "indices into an activation", labels);
        };
        // Whole numbers that a float holds exactly.
        let whole = |v: &f32| v.fract() == 0.0 && v.abs() <= 16_777_216.0;
        if table.shape.len() != 1 || !table.data.iter().all(whole) {
            return refuse(node, "labels that are no whole numbers", labels);
        }
        let entries: Vec<i64> = table.data.iter().map(|v| *v as i64).collect();
        let class = self.classes.get(node.inputs[1]).cloned();
        let (x, set, _) = match class {
            Some(Class::Row { .. }) => self.operand(node, 1)?,
            _ => return refuse(node, "indices that are not computed", labels),
        };
        let classes = match self.network.nodes[x].layer {
            Layer::ArgMax { x } => self.network.nodes[x].channels,
            _ => return refuse(node, "an index that is not of the largest", labels),
        };
        if classes > entries.len() {
            return refuse(node, "fewer labels than classes", labels);
        }
        self.row(node, Layer::Lookup { x, entries }, set, None)
    }

    pub(super) fn concat(&mut self, node: &Node, axis: usize) -> Walked<Class> {
        let mut parts = Vec::new();
        let mut set = None;
        for index in 0..node.inputs.len() {
            let (x, s, _) = self.operand(node, index)?;
            if set.is_some_and(|known| known != s) {
                return refuse(node, "constituents beside event values", ISSUE);
            }
            set = Some(s);
            parts.push(x);
        }
        let set = set.unwrap_or(false);
        let shape = self.graph.shape(node.output);
        let first = self.row_start(shape, set);
        if axis < first || channel_axis(shape, first) != Some(axis) {
            return refuse(node, "along an axis that is not the features'", ISSUE);
        }
        self.row(node, Layer::Concat { parts }, set, None)
    }
}
