//! Values that are detector words as they came: what orders or compares them needs no format.

use super::{Insert, Insertion, Words};
use crate::graph::{Graph, ValueId};

/// What a value is of the words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Plain {
    /// Computed from them, or a constant.
    No,
    /// Words of several LSBs.
    Words,
    /// Words of one LSB.
    Alike(f64),
}

impl Plain {
    pub fn is_words(self) -> bool {
        self != Self::No
    }
}

/// Each value's.
pub(super) fn plain(graph: &Graph, words: &[Words]) -> Vec<Plain> {
    let mut plain = vec![Plain::No; graph.value_count()];
    for (input, words) in graph.inputs().iter().zip(words) {
        let lsb = |channel: usize| words.input.field(channel).lsb.0;
        let alike = (1..words.input.channels).all(|channel| lsb(channel) == lsb(0));
        plain[input.value.index()] = match alike {
            true => Plain::Alike(lsb(0)),
            false => Plain::Words,
        };
    }
    for node in graph.nodes() {
        let parts = || node.inputs.iter().map(|value| plain[value.index()]);
        plain[node.output.index()] = match &node.op {
            op if op.moves() && parts().all(Plain::is_words) => {
                let mut parts = parts();
                let first = parts.next().unwrap_or(Plain::No);
                match parts.all(|part| part == first) {
                    true => first,
                    false => Plain::Words,
                }
            }
            _ => Plain::No,
        };
    }
    plain
}

impl Insertion<'_> {
    /// An operand of which only the order counts: words of one LSB as they are, else all elements on one grid.
    pub(super) fn ranked(&mut self, value: ValueId) -> Insert<ValueId> {
        match self.plain[value.index()] {
            Plain::Alike(_) => Ok(self.held(value)?.wide),
            _ => Ok(self.uniform(value)?.0),
        }
    }
}
