//! Rows of events that have different numbers of them, one event after the other: constituents as ROOT, parquet and
//! awkward arrays hold them.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::{Array, NpzError, Values};

/// The rows of all events.
#[derive(Clone, Debug)]
pub struct Jagged {
    /// Rows of event e: `offsets[e]` to `offsets[e + 1]`.
    offsets: Vec<usize>,
    /// `(rows, ...)`.
    content: Array,
    /// `(events, slots, ...)`, once it was asked for.
    padded: OnceLock<Array>,
}

impl Jagged {
    /// Rows and where those of each event begin; the last offset is their end.
    ///
    /// # Errors
    /// When there is no event, or offsets decrease, or do not end where the rows do.
    pub fn new(content: Array, offsets: &[i64]) -> Result<Self, NpzError> {
        let rows = content.event_count();
        let wrong = |reason: String| NpzError::Offsets {
            path: content.path.clone(),
            name: content.name.clone(),
            reason,
        };
        if content.shape.is_empty() {
            return Err(content.wrong_shape("(rows, …)"));
        }
        let mut taken = Vec::with_capacity(offsets.len());
        for (event, &offset) in offsets.iter().enumerate() {
            let offset = usize::try_from(offset).ok().filter(|&offset| {
                offset <= rows && taken.last().is_none_or(|&before| before <= offset)
            });
            taken.push(offset.ok_or_else(|| {
                wrong(format!(
                    "offset {} of event {event}: offsets begin at 0 or later, never decrease, and end at the {rows} rows at most",
                    offsets[event]
                ))
            })?);
        }
        match taken.len() {
            0 => Err(wrong(
                "there are none: n events have n + 1 offsets".to_owned(),
            )),
            1 => Err(NpzError::NoEvents {
                path: content.path.clone(),
                name: content.name.clone(),
                got: vec![0],
            }),
            _ => Ok(Self {
                offsets: taken,
                content,
                padded: OnceLock::new(),
            }),
        }
    }

    /// Rows of event e: `offsets[e]` to `offsets[e + 1]`.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The rows of all events; those before the first offset and behind the last are no event's.
    pub fn content(&self) -> &Array {
        &self.content
    }

    /// Number of events.
    pub fn event_count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Rows of each event.
    pub fn counts(&self) -> impl Iterator<Item = usize> {
        self.offsets.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Most rows of an event.
    pub fn slots(&self) -> usize {
        self.counts().max().unwrap_or(0)
    }

    /// The same with as many slots for every event as the fullest one has; what is empty is zero.
    pub fn padded(&self) -> &Array {
        self.padded.get_or_init(|| self.padded_to(self.slots()).0)
    }

    /// The same with `slots` slots for every event, what is empty is zero; and the number of rows for which there is no slot.
    pub fn padded_to(&self, slots: usize) -> (Array, usize) {
        let content = &self.content;
        let width = content.per_event();
        let values = match content.values() {
            Values::Float(values) => Values::Float(self.spread(values, width, slots)),
            Values::Single(values) => Values::Single(self.spread(values, width, slots)),
            Values::Integer(values) => Values::Integer(self.spread(values, width, slots)),
        };
        let mut shape = vec![self.event_count(), slots];
        shape.extend(content.shape.iter().skip(1));
        let beyond = self.counts().map(|count| count.saturating_sub(slots)).sum();
        let array = Array {
            shape,
            values,
            ..content.like()
        };
        (array, beyond)
    }

    fn spread<T: Copy + Default>(&self, values: &[T], width: usize, slots: usize) -> Vec<T> {
        let mut spread = vec![T::default(); self.event_count() * slots * width];
        for (event, rows) in self.offsets.windows(2).enumerate() {
            let end = rows[1].min(rows[0] + slots);
            let from = &values[rows[0] * width..end * width];
            spread[event * slots * width..][..from.len()].copy_from_slice(from);
        }
        spread
    }

    /// `NAME.count`, as archives have it.
    pub(super) fn count(&self) -> Array {
        let counts: Vec<i64> = self.counts().map(|count| count as i64).collect();
        Array {
            path: self.content.path.clone(),
            name: format!("{}.count", self.content.name),
            dtype: "<i8".to_owned(),
            shape: vec![counts.len()],
            values: Values::Integer(counts),
        }
    }

    /// The error that the element at row-major `index` of the content is not finite.
    pub fn not_finite(&self, index: usize) -> NpzError {
        let width = self.content.per_event().max(1);
        let event = self
            .offsets
            .partition_point(|&offset| offset <= index / width)
            .saturating_sub(1);
        let first = self.offsets[event] * width;
        match self.content.not_finite(index) {
            NpzError::NotFinite {
                path, name, value, ..
            } => NpzError::NotFinite {
                path,
                name,
                event,
                index: index - first,
                value,
            },
            other => other,
        }
    }

    /// The error that an input has no constituents, or others.
    pub fn wrong_shape(&self, expected: &str) -> NpzError {
        let rest = self.content.shape.iter().skip(1);
        NpzError::Jagged {
            path: PathBuf::clone(&self.content.path),
            name: self.content.name.clone(),
            rest: rest.map(|extent| format!(", {extent}")).collect(),
            expected: expected.to_owned(),
        }
    }
}
