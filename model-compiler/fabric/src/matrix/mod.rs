//! Constant matrices as shared shift-and-add trees.
//!
//! Every weight is written in canonical signed digits; a row is then a sum of shifted inputs. Rows that are alike are computed
//! from each other: a minimum spanning tree over the rows and zero, whose edges are differences or sums of two rows (the
//! decomposition of arXiv:2507.04535). Of the terms that remain, the pair of two that occurs in most places becomes
//! a wire of its own, again and again: the greedy two-term elimination of the literature on multiple constant
//! multiplication (Potkonjak et al. 1996, Hosangadi et al. 2005), weighted by how many bits of the two overlap. Nothing is random.

pub(crate) mod digits;
mod pairs;
mod spanning;

use hodoscope_program::Interval;

/// ± a node · 2^shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// An input, or behind them an adder.
    pub node: usize,
    /// Its shift.
    pub shift: u8,
    /// Whether it is subtracted.
    pub minus: bool,
}

/// a · 2^a_shift + b · 2^b_shift, or minus the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Adder {
    /// First node, its shift.
    pub a: (usize, u8),
    /// Second node, its shift.
    pub b: (usize, u8),
    /// Whether the second is subtracted.
    pub minus: bool,
}

/// An input of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// All that it can be.
    pub range: Interval,
    /// Adders before it.
    pub depth: u32,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// As few adders as are found.
    Fewest,
    /// No row deeper than its terms ask for without sharing.
    Shallow,
}

/// A matrix as adders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Inputs; adder i is node inputs + i.
    pub inputs: usize,
    /// Adders, each behind its operands.
    pub adders: Vec<Adder>,
    /// What each row is; nothing where all its weights are zero.
    pub outputs: Vec<Option<Term>>,
    /// Adders on the longest way to each output, those before the inputs among them.
    pub depths: Vec<u32>,
}

/// Pairs that are looked at together: rows of more are parted into pieces, which share nothing.
const PAIRS_OF_A_PIECE: usize = 2_000_000;
/// Of a matrix of more pairs one search has to do.
const PAIRS_OF_SEVERAL_SEARCHES: usize = 4_000_000;

/// Adders for `rows`, each of which has a weight for each input.
///
/// # Panics
/// If a row has not one weight for each input.
pub fn solve(rows: &[Vec<i64>], inputs: &[Input], aim: Aim) -> Network {
    assert!(rows.iter().all(|row| row.len() == inputs.len()));
    // A greedy search is not the best for every matrix: several are tried, the first of the smallest is taken.
    let mut best: Option<Network> = None;
    let total: usize = rows.iter().map(|row| pairs_of(row)).sum();
    let is_large = total > PAIRS_OF_SEVERAL_SEARCHES;
    let searches = if is_large { 1 } else { pairs::Worth::ALL.len() };
    for worth in pairs::Worth::ALL.into_iter().take(searches) {
        let plain = pieces(rows, inputs, aim, worth);
        let spanning = match aim {
            Aim::Fewest if !is_large => spanning::solve(rows, inputs, worth),
            _ => None,
        };
        for network in [Some(plain), spanning].into_iter().flatten() {
            let is_better = |best: &Network| network.adders.len() < best.adders.len();
            if best.as_ref().is_none_or(is_better) {
                best = Some(network);
            }
        }
    }
    best.unwrap_or_else(|| pieces(rows, inputs, aim, pairs::Worth::Overlap))
}

/// Pairs of terms of a row.
fn pairs_of(row: &[i64]) -> usize {
    let terms: usize = row.iter().map(|w| digits::count((*w).into())).sum();
    terms * terms / 2
}

/// Pairs, looked for in as many rows at once as are not too many.
fn pieces(rows: &[Vec<i64>], inputs: &[Input], aim: Aim, worth: pairs::Worth) -> Network {
    let mut search = pairs::Search::new(inputs, aim, worth);
    let mut piece: Vec<usize> = Vec::new();
    let mut pairs = 0;
    let mut outputs = vec![None; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        let of_row = pairs_of(row);
        if pairs + of_row > PAIRS_OF_A_PIECE && !piece.is_empty() {
            search.solve(rows, &piece, &mut outputs);
            piece.clear();
            pairs = 0;
        }
        piece.push(index);
        pairs += of_row;
    }
    search.solve(rows, &piece, &mut outputs);
    search.finish(outputs)
}

#[cfg(test)]
mod tests;
