//! Rows from each other: a minimum spanning tree over the rows and zero.

use super::{Aim, Input, Network, Term, digits, pairs};

/// More rows than this are not compared with each other.
const ROWS: usize = 300;

/// Where a row comes from.
#[derive(Clone, Copy)]
struct Edge {
    cost: usize,
    /// Another row; none is zero.
    parent: Option<usize>,
    /// Whether the edge is the sum of both, and not their difference.
    is_sum: bool,
}

fn terms(row: impl Iterator<Item = i128>) -> usize {
    row.map(digits::count).sum()
}

/// Each row as the edge to it, and the order in which the rows can be made.
fn tree(rows: &[Vec<i64>]) -> (Vec<Edge>, Vec<usize>) {
    let wide = |w: &i64| i128::from(*w);
    let mut edges: Vec<Edge> = rows
        .iter()
        .map(|row| Edge {
            cost: terms(row.iter().map(wide)).saturating_sub(1),
            parent: None,
            is_sum: false,
        })
        .collect();
    let mut order = Vec::with_capacity(rows.len());
    let mut done = vec![false; rows.len()];
    while let Some(next) = (0..rows.len())
        .filter(|row| !done[*row])
        .min_by_key(|row| edges[*row].cost)
    {
        done[next] = true;
        order.push(next);
        for row in (0..rows.len()).filter(|row| !done[*row]) {
            let both = || rows[row].iter().zip(&rows[next]);
            let difference = terms(both().map(|(a, b)| wide(a) - wide(b)));
            let sum = terms(both().map(|(a, b)| wide(a) + wide(b)));
            let (cost, is_sum) = match sum < difference {
                true => (sum, true),
                false => (difference, false),
            };
            // The edge is one adder more than its own terms.
            if cost < edges[row].cost {
                edges[row] = Edge {
                    cost,
                    parent: Some(next),
                    is_sum,
                };
            }
        }
    }
    (edges, order)
}

/// Adders by way of the tree; nothing where that is no other way.
pub(super) fn solve(rows: &[Vec<i64>], inputs: &[Input], worth: pairs::Worth) -> Option<Network> {
    if rows.len() > ROWS {
        return None;
    }
    let (edges, order) = tree(rows);
    if edges.iter().all(|edge| edge.parent.is_none()) {
        return None;
    }
    let vector = |(row, edge): (usize, &Edge)| -> Option<Vec<i64>> {
        let Some(parent) = edge.parent else {
            return Some(rows[row].clone());
        };
        let both = rows[row].iter().zip(&rows[parent]);
        both.map(|(a, b)| match edge.is_sum {
            true => a.checked_add(*b),
            false => a.checked_sub(*b),
        })
        .collect()
    };
    let vectors: Vec<Vec<i64>> = edges
        .iter()
        .enumerate()
        .map(vector)
        .collect::<Option<_>>()?;
    let mut search = pairs::Search::new(inputs, Aim::Fewest, worth);
    let mut parts = vec![None; rows.len()];
    let all: Vec<usize> = (0..rows.len()).collect();
    search.solve(&vectors, &all, &mut parts);
    let mut outputs: Vec<Option<Term>> = vec![None; rows.len()];
    for row in order {
        let edge = edges[row];
        let parent = edge.parent.and_then(|parent| outputs[parent]);
        let parent = parent.map(|term| Term {
            minus: term.minus != edge.is_sum,
            ..term
        });
        outputs[row] = match (parent, parts[row]) {
            (Some(a), Some(b)) => search.sum(a, b),
            (a, b) => a.or(b),
        };
    }
    Some(search.finish(outputs))
}
