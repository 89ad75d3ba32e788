//! Events of a file, as many at a time as are wanted.

use std::ops::Range;

use hodoscope_program::{Program, SetId};

use super::{EncodeError, EncodeReport, Events, InputWords, Source, agree, counts};
use crate::npz::Npz;

/// The events of a file, to be made into words part by part, also by several threads.
#[derive(Debug)]
pub struct Encoder<'a> {
    program: &'a Program,
    sources: Vec<Source<'a>>,
    sets: Vec<SetRows>,
    count: usize,
}

/// Rows of one set in a file.
#[derive(Debug)]
pub(super) struct SetRows {
    /// Its inputs.
    pub members: Vec<usize>,
    /// Rows of every event.
    pub slots: usize,
    /// Filled rows of each event, where the file says it.
    pub counts: Option<Vec<usize>>,
}

impl<'a> Encoder<'a> {
    /// Finds the arrays of a program's inputs.
    ///
    /// # Errors
    /// When an array that the program needs is missing, of the wrong shape or empty, or two arrays disagree on the number
    /// of events.
    pub fn new(program: &'a Program, npz: &'a Npz) -> Result<Self, EncodeError> {
        let sources = program
            .inputs
            .iter()
            .map(|input| Source::new(program, input, npz))
            .collect::<Result<Vec<_>, _>>()?;
        let count = agree(
            npz,
            "events",
            sources
                .iter()
                .map(|source| (source.array, source.event_count())),
        )?;
        let sets = (0..program.sets.len()).map(|index| {
            let set = Some(SetId::new(index));
            let members =
                (0..program.inputs.len()).filter(|&index| program.inputs[index].set == set);
            let members: Vec<usize> = members.collect();
            let slots = members
                .iter()
                .map(|&i| (sources[i].array, sources[i].slots));
            let slots = agree(npz, "slots", slots)?;
            let counts = counts(program, npz, &members, count, slots)?;
            Ok(SetRows {
                members,
                slots,
                counts,
            })
        });
        let sets = sets.collect::<Result<Vec<_>, EncodeError>>()?;
        Ok(Self {
            program,
            sources,
            sets,
            count,
        })
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The words of a part of the events, and what they cost.
    ///
    /// # Errors
    /// When a value is not finite.
    ///
    /// # Panics
    /// If there are not so many events.
    pub fn encode(&self, part: Range<usize>) -> Result<Events, EncodeError> {
        let program = self.program;
        let count = part.len();
        let mut events = Events {
            inputs: program.inputs.iter().map(InputWords::new).collect(),
            count,
            report: EncodeReport::new(program, count),
        };
        for (index, input) in program.inputs.iter().enumerate() {
            if input.set.is_none() {
                let source = &self.sources[index];
                let elements = source.element(part.start, 0)..source.element(part.end, 0);
                let saturated = source.push(elements, &mut events.inputs[index].words)?;
                events.inputs[index].rows = (0..=count).collect();
                let report = &mut events.report.inputs[index];
                report.values += (count * input.channels) as u64;
                report.saturated += saturated;
            }
        }
        for (index, rows) in self.sets.iter().enumerate() {
            events.push_set(
                program,
                SetId::new(index),
                rows,
                &self.sources,
                part.clone(),
            )?;
        }
        Ok(events)
    }
}
