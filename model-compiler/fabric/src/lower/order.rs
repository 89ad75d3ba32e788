//! The largest values, and where they are.

use hodoscope_program::{Operation, Value};

use super::{Lowering, Refused};
use crate::circuit::WireId;

/// Channels that are all compared with each other.
const COMPARED: usize = 128;

impl Lowering<'_> {
    pub(super) fn order(&mut self, value: &Value) -> Result<Vec<WireId>, Refused> {
        Ok(match &value.operation {
            Operation::Largest { x } => {
                let rows = self.rows(*x);
                rows.iter().map(|row| self.largest(row).0).collect()
            }
            Operation::ArgMax { x } => {
                let rows = self.rows(*x);
                rows.iter().map(|row| self.largest(row).1).collect()
            }
            Operation::TopK { x, count } => {
                let rows = self.rows(*x);
                if self.channels(*x) > COMPARED {
                    return Err(Refused::Many {
                        value: value.name.clone(),
                        operation: value.operation.keyword(),
                        what: format!("a row of {}", self.channels(*x)),
                        limit: COMPARED,
                    });
                }
                rows.iter()
                    .flat_map(|row| self.first(row, *count))
                    .collect()
            }
            _ => unreachable!("no order"),
        })
    }

    /// The largest value and its channel, the lowest of equal ones: a tournament.
    fn largest(&mut self, row: &[WireId]) -> (WireId, WireId) {
        let channels = 0..row.len() as i128;
        let mut left: Vec<(WireId, WireId)> = row
            .iter()
            .zip(channels)
            .map(|(x, c)| (*x, self.b.constant(c)))
            .collect();
        while left.len() > 1 {
            left = left
                .chunks(2)
                .map(|pair| match pair {
                    [first, second] => {
                        let better = self.b.less(first.0, second.0);
                        let largest = self.b.larger(first.0, second.0);
                        (largest, self.b.choose(better, second.1, first.1))
                    }
                    _ => pair[0],
                })
                .collect();
        }
        left[0]
    }

    /// The channels of the `count` largest: each channel's place is how many come before it.
    fn first(&mut self, row: &[WireId], count: usize) -> Vec<WireId> {
        let mut before: Vec<Vec<WireId>> = vec![vec![]; row.len()];
        for second in 0..row.len() {
            for first in 0..second {
                // Of equal ones the lower channel comes first.
                let better = self.b.less(row[first], row[second]);
                before[first].push(better);
                let lower = self.b.not(better);
                before[second].push(lower);
            }
        }
        let places: Vec<_> = before.iter().map(|others| self.b.total(others)).collect();
        (0..count as i128)
            .map(|place| {
                let mut result = self.b.constant(0);
                for (channel, is) in places.iter().enumerate().skip(1) {
                    let here = self.b.equals(*is, place);
                    let channel = self.b.constant(channel as i128);
                    result = self.b.choose(here, channel, result);
                }
                result
            })
            .collect()
    }
}
