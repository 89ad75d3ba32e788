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

/// Rows that share terms with others: more terms than this in one piece are not looked for pairs in.
const TERMS_OF_A_PIECE: usize = 12_000;

/// Adders for `rows`, each of which has a weight for each input.
///
/// # Panics
/// If a row has not one weight for each input.
pub fn solve(rows: &[Vec<i64>], inputs: &[Input], aim: Aim) -> Network {
    assert!(rows.iter().all(|row| row.len() == inputs.len()));
    // A greedy search is not the best for every matrix: several are tried, the first of the smallest is taken.
    let mut best: Option<Network> = None;
    for worth in pairs::Worth::ALL {
        let plain = pieces(rows, inputs, aim, worth);
        let spanning = match aim {
            Aim::Fewest => spanning::solve(rows, inputs, worth),
            Aim::Shallow => None,
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

/// Pairs, looked for in as many rows at once as are not too many.
fn pieces(rows: &[Vec<i64>], inputs: &[Input], aim: Aim, worth: pairs::Worth) -> Network {
    let mut search = pairs::Search::new(inputs, aim, worth);
    let mut piece: Vec<usize> = Vec::new();
    let mut terms = 0;
    let mut outputs = vec![None; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        let of_row: usize = row.iter().map(|w| digits::count((*w).into())).sum();
        if terms + of_row > TERMS_OF_A_PIECE && !piece.is_empty() {
            search.solve(rows, &piece, &mut outputs);
            piece.clear();
            terms = 0;
        }
        piece.push(index);
        terms += of_row;
    }
    search.solve(rows, &piece, &mut outputs);
    search.finish(outputs)
}

#[cfg(test)]
mod tests;
