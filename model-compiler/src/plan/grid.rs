//! Per-constituent values tabulated over the grid of detector words.
//!
//! An energy-flow network's Φ sees only a constituent's direction. Where the detector states
//! directions on a small enough grid, all that Φ can ever answer is a table: exact, and one look-up
//! instead of the layers. A value is tabulated when it depends on few enough words, and what reads
//! it on more.

use std::collections::BTreeSet;

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{InputId, Live, Operation, Program, ValueId};

use super::accumulator::storage_bits;

/// A value of a constituent as a table over its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The value.
    pub result: ValueId,
    /// The row of words that it depends on.
    pub words: ValueId,
    /// On which of them, the slowest first.
    pub axes: Vec<Axis>,
    /// `[cells, channels]`.
    pub entries: Vec<i64>,
}

/// A word of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Channel of the row of words.
    pub channel: usize,
    /// Smallest word.
    pub minimum: i64,
    /// Number of words.
    pub extent: usize,
}

/// A word: channel of an input's row.
type Word = (InputId, usize);

/// The tables of `program` that take at most `limit` bytes together, those that save most
/// multiplications first.
pub(super) fn tabulate(program: &Program, limit: u64) -> Vec<Grid> {
    let support = support(program);
    let mut candidates: Vec<ValueId> = program
        .values()
        .map(|(id, _)| id)
        .filter(|id| is_frontier(program, &support, *id))
        .collect();
    candidates.sort_by_key(|id| std::cmp::Reverse(work(program, *id)));
    let mut left = limit;
    let mut grids = vec![];
    for id in candidates {
        let Some(mut grid) = frame(program, &support[id.index()], id) else {
            continue;
        };
        let bytes = grid.bytes(program);
        if work(program, id) == 0 || bytes > left {
            continue;
        }
        let Some(entries) = entries(program, &grid) else {
            continue;
        };
        grid.entries = entries;
        left -= bytes;
        grids.push(grid);
    }
    grids.sort_by_key(|grid| grid.result);
    grids
}

impl Grid {
    /// Number of cells.
    pub fn cells(&self) -> u64 {
        self.axes.iter().map(|axis| axis.extent as u64).product()
    }

    /// Bytes of the table.
    pub fn bytes(&self, program: &Program) -> u64 {
        let value = program.value(self.result);
        let entry = value.shape.channels() as u64 * u64::from(storage_bits(value.element) / 8);
        // A field as wide as its word allows more cells than any flash holds.
        let cells = self
            .axes
            .iter()
            .try_fold(1u64, |cells, axis| cells.checked_mul(axis.extent as u64));
        cells
            .and_then(|cells| cells.checked_mul(entry))
            .unwrap_or(u64::MAX)
    }
}

/// Which values are computed at all: those behind a table only are not.
pub(super) fn needed(program: &Program, grids: &[Grid]) -> Vec<bool> {
    if grids.is_empty() {
        return vec![true; program.values.len()];
    }
    let mut needed = vec![false; program.values.len()];
    for output in &program.outputs {
        needed[output.value.index()] = true;
    }
    // Operands come before what reads them.
    for index in (0..program.values.len()).rev() {
        let (id, value) = (ValueId::new(index), &program.values[index]);
        if !needed[index] {
            continue;
        }
        match grids.iter().find(|grid| grid.result == id) {
            Some(grid) => needed[grid.words.index()] = true,
            None => {
                for operand in value.operation.operands() {
                    needed[operand.index()] = true;
                }
            }
        }
    }
    needed
}

/// For each value the words that it depends on; `None` where it depends on more than a
/// constituent's words.
fn support(program: &Program) -> Vec<Option<BTreeSet<Word>>> {
    let mut support: Vec<Option<BTreeSet<Word>>> = vec![];
    for value in &program.values {
        let of_set = value.shape.set().is_some();
        let words = match &value.operation {
            _ if !of_set => None,
            Operation::Input(input) => {
                let channels = 0..program.input(*input).channels;
                Some(channels.map(|channel| (*input, channel)).collect())
            }
            Operation::Select { x, channels } => match program.value(*x).operation {
                Operation::Input(input) => Some(channels.iter().map(|c| (input, *c)).collect()),
                _ => support[x.index()].clone(),
            },
            operation => operation
                .operands()
                .iter()
                .map(|x| support[x.index()].clone())
                .try_fold(BTreeSet::new(), |mut all, words| {
                    all.extend(words?);
                    Some(all)
                }),
        };
        support.push(words);
    }
    support
}

/// Whether what reads the value depends on more words than it does itself: it is summed, or
/// combined with others. What feeds a dense layer is left to that layer's own layout.
fn is_frontier(program: &Program, support: &[Option<BTreeSet<Word>>], id: ValueId) -> bool {
    let Some(own) = &support[id.index()] else {
        return false;
    };
    let mut readers = program
        .values()
        .filter(|(_, value)| value.operation.operands().contains(&id))
        .peekable();
    readers.peek().is_some()
        && readers.all(|(reader, value)| {
            !matches!(value.operation, Operation::Dense { .. })
                && support[reader.index()].as_ref() != Some(own)
        })
}

/// Multiplications behind the value.
fn work(program: &Program, id: ValueId) -> u64 {
    let mut seen = BTreeSet::new();
    let mut open = vec![id];
    let mut work = 0;
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let operation = &program.value(id).operation;
        if let Operation::Dense { weights, .. } = operation {
            work += program.constant(*weights).data.len() as u64;
        }
        open.extend(operation.operands());
    }
    work
}

/// The grid of a value, its entries not yet filled in; `None` where its words are of two inputs.
fn frame(program: &Program, support: &Option<BTreeSet<Word>>, id: ValueId) -> Option<Grid> {
    let words = support.as_ref()?;
    let (input, _) = *words.first()?;
    if words.iter().any(|(other, _)| *other != input) {
        return None;
    }
    let (row, _) = program
        .values()
        .find(|(_, value)| matches!(value.operation, Operation::Input(of) if of == input))?;
    let axes = words.iter().map(|(_, channel)| {
        let field = program.input(input).field(*channel);
        Some(Axis {
            channel: *channel,
            minimum: field.minimum,
            extent: usize::try_from(field.maximum - field.minimum + 1).ok()?,
        })
    });
    Some(Grid {
        result: id,
        words: row,
        axes: axes.collect::<Option<_>>()?,
        entries: vec![],
    })
}

/// What the program makes of every cell, by its own interpreter. Cells of constituents that are not
/// live are never looked up: 0.
fn entries(program: &Program, grid: &Grid) -> Option<Vec<i64>> {
    let interpreter = Interpreter::new(program).ok()?;
    let value = program.value(grid.result);
    let set = program.set(value.shape.set()?);
    let Operation::Input(input) = program.value(grid.words).operation else {
        return None;
    };
    let channels = value.shape.channels();
    let cells = cells(&grid.axes);
    let mut entries = Vec::with_capacity(cells.len() * channels);
    for batch in cells.chunks(set.capacity.max(1)) {
        let rows: Vec<Option<Vec<Vec<i64>>>> = batch
            .iter()
            .map(|cell| constituent(program, set.live, input, &grid.axes, cell))
            .collect();
        let mut event = Event {
            inputs: program
                .inputs
                .iter()
                .map(|input| match input.set {
                    Some(_) => vec![],
                    None => vec![0; input.channels],
                })
                .collect(),
        };
        for row in rows.iter().flatten() {
            for (all, words) in event.inputs.iter_mut().zip(row) {
                all.extend(words);
            }
        }
        let trace = interpreter.trace(&event).ok()?;
        let mut made = trace.values[grid.result.index()].chunks(channels);
        for row in rows {
            match row {
                Some(_) => entries.extend(made.next()?),
                None => entries.extend(std::iter::repeat_n(0, channels)),
            }
        }
    }
    Some(entries)
}

/// All cells, the last axis fastest.
fn cells(axes: &[Axis]) -> Vec<Vec<i64>> {
    axes.iter().fold(vec![vec![]], |cells, axis| {
        let words = axis.minimum..axis.minimum + axis.extent as i64;
        let longer = cells.iter().flat_map(|cell| {
            let words = words.clone();
            words.map(move |word| cell.iter().copied().chain([word]).collect())
        });
        longer.collect()
    })
}

/// The constituent, with a word of `judged` beside the axes that is not empty where all are.
fn not_empty(
    program: &Program,
    judged: InputId,
    input: InputId,
    axes: &[Axis],
    mut rows: Vec<Vec<i64>>,
) -> Option<Vec<Vec<i64>>> {
    let own = program.input(judged);
    let row = &mut rows[judged.index()];
    let is_empty = |(channel, word): (usize, &i64)| *word == own.field(channel).empty;
    if !row.iter().enumerate().all(is_empty) {
        return Some(rows);
    }
    let is_axis = |channel: usize| judged == input && axes.iter().any(|a| a.channel == channel);
    for channel in (0..own.channels).filter(|channel| !is_axis(*channel)) {
        let field = own.field(channel);
        let mut ends = [field.maximum, field.minimum].into_iter();
        if let Some(word) = ends.find(|word| *word != field.empty) {
            row[channel] = word;
            return Some(rows);
        }
    }
    None
}

/// A live constituent in the cell: its row of each input, empty for inputs without a set. `None`
/// where no constituent of this cell is live.
fn constituent(
    program: &Program,
    live: Live,
    input: InputId,
    axes: &[Axis],
    cell: &[i64],
) -> Option<Vec<Vec<i64>>> {
    let mut rows: Vec<Vec<i64>> = program
        .inputs
        .iter()
        .map(|input| match input.set {
            Some(_) => vec![0; input.channels],
            None => vec![],
        })
        .collect();
    for (axis, word) in axes.iter().zip(cell) {
        rows[input.index()][axis.channel] = *word;
    }
    let (at, is_live): (_, &dyn Fn(i64) -> bool) = match &live {
        Live::Always => return Some(rows),
        Live::NotEmpty { input: judged } => {
            return not_empty(program, *judged, input, axes, rows);
        }
        Live::Above { word, threshold } => (word, &|raw| raw > *threshold),
        Live::NotEqual { word, empty } => (word, &|raw| raw != *empty),
    };
    let field = program.input(at.input).field(at.channel);
    let word = &mut rows[at.input.index()][at.channel];
    let is_axis = at.input == input && axes.iter().any(|axis| axis.channel == at.channel);
    if !is_axis {
        *word = [field.maximum, field.minimum]
            .into_iter()
            .find(|raw| is_live(*raw))?;
    }
    is_live(*word).then_some(rows)
}
