//! Pairs of terms that occur in several places.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use hodoscope_program::Interval;

use super::{Adder, Aim, Input, Network, Term, digits};

/// A pair wherever it stands: the first node, the second, how far the second is shifted against the first, and whether their signs
/// differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Pair {
    first: usize,
    second: usize,
    apart: i16,
    minus: bool,
}

impl Pair {
    fn of(a: Term, b: Term) -> Self {
        let (a, b) = match (a.node, a.shift) <= (b.node, b.shift) {
            true => (a, b),
            false => (b, a),
        };
        Self {
            first: a.node,
            second: b.node,
            apart: i16::from(b.shift) - i16::from(a.shift),
            minus: a.minus != b.minus,
        }
    }

    fn adder(self) -> Adder {
        let shift = |by: i16| u8::try_from(by.max(0)).unwrap_or(0);
        Adder {
            a: (self.first, shift(-self.apart)),
            b: (self.second, shift(self.apart)),
            minus: self.minus,
        }
    }
}

#[derive(Clone, Copy)]
struct Node {
    range: Interval,
    depth: u32,
}

/// What a pair is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// The places, by the bits that overlap.
    Overlap,
    /// The adders that are saved, by the bits that overlap.
    Saved,
    /// The places; of equally many the bits that overlap.
    Places,
}

impl Worth {
    pub const ALL: [Self; 3] = [Self::Overlap, Self::Saved, Self::Places];
}

pub(super) struct Search {
    inputs: usize,
    aim: Aim,
    worth: Worth,
    nodes: Vec<Node>,
    adders: Vec<Adder>,
    known: HashMap<Adder, usize>,
}

/// Rows while pairs are taken out of them.
struct Rows {
    rows: Vec<Vec<Term>>,
    /// For each row the depth that it must not exceed.
    limits: Vec<u32>,
    counts: HashMap<Pair, u32>,
    heap: BinaryHeap<(u64, Reverse<Pair>, u32)>,
}

impl Search {
    pub fn new(inputs: &[Input], aim: Aim, worth: Worth) -> Self {
        let node = |input: &Input| Node {
            range: input.range,
            depth: input.depth,
        };
        Self {
            inputs: inputs.len(),
            aim,
            worth,
            nodes: inputs.iter().map(node).collect(),
            adders: vec![],
            known: HashMap::new(),
        }
    }

    /// Solves the rows in `piece`.
    pub fn solve(&mut self, rows: &[Vec<i64>], piece: &[usize], outputs: &mut [Option<Term>]) {
        let terms = |row: &Vec<i64>| {
            let of_weight = |(node, weight): (usize, &i64)| {
                let digits = digits::signed((*weight).into()).into_iter();
                digits.map(move |(shift, minus)| Term { node, shift, minus })
            };
            row.iter()
                .enumerate()
                .flat_map(of_weight)
                .collect::<Vec<_>>()
        };
        let rows: Vec<Vec<Term>> = piece.iter().map(|index| terms(&rows[*index])).collect();
        let limits = rows.iter().map(|row| match self.aim {
            Aim::Fewest => u32::MAX,
            Aim::Shallow => self.least_depth(row),
        });
        let limits = limits.collect();
        let mut state = Rows {
            rows,
            limits,
            counts: HashMap::new(),
            heap: BinaryHeap::new(),
        };
        // A row that is too long by itself has no other to share with.
        let pairs: usize = state.rows.iter().map(|r| r.len() * r.len() / 2).sum();
        if pairs <= 2 * super::PAIRS_OF_A_PIECE {
            self.eliminate(&mut state);
        }
        for (index, row) in piece.iter().zip(state.rows) {
            outputs[*index] = self.total(row);
        }
    }

    pub fn finish(self, outputs: Vec<Option<Term>>) -> Network {
        let depth = |output: &Option<Term>| output.map_or(0, |term| self.nodes[term.node].depth);
        Network {
            inputs: self.inputs,
            depths: outputs.iter().map(depth).collect(),
            adders: self.adders,
            outputs,
        }
    }

    /// Leaves that fit into a tree: Σ 2^depth ≤ 2^limit.
    fn fits(&self, row: impl Iterator<Item = usize>, limit: u32) -> bool {
        let leaves = row.map(|node| 1u128 << self.nodes[node].depth.min(100));
        leaves.sum::<u128>() <= 1u128 << limit.min(126)
    }

    fn least_depth(&self, row: &[Term]) -> u32 {
        let fits = |limit: &u32| self.fits(row.iter().map(|t| t.node), *limit);
        (0..126).find(fits).unwrap_or(126)
    }

    /// A node for `adder`.
    fn node(&mut self, adder: Adder) -> usize {
        if let Some(node) = self.known.get(&adder) {
            return *node;
        }
        let (a, b) = (self.nodes[adder.a.0], self.nodes[adder.b.0]);
        let scaled = |x: Interval, s: u8| (x.minimum << s, x.maximum << s);
        let (x, y) = (scaled(a.range, adder.a.1), scaled(b.range, adder.b.1));
        let range = match adder.minus {
            false => Interval::between(x.0 + y.0, x.1 + y.1),
            true => Interval::between(x.0 - y.1, x.1 - y.0),
        };
        let node = self.nodes.len();
        self.nodes.push(Node {
            range,
            depth: a.depth.max(b.depth) + 1,
        });
        self.adders.push(adder);
        self.known.insert(adder, node);
        node
    }

    /// What a pair in `count` places is worth: adders that are saved, of as many bits as overlap.
    fn weight(&self, pair: Pair, count: u32) -> u64 {
        let width = |node: usize| i64::from(self.nodes[node].range.signed_bits());
        let apart = i64::from(pair.apart);
        let low = apart.max(0);
        let high = width(pair.first).min(apart + width(pair.second));
        let overlap = (high - low).max(0) as u64;
        let count = u64::from(count);
        match self.worth {
            Worth::Overlap => count * (overlap + 1),
            Worth::Saved => (count - 1) * (overlap + 1),
            Worth::Places => (count << 16) + overlap,
        }
    }

    fn eliminate(&mut self, state: &mut Rows) {
        for row in &state.rows {
            for (index, a) in row.iter().enumerate() {
                for b in &row[..index] {
                    *state.counts.entry(Pair::of(*a, *b)).or_default() += 1;
                }
            }
        }
        for (pair, count) in &state.counts {
            if *count >= 2 {
                let weight = self.weight(*pair, *count);
                state.heap.push((weight, Reverse(*pair), *count));
            }
        }
        while let Some((_, Reverse(pair), count)) = state.heap.pop() {
            let current = state.counts.get(&pair).copied().unwrap_or(0);
            if current < 2 {
                continue;
            }
            if current != count {
                // It was counted anew since.
                if current < count {
                    let weight = self.weight(pair, current);
                    state.heap.push((weight, Reverse(pair), current));
                }
                continue;
            }
            let places = self.places(state, pair);
            if places.len() >= 2 {
                self.take_out(state, pair, &places);
            }
        }
    }

    /// Where `pair` stands, no term twice, and may be replaced: the row, and its terms.
    fn places(&self, state: &Rows, pair: Pair) -> Vec<(usize, Term, Term)> {
        let depth = self.nodes[pair.first]
            .depth
            .max(self.nodes[pair.second].depth)
            + 1;
        let mut places = Vec::new();
        for (index, row) in state.rows.iter().enumerate() {
            let mut used: Vec<Term> = Vec::new();
            for first in row.iter().filter(|t| t.node == pair.first) {
                let Ok(shift) = u8::try_from(i16::from(first.shift) + pair.apart) else {
                    continue;
                };
                let second = Term {
                    node: pair.second,
                    shift,
                    minus: first.minus != pair.minus,
                };
                if used.contains(first) || used.contains(&second) || !row.contains(&second) {
                    continue;
                }
                if state.limits[index] != u32::MAX {
                    let before = used.len() / 2;
                    let rest = row.iter().filter(|t| *t != first && **t != second);
                    let rest = rest.filter(|t| !used.contains(t)).map(|t| t.node);
                    let leaves: u128 = rest.map(|n| 1u128 << self.nodes[n].depth.min(100)).sum();
                    let new = (before as u128 + 1) << depth.min(100);
                    if leaves + new > 1u128 << state.limits[index].min(126) {
                        continue;
                    }
                }
                used.extend([*first, second]);
                places.push((index, *first, second));
            }
        }
        places
    }

    fn take_out(&mut self, state: &mut Rows, pair: Pair, places: &[(usize, Term, Term)]) {
        let node = self.node(pair.adder());
        for (index, first, second) in places {
            let row = &mut state.rows[*index];
            row.retain(|t| t != first && t != second);
            for other in &state.rows[*index] {
                for gone in [first, second] {
                    if let Some(count) = state.counts.get_mut(&Pair::of(*gone, *other)) {
                        *count = count.saturating_sub(1);
                    }
                }
            }
            if let Some(count) = state.counts.get_mut(&pair) {
                *count = count.saturating_sub(1);
            }
            let new = Term {
                node,
                shift: first.shift.min(second.shift),
                minus: first.minus,
            };
            for other in &state.rows[*index] {
                let pair = Pair::of(new, *other);
                let count = state.counts.entry(pair).or_default();
                *count += 1;
                if *count >= 2 {
                    let count = *count;
                    let weight = self.weight(pair, count);
                    state.heap.push((weight, Reverse(pair), count));
                }
            }
            state.rows[*index].push(new);
        }
    }

    /// The sum of what is left of a row, the shallowest terms first.
    pub fn total(&mut self, row: Vec<Term>) -> Option<Term> {
        let mut terms = row;
        let key = |search: &Self, t: &Term| {
            let node = search.nodes[t.node];
            (node.depth, t.shift, node.range.signed_bits(), *t)
        };
        while terms.len() > 1 {
            terms.sort_by_key(|t| Reverse(key(self, t)));
            let (Some(a), Some(b)) = (terms.pop(), terms.pop()) else {
                break;
            };
            // A term that is added first, so that less is negated.
            let (a, b) = match a.minus && !b.minus {
                true => (b, a),
                false => (a, b),
            };
            let common = a.shift.min(b.shift);
            let minus = a.minus != b.minus;
            let (mut x, mut y) = ((a.node, a.shift - common), (b.node, b.shift - common));
            if !minus && y < x {
                (x, y) = (y, x);
            }
            let node = self.node(Adder { a: x, b: y, minus });
            terms.push(Term {
                node,
                shift: common,
                minus: a.minus,
            });
        }
        terms.pop()
    }

    /// A node for the sum of two outputs that are known.
    pub fn sum(&mut self, a: Term, b: Term) -> Option<Term> {
        self.total(vec![a, b])
    }
}
