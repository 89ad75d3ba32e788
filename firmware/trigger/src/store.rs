//! The answers that a host may ask for again.

use hodoscope_kernels::model::Model;
use hodoscope_wire::Reason;

/// Bytes of raws that are stored, as far as this is more than one answer.
const BYTES: usize = 512;

/// Most answers that are stored.
const MOST: usize = 8;

/// Answers of `M` that a board stores: as many events may be under way at once.
///
/// Eight, or as many as have their raws in 512 bytes, and at least one.
#[must_use]
pub const fn answers_stored<M: Model>() -> usize {
    let size = size_of::<M::Raws>();
    match BYTES.checked_div(size) {
        None | Some(MOST..) => MOST,
        Some(0) => 1,
        Some(count) => count,
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<R> {
    /// It was computed and decided.
    Decided {
        /// Raws of all outputs.
        raws: R,
        /// The decision.
        accept: bool,
        /// Ticks of the inference.
        ticks: u32,
    },
    /// It could not be computed.
    Refused(Reason),
}

/// The fates of the last `K` events.
#[derive(Clone, Debug)]
pub(crate) struct Store<R, const K: usize> {
    places: [Option<(u32, Fate<R>)>; K],
}

impl<R, const K: usize> Store<R, K> {
    pub(crate) const fn new() -> Self {
        Self {
            places: [const { None }; K],
        }
    }

    /// Stores the fate of event `sequence` in the place of the one `K` before it.
    pub(crate) fn put(&mut self, sequence: u32, fate: Fate<R>) -> &Fate<R> {
        let place = &mut self.places[sequence as usize % K];
        &place.insert((sequence, fate)).1
    }

    /// The fate of event `sequence`, if it is among those stored.
    pub(crate) fn get(&self, sequence: u32) -> Option<&Fate<R>> {
        let (stored, fate) = self.places[sequence as usize % K].as_ref()?;
        (*stored == sequence).then_some(fate)
    }
}
