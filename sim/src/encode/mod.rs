//! From arrays of events to detector words.
//!
//! A program's inputs are the integers that a detector sends. [`Events::from_npz`] makes them: a
//! float is rounded by its field's rule ([`Field::encode`]), an integer is a detector word already
//! and is clamped to its field's range, as firmware does; where the compiler made the words itself
//! ([`Encoding::Calibrated`]), integers are values as floats are. What this costs is counted: values that
//! saturated, and constituents that a mask loses because their word is rounded to the empty code.
//!
//! An input of a fixed row has the shape `(events, …)` with as many elements per event as the
//! program has words; an input with a row per constituent has `(events, slots, …)`, or its whole capacity in one row. An array
//! `INPUT.count` (integers, one per event) says how many slots are filled, and what lies beyond is
//! not read.

mod encoder;
mod report;
mod rule;
mod synthetic;

pub use encoder::Encoder;
pub use report::{EncodeReport, InputReport, SetReport};

use std::ops::Range;
use std::path::PathBuf;

use encoder::SetRows;
use hodoscope_interpreter::Event;
use hodoscope_program::{Encoded, Encoding, Field, Input, InputId, Live, Program, SetId, WordRef};
use rule::Rule;
use thiserror::Error;

use crate::npz::{Array, Jagged, Npz, NpzError, Values};

/// Detector words of events, by input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    inputs: Vec<InputWords>,
    count: usize,
    report: EncodeReport,
}

/// Detector words of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InputWords {
    /// Words per row.
    channels: usize,
    /// Bytes per word in a payload.
    bytes: usize,
    /// Whether there is a row per constituent.
    set: bool,
    words: Vec<i64>,
    /// The first row of each event, and the end.
    rows: Vec<usize>,
}

/// Why events have no words.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// An array is missing or wrong.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// Arrays disagree on the number of events or slots.
    #[error("{path}: `{first}` has {first_extent} {what}, `{second}` has {second_extent}")]
    Disagree {
        /// The file.
        path: PathBuf,
        /// Events, or slots of a set.
        what: &'static str,
        /// One array.
        first: String,
        /// Its extent.
        first_extent: usize,
        /// The other array.
        second: String,
        /// Its extent.
        second_extent: usize,
    },
}

impl Events {
    /// The words of every event in `npz`.
    ///
    /// # Errors
    /// When an array that the program needs is missing, of the wrong shape, empty, or not finite,
    /// or two arrays disagree on the number of events.
    pub fn from_npz(program: &Program, npz: &Npz) -> Result<Self, EncodeError> {
        let encoder = Encoder::new(program, npz)?;
        encoder.encode(0..encoder.len())
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What was lost and what saturated.
    pub fn report(&self) -> &EncodeReport {
        &self.report
    }

    /// Words of `input` in `event`, row after row; one row for an input without a set.
    ///
    /// # Panics
    /// If there is no such event or input.
    pub fn words(&self, event: usize, input: InputId) -> &[i64] {
        let input = &self.inputs[input.index()];
        &input.words[input.rows[event] * input.channels..input.rows[event + 1] * input.channels]
    }

    /// Rows of `input` in `event`, holes included; 1 for an input without a set.
    ///
    /// # Panics
    /// If there is no such event or input.
    pub fn rows(&self, event: usize, input: InputId) -> usize {
        let rows = &self.inputs[input.index()].rows;
        rows[event + 1] - rows[event]
    }

    /// The bytes of `event` as an emitted crate takes them: the words of all fixed inputs, then
    /// each constituent as the words of all set inputs, little-endian. Slots after the last live
    /// one are not sent; holes before it are.
    ///
    /// # Panics
    /// If there is no such event.
    pub fn payload(&self, event: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for input in self.inputs.iter().filter(|input| !input.set) {
            input.write(input.rows[event], &mut bytes);
        }
        let sets = || self.inputs.iter().filter(|input| input.set);
        let rows = sets()
            .map(|input| input.rows[event + 1] - input.rows[event])
            .max();
        for row in 0..rows.unwrap_or(0) {
            for input in sets() {
                input.write(input.rows[event] + row, &mut bytes);
            }
        }
        bytes
    }

    /// Words of `input` of all events, row after row, and the first row of each event, and the end.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn all_words(&self, input: InputId) -> (&[i64], &[usize]) {
        let input = &self.inputs[input.index()];
        (&input.words, &input.rows)
    }

    /// Words of a row of `input`.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn channels(&self, input: InputId) -> usize {
        self.inputs[input.index()].channels
    }

    /// Whether `input` has a row per constituent.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn is_of_set(&self, input: InputId) -> bool {
        self.inputs[input.index()].set
    }

    /// Bytes of a payload that every event has, and bytes of each row after them.
    pub fn payload_bytes(&self) -> (usize, usize) {
        let bytes = |set: bool| {
            let inputs = self.inputs.iter().filter(move |input| input.set == set);
            inputs.map(|input| input.channels * input.bytes).sum()
        };
        (bytes(false), bytes(true))
    }

    /// `event` as the interpreter takes it.
    ///
    /// # Panics
    /// If there is no such event.
    pub fn event(&self, event: usize) -> Event {
        let inputs = (0..self.inputs.len()).map(|input| self.words(event, InputId::new(input)));
        Event {
            inputs: inputs.map(<[i64]>::to_vec).collect(),
        }
    }

    /// The slots of `event` in which `set` holds a constituent, in order, also more than its
    /// capacity. Words are clamped to their fields first, as whoever computes them does.
    ///
    /// # Panics
    /// If there is no such event or set.
    pub fn live_slots(&self, program: &Program, event: usize, set: SetId) -> Vec<usize> {
        let member = program
            .inputs
            .iter()
            .position(|input| input.set == Some(set));
        let rows = member.map_or(0, |index| self.rows(event, InputId::new(index)));
        let is_live = |&row: &usize| {
            is_live(program, program.set(set).live, |at| {
                let channels = self.inputs[at.input.index()].channels;
                let field = program.input(at.input).field(at.channel);
                let word = self.words(event, at.input)[row * channels + at.channel];
                word.clamp(field.minimum, field.maximum)
            })
        };
        (0..rows).filter(is_live).collect()
    }

    /// Appends the rows of one set, of a part of a file's events.
    fn push_set(
        &mut self,
        program: &Program,
        set: SetId,
        SetRows {
            members,
            slots,
            counts,
        }: &SetRows,
        arrays: &[Source<'_>],
        events: Range<usize>,
    ) -> Result<(), EncodeError> {
        let live = program.set(set).live;
        for event in events {
            let filled = counts.as_ref().map_or(*slots, |counts| counts[event]);
            let mut saturates = false;
            for &index in members {
                let source = &arrays[index];
                let elements = source.element(event, 0)..source.element(event, filled);
                saturates |= source.push(elements, &mut self.inputs[index].words)? > 0;
            }
            // Rows up to and including the last live one.
            let mut kept = 0;
            let mut constituents = 0;
            let mut lost = 0;
            for row in 0..filled {
                let source = |word: WordRef| {
                    let source = &arrays[word.input.index()];
                    (source, source.element(event, row) + word.channel)
                };
                let word = |at: WordRef| {
                    let input = &self.inputs[at.input.index()];
                    let behind = (filled - row) * input.channels;
                    input.words[input.words.len() - behind + at.channel]
                };
                if is_live(program, live, word) {
                    kept = row + 1;
                    constituents += 1;
                    for &index in members {
                        let report = &mut self.report.inputs[index];
                        report.values += program.inputs[index].channels as u64;
                        if saturates {
                            report.saturated += arrays[index].saturated(event, row)?;
                        }
                    }
                } else if was_live(program, live, source) {
                    lost += 1;
                }
            }
            for &index in members {
                let words = &mut self.inputs[index];
                let behind = (filled - kept) * words.channels;
                words.words.truncate(words.words.len() - behind);
                let end = words.words.len() / words.channels;
                words.rows.push(end);
            }
            let capacity = program.set(set).capacity;
            self.report.sets[set.index()].add(constituents, lost, capacity);
        }
        Ok(())
    }
}

/// Whether a row holds a constituent, from its words.
fn is_live(program: &Program, live: Live, word: impl Fn(WordRef) -> i64) -> bool {
    match live {
        Live::Always => true,
        Live::NotEmpty { input } => {
            let words = program.input(input);
            (0..words.channels)
                .any(|channel| word(WordRef { input, channel }) != words.field(channel).empty)
        }
        Live::Above {
            word: at,
            threshold,
        } => word(at) > threshold,
        Live::NotEqual { word: at, empty } => word(at) != empty,
    }
}

/// Whether a row would be live if its words were not rounded.
fn was_live<'a, 'b: 'a>(
    program: &Program,
    live: Live,
    source: impl Fn(WordRef) -> (&'a Source<'b>, usize),
) -> bool {
    // Words are words already: nothing is rounded.
    let value = |word: WordRef| {
        let (source, index) = source(word);
        let field = program.input(word.input).field(word.channel);
        match source.array.values() {
            Values::Float(values) => Some((values[index], field)),
            Values::Single(values) => Some((values[index].into(), field)),
            Values::Integer(values) if field.encoding == Encoding::Calibrated => {
                Some((values[index] as f64, field))
            }
            Values::Integer(_) => None,
        }
    };
    match live {
        Live::Always => false,
        Live::NotEmpty { input } => {
            let mut words = (0..program.input(input).channels).map(|channel| {
                let found = value(WordRef { input, channel });
                found.is_some_and(|(value, field)| value != field.decode(field.empty))
            });
            words.any(|differs| differs)
        }
        Live::Above { word, threshold } => {
            value(word).is_some_and(|(value, field)| value > field.decode(threshold))
        }
        Live::NotEqual { word, empty } => {
            value(word).is_some_and(|(value, field)| value != field.decode(empty))
        }
    }
}

impl InputWords {
    fn new(input: &Input) -> Self {
        Self {
            channels: input.channels,
            bytes: usize::from(input.element().storage().width / 8),
            set: input.set.is_some(),
            words: Vec::new(),
            rows: vec![0],
        }
    }

    fn write(&self, row: usize, bytes: &mut Vec<u8>) {
        for word in &self.words[row * self.channels..(row + 1) * self.channels] {
            bytes.extend_from_slice(&word.to_le_bytes()[..self.bytes]);
        }
    }
}

/// The array of an input, its shape checked.
#[derive(Debug)]
struct Source<'a> {
    array: &'a Array,
    /// The same, where events have different numbers of rows: then `array` is its content.
    jagged: Option<&'a Jagged>,
    /// Slots per event; 1 for an input without a set.
    slots: usize,
    channels: usize,
    rule: Rule<'a>,
}

impl<'a> Source<'a> {
    fn new(program: &Program, input: &'a Input, npz: &'a Npz) -> Result<Self, NpzError> {
        let channels = input.channels;
        let rule = Rule::new(input);
        if let Some(jagged) = npz.jagged(&input.name) {
            return Self::of_rows(input, jagged);
        }
        let array = npz.events(&input.name)?;
        if let Some(set) = input.set
            && is_flat(array.shape(), channels, program.set(set).capacity)
        {
            return Ok(Self {
                array,
                jagged: None,
                slots: program.set(set).capacity,
                channels,
                rule,
            });
        }
        let outer = if input.set.is_some() { 2 } else { 1 };
        let fits = array.shape().len() >= outer
            && array.shape()[outer..].iter().product::<usize>() == channels;
        if !fits {
            let expected = match (input.set, channels) {
                (None, 1) => "(events,) or (events, 1)".to_owned(),
                (None, n) => format!("(events, {n})"),
                (Some(_), 1) => "(events, slots) or (events, slots, 1)".to_owned(),
                (Some(_), n) => format!("(events, slots, {n})"),
            };
            return Err(array.wrong_shape(&expected));
        }
        let slots = if input.set.is_some() {
            array.shape()[1]
        } else {
            1
        };
        Ok(Self {
            array,
            jagged: None,
            slots,
            channels,
            rule,
        })
    }

    fn of_rows(input: &'a Input, jagged: &'a Jagged) -> Result<Self, NpzError> {
        let (array, channels) = (jagged.content(), input.channels);
        if input.set.is_none() {
            return Err(jagged.wrong_shape(&format!("(events, {channels})")));
        }
        if array.per_event() != channels {
            return Err(jagged.wrong_shape(&format!("(events, any number, {channels})")));
        }
        Ok(Self {
            array,
            jagged: Some(jagged),
            slots: jagged.slots(),
            channels,
            rule: Rule::new(input),
        })
    }

    fn event_count(&self) -> usize {
        self.jagged
            .map_or_else(|| self.array.event_count(), Jagged::event_count)
    }

    fn not_finite(&self, index: usize) -> NpzError {
        match self.jagged {
            Some(jagged) => jagged.not_finite(index),
            None => self.array.not_finite(index),
        }
    }

    /// Appends the words of `elements`, which are whole rows, and says how many saturated.
    fn push(&self, elements: Range<usize>, words: &mut Vec<i64>) -> Result<u64, NpzError> {
        let (first, begin) = (elements.start, words.len());
        words.resize(begin + elements.len(), 0);
        let own = &mut words[begin..];
        let done = match self.array.values() {
            Values::Float(values) => self.rule.encode(&values[elements], own),
            Values::Single(values) => self.rule.encode(&values[elements], own),
            Values::Integer(_) => {
                let mut saturated = 0;
                let fields = self.rule.fields().cycle();
                for ((index, word), field) in elements.zip(own).zip(fields) {
                    let encoded = self.encode(index, field)?;
                    *word = encoded.word;
                    saturated += u64::from(encoded.saturated);
                }
                return Ok(saturated);
            }
        };
        done.map_err(|index| self.not_finite(first + index))
    }

    /// How many values of a row saturate.
    fn saturated(&self, event: usize, row: usize) -> Result<u64, NpzError> {
        let mut saturated = 0;
        for (index, field) in (self.element(event, row)..).zip(self.rule.fields()) {
            saturated += u64::from(self.encode(index, field)?.saturated);
        }
        Ok(saturated)
    }

    /// Index of a row's first element.
    fn element(&self, event: usize, row: usize) -> usize {
        let first = match self.jagged {
            Some(jagged) => jagged.offsets()[event],
            None => event * self.slots,
        };
        (first + row) * self.channels
    }

    fn encode(&self, index: usize, field: &Field) -> Result<Encoded, NpzError> {
        match self.array.values() {
            Values::Float(values) => field
                .encode(values[index])
                .map_err(|_| self.not_finite(index)),
            Values::Single(values) => field
                .encode(values[index].into())
                .map_err(|_| self.not_finite(index)),
            Values::Integer(values) if field.encoding == Encoding::Calibrated => field
                .encode(values[index] as f64)
                .map_err(|_| self.not_finite(index)),
            Values::Integer(words) => {
                let word = words[index].clamp(field.minimum, field.maximum);
                Ok(Encoded {
                    word,
                    saturated: word != words[index],
                })
            }
        }
    }
}

/// Whether the slots of an event stand in one row, one after the other: a network that is given so has them apart in its
/// program.
fn is_flat(shape: &[usize], channels: usize, capacity: usize) -> bool {
    let of_event: usize = shape.iter().skip(1).product();
    shape.len() > 1 && shape[1] != capacity && of_event == capacity * channels
}

/// Filled slots of each event, where an input of the set has an array `INPUT.count`.
fn counts(
    program: &Program,
    npz: &Npz,
    members: &[usize],
    events: usize,
    slots: usize,
) -> Result<Option<Vec<usize>>, EncodeError> {
    let mut found: Option<(&Array, Vec<usize>)> = None;
    for &index in members {
        let name = format!("{}.count", program.inputs[index].name);
        if !npz.contains(&name) {
            continue;
        }
        let array = npz.events(&name)?;
        if array.shape() != [events] && array.shape() != [events, 1] {
            return Err(array.wrong_shape(&format!("({events},)")).into());
        }
        let mut counts = Vec::with_capacity(events);
        for (event, count) in array.integers()?.into_iter().enumerate() {
            let filled = usize::try_from(count).ok().filter(|&n| n <= slots);
            counts.push(filled.ok_or_else(|| {
                array.bad_value(event, format!("{count} constituents in {slots} slots"))
            })?);
        }
        if let Some((first, earlier)) = &found
            && let Some(event) = (0..events).find(|&event| earlier[event] != counts[event])
        {
            let reason = format!(
                "{} constituents, but `{}` says {}",
                counts[event],
                first.name(),
                earlier[event]
            );
            return Err(array.bad_value(event, reason).into());
        }
        found = Some((array, counts));
    }
    Ok(found.map(|(_, counts)| counts))
}

/// The extent on which all arrays agree; 0 if there is none.
fn agree<'a>(
    npz: &Npz,
    what: &'static str,
    mut extents: impl Iterator<Item = (&'a Array, usize)>,
) -> Result<usize, EncodeError> {
    let Some((first, extent)) = extents.next() else {
        return Ok(0);
    };
    match extents.find(|(_, other)| *other != extent) {
        None => Ok(extent),
        Some((second, second_extent)) => Err(EncodeError::Disagree {
            path: npz.path().into(),
            what,
            first: first.name().to_owned(),
            first_extent: extent,
            second: second.name().to_owned(),
            second_extent,
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
