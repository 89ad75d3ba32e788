//! Decision trees.

use hodoscope_program::{IntType, Operation, TreeAggregate, Trees, ValueId};

use super::Maker;

impl Maker {
    /// Trees of one depth or of several, some of which share nodes.
    pub(super) fn trees(&mut self, x: ValueId) -> bool {
        let features = self.shape(x).channels();
        if self.program.value(x).element.storage().width > 32 {
            return false;
        }
        let ty = IntType::signed(self.program.value(x).element.storage().width);
        let targets = 1 + self.below(3);
        let early = self.below(2);
        let late = 2 + self.below(3);
        let leaves = early + late;
        // Leaves that every path reaches at its end come first; then those that wait, then branches, level by level.
        let mut nodes: Vec<[i64; 4]> = (late..leaves)
            .map(|leaf| [0, 0, leaf as i64, leaf as i64])
            .collect();
        let mut level: Vec<usize> = (0..leaves).collect();
        let waiting: Vec<usize> = (late..leaves).collect();
        let mut roots = vec![self.below(leaves) as i64, 0];
        for depth in 1..=self.below(4) {
            let mut next = waiting.clone();
            for _ in 0..1 + self.below(3) {
                next.push(late + nodes.len());
                let threshold = self.raw(ty);
                let [yes, no] = [self.pick(&level), self.pick(&level)];
                nodes.push([
                    self.below(features) as i64,
                    threshold,
                    yes as i64,
                    no as i64,
                ]);
            }
            level = next;
            for _ in 0..self.below(3) {
                roots.extend([self.pick(&level) as i64, depth as i64]);
            }
        }
        let value = IntType::signed(self.pick(&[16, 8, 4, 30]));
        let data = (0..leaves * targets).map(|_| self.raw(value)).collect();
        let leaves = self.constant(vec![leaves, targets], value, data);
        let roots = self.constant(vec![roots.len() / 2, 2], IntType::signed(16), roots);
        let count = nodes.len();
        let nodes = nodes.into_iter().flatten().collect();
        let nodes = self.constant(vec![count, 4], IntType::signed(ty.width.max(8)), nodes);
        let shape = self.with_channels(x, targets);
        let aggregates = [TreeAggregate::Sum, TreeAggregate::Min, TreeAggregate::Max];
        let operation = Operation::Trees(Trees {
            x,
            nodes,
            first: late,
            roots,
            leaves,
            aggregate: self.pick(&aggregates),
        });
        self.settled(shape, operation)
    }
}
