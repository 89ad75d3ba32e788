//! Elements that move: no logic, but for rows that an index names.

use hodoscope_program::{Operation, Value};

use super::Lowering;
use crate::circuit::WireId;

impl Lowering<'_> {
    pub(super) fn places(&mut self, value: &Value) -> Vec<WireId> {
        match &value.operation {
            Operation::Select { x, channels } => {
                let rows = self.rows(*x).into_iter();
                rows.flat_map(|row| channels.iter().map(move |c| row[*c]))
                    .collect()
            }
            Operation::Concat { parts } => {
                let parts: Vec<_> = parts.iter().map(|part| self.rows(*part)).collect();
                let rows = parts.first().map_or(0, Vec::len);
                (0..rows)
                    .flat_map(|row| parts.iter().flat_map(move |part| part[row].clone()))
                    .collect()
            }
            Operation::Reshape { x } => self.of(*x),
            Operation::Gather { x, elements } => {
                let x = self.of(*x);
                elements.iter().map(|e| x[*e]).collect()
            }
            Operation::Take { x, indices } => {
                let (rows, indices) = (self.rows(*x), self.of(*indices));
                let channels = self.channels(*x);
                let mut result = Vec::new();
                for index in indices {
                    for c in 0..channels {
                        let column: Vec<_> = rows.iter().map(|row| row[c]).collect();
                        result.push(self.entry(&column, index));
                    }
                }
                result
            }
            _ => unreachable!("nothing moves"),
        }
    }

    /// column\[index\]: halved by one bit of the index after the other.
    fn entry(&mut self, column: &[WireId], index: WireId) -> WireId {
        let mut column = column.to_vec();
        let mut shift = 0;
        while column.len() > 1 {
            let bit = self.b.right(index, shift);
            let bit = self.b.wrap(bit, 1, false);
            column = column
                .chunks(2)
                .map(|pair| match pair {
                    [even, odd] => self.b.choose(bit, *odd, *even),
                    _ => pair[0],
                })
                .collect();
            shift += 1;
        }
        column[0]
    }
}
