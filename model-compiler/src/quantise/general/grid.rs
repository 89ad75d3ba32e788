//! The grids of values: which power of two one count of each element is.

use crate::graph::{GraphBuilder, Op, Tensor, eval_constant};

/// Fraction bits, one for all elements or one each: an element is an integer times 2^−frac.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid(Vec<i32>);

impl Grid {
    pub fn uniform(frac: i32) -> Self {
        Self(vec![frac])
    }

    pub fn of(mut fracs: Vec<i32>) -> Self {
        if fracs.windows(2).all(|pair| pair[0] == pair[1]) {
            fracs.truncate(1);
        }
        Self(fracs)
    }

    /// The fraction bits, where all elements share them.
    pub fn single(&self) -> Option<i32> {
        match self.0[..] {
            [frac] => Some(frac),
            _ => None,
        }
    }

    pub fn at(&self, element: usize) -> i32 {
        self.0[if self.0.len() == 1 { 0 } else { element }]
    }

    /// The fraction bits of each index of an axis, where they depend on nothing else.
    pub fn along(&self, shape: &[usize], axis: usize) -> Option<Vec<i32>> {
        let extent = shape.get(axis).copied().unwrap_or(1);
        if let Some(frac) = self.single() {
            return Some(vec![frac; extent]);
        }
        let inner: usize = shape.iter().skip(axis + 1).product();
        let first: Vec<i32> = (0..extent).map(|index| self.0[index * inner]).collect();
        let same = |(e, frac): (usize, &i32)| first[e / inner % extent] == *frac;
        self.0.iter().enumerate().all(same).then_some(first)
    }

    /// The grid behind an operation that gives each element as one of its operands' elements; none where it would mix
    /// elements of several grids.
    pub fn moved(op: &Op, parts: &[(&Grid, &[usize])]) -> Option<Self> {
        if let (Some((first, _)), true) = (parts.first(), true)
            && first.single().is_some()
            && parts.iter().all(|(grid, _)| grid == first)
        {
            return Some((*first).clone());
        }
        if !op.moves() {
            return None;
        }
        let mut graph = GraphBuilder::new("");
        let mut operands = vec![];
        for (grid, shape) in parts {
            let elements: usize = shape.iter().product();
            let tensor = Tensor {
                shape: shape.to_vec(),
                data: (0..elements).map(|e| grid.at(e) as f32).collect(),
            };
            operands.push(graph.constant("", tensor).ok()?);
        }
        let mut budget = 1 << 26;
        let moved = eval_constant(graph.graph(), op, &operands, &mut budget);
        let moved = moved.ok()??;
        Some(Self::of(
            moved.data.iter().map(|frac| *frac as i32).collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_follows_what_is_moved() {
        let rows = Grid::of(vec![3, 5, 3, 5]);
        let shape: &[usize] = &[1, 2, 2];
        assert_eq!(rows.along(shape, 2), Some(vec![3, 5]));
        assert_eq!(rows.along(shape, 1), None);
        let perm = vec![0, 2, 1];
        let moved = Grid::moved(&Op::Transpose { perm }, &[(&rows, shape)]).unwrap();
        assert_eq!(moved.along(shape, 1), Some(vec![3, 5]));
        let one = Grid::uniform(7);
        let parts = [(&rows, shape), (&one, shape)];
        let joined = Grid::moved(&Op::Concat { axis: 2 }, &parts).unwrap();
        assert_eq!(joined.along(&[1, 2, 4], 2), Some(vec![3, 5, 7, 7]));
    }

    #[test]
    fn elements_of_several_grids_do_not_mix() {
        let mixed = Grid::of(vec![3, 5]);
        let largest = Op::Unary(crate::graph::Unary::Relu);
        assert_eq!(Grid::moved(&largest, &[(&mixed, &[2])]), None);
        let one = Grid::uniform(4);
        assert_eq!(Grid::moved(&largest, &[(&one, &[2])]), Some(one));
    }
}
