//! Decision trees: a choice for each node that can be reached.

use std::collections::HashMap;

use hodoscope_program::{TreeAggregate, Trees};

use super::Lowering;
use crate::circuit::WireId;

impl Lowering<'_> {
    pub(super) fn trees(&mut self, trees: &Trees) -> Vec<WireId> {
        let program = self.program;
        let targets = program.constant(trees.leaves).shape[1];
        let roots = &program.constant(trees.roots).data;
        let mut result = Vec::new();
        for row in self.rows(trees.x) {
            for target in 0..targets {
                let mut known = HashMap::new();
                let reached: Vec<WireId> = roots
                    .chunks(2)
                    .map(|tree| {
                        let at = (tree[0] as usize, tree[1]);
                        self.walk(trees, &row, at, target, &mut known)
                    })
                    .collect();
                result.push(match trees.aggregate {
                    TreeAggregate::Sum => self.b.total(&reached),
                    TreeAggregate::Min => self.halved(reached, false),
                    TreeAggregate::Max => self.halved(reached, true),
                });
            }
        }
        result
    }

    /// The leaf that is reached from a node in so many steps.
    fn walk(
        &mut self,
        trees: &Trees,
        row: &[WireId],
        (at, steps): (usize, i64),
        target: usize,
        known: &mut HashMap<(usize, i64), WireId>,
    ) -> WireId {
        if let Some(wire) = known.get(&(at, steps)) {
            return *wire;
        }
        let program = self.program;
        let leaves = program.constant(trees.leaves);
        let wire = if steps == 0 {
            let leaf = leaves.data[at * leaves.shape[1] + target];
            self.b.constant(leaf.into())
        } else {
            let node = &program.constant(trees.nodes).data[4 * (at - trees.first)..][..4];
            let x = row[node[0] as usize];
            let is_yes = self.b.less_than(x, i128::from(node[1]) + 1);
            // A branch that is not taken may lead nowhere.
            let branch = |this: &mut Self, to: i64, known: &mut _| {
                this.walk(trees, row, (to as usize, steps - 1), target, known)
            };
            match self.b.value_of(is_yes) {
                Some(0) => branch(self, node[3], known),
                Some(_) => branch(self, node[2], known),
                None => {
                    let yes = branch(self, node[2], known);
                    let no = branch(self, node[3], known);
                    self.b.choose(is_yes, yes, no)
                }
            }
        };
        known.insert((at, steps), wire);
        wire
    }

    fn halved(&mut self, mut wires: Vec<WireId>, is_larger: bool) -> WireId {
        while wires.len() > 1 {
            wires = wires
                .chunks(2)
                .map(|pair| match pair {
                    [a, b] if is_larger => self.b.larger(*a, *b),
                    [a, b] => self.b.smaller(*a, *b),
                    _ => pair[0],
                })
                .collect();
        }
        match wires.first() {
            Some(wire) => *wire,
            None => self.b.constant(0),
        }
    }
}
