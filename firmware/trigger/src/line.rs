//! One model with its decision and counters.

use core::fmt;
use core::hint::black_box;

use embedded_io::Write;
use hodoscope_kernels::model::{EventError, Model, Raws};
use hodoscope_wire::{
    Counters, Health, Identity, MENU_FRAME, MULTIPLICITIES, MenuTaken, Reason, VERSION, frame_len,
};

use crate::reply::{Replies, Tracer};
use crate::sequence::Sequence;
use crate::store::{Fate, Store};
use crate::{About, Clock, Fault, Judge, Probe, Triple, Vote};

/// Accept an event iff raw number `output` is at least `threshold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Index into the raws of all outputs, concatenated.
    pub output: u16,
    /// Least raw that is accepted.
    pub threshold: i64,
}

impl Decision {
    /// Accepts nothing that a model computes: what a board does until it is told.
    pub const NONE: Self = Self {
        output: 0,
        threshold: i64::MAX,
    };

    /// The decision on the raws of an event. Without such a raw it is a refusal.
    #[must_use]
    pub fn accepts(&self, raws: &impl Raws) -> bool {
        raws.get(usize::from(self.output))
            .is_some_and(|score| score >= self.threshold)
    }
}

/// Payload bytes of the fixed inputs of `M`.
#[must_use]
pub const fn fixed_bytes<M: Model>() -> usize {
    bytes::<M>(false)
}

/// Payload bytes of one constituent of `M`, 0 for a model without a set.
#[must_use]
pub const fn row_bytes<M: Model>() -> usize {
    bytes::<M>(true)
}

const fn bytes<M: Model>(set: bool) -> usize {
    let mut sum = 0;
    let mut index = 0;
    while index < M::INPUTS.len() {
        let input = &M::INPUTS[index];
        if input.set == set {
            sum += input.words * input.bytes;
        }
        index += 1;
    }
    sum
}

/// Number of raws of `M`, over all outputs.
#[must_use]
pub const fn raws<M: Model>() -> usize {
    let mut sum = 0;
    let mut index = 0;
    while index < M::OUTPUTS.len() {
        sum += M::OUTPUTS[index].len;
        index += 1;
    }
    sum
}

/// Most payload bytes that a board takes for `M`: twice the multiplicity that is computed, and at
/// least 64 constituents.
#[must_use]
pub const fn payload_capacity<M: Model>() -> usize {
    let rows = if M::CAPACITY > 32 {
        2 * M::CAPACITY
    } else {
        64
    };
    fixed_bytes::<M>() + rows * row_bytes::<M>()
}

/// The `N` of [`Trigger`](crate::Trigger) for `M`: bytes of the longest frame that it reads.
#[must_use]
pub const fn frame_capacity<M: Model>() -> usize {
    // The message is its variant, the epoch, the number, the length and the payload. Sixteen bytes more, so
    // that a payload of a slightly wrong length is refused as such.
    frame_len(1 + 4 + 5 + 5 + payload_capacity::<M>() + 16)
}

/// As [`frame_capacity`], for a firmware that takes menus, too.
#[must_use]
pub const fn menu_frame_capacity<M: Model>() -> usize {
    let events = frame_capacity::<M>();
    if events > MENU_FRAME {
        events
    } else {
        MENU_FRAME
    }
}

/// One model with its decision, counters, and the run that it is in.
///
/// It stores the fates of the last `K` events, [`answers_stored`](crate::answers_stored) of `M`. With `TRACE` false, the traced
/// instance of the model is not part of the firmware.
pub struct Line<M: Model, J: Judge<M::Raws>, const K: usize, const TRACE: bool> {
    judge: J,
    counters: Counters,
    /// `events` and `accepted` of the counters, which have none.
    decided: Triple<Decided>,
    sequence: Triple<Sequence>,
    repairs: u32,
    store: Store<J::Answer, K>,
}

impl<M: Model, J: Judge<M::Raws>, const K: usize, const TRACE: bool> Line<M, J, K, TRACE> {
    /// A line without a run, and with all counters at zero.
    #[must_use]
    pub fn new(judge: J) -> Self {
        const {
            assert!(M::NAME.len() <= 128, "a model's name has at most 128 bytes");
            assert!(K > 0, "a line stores an answer at least");
        }
        Self {
            judge,
            counters: Counters::default(),
            decided: Triple::default(),
            sequence: Triple::default(),
            repairs: 0,
            store: Store::new(),
        }
    }

    /// What this line computes, on which board.
    #[must_use]
    pub fn identity<'a>(
        &self,
        about: &About<'a>,
        token: u32,
        ticks_per_second: u32,
        health: Health,
    ) -> Identity<'a> {
        Identity {
            protocol: VERSION,
            name: M::NAME,
            app: about.app,
            board: about.board,
            version: env!("CARGO_PKG_VERSION"),
            program: M::PROGRAM,
            raws: (raws::<M>() + J::WORDS) as u16,
            capacity: M::CAPACITY as u16,
            payload: payload_capacity::<M>() as u32,
            credit: self.credit(about),
            epoch: self.sequence().epoch(),
            token,
            ticks_per_second,
            trace: TRACE,
            overflow_checks: cfg!(debug_assertions),
            health,
            reset: about.reset,
        }
    }

    /// Events that may be under way at once: what the link holds, as far as answers are stored.
    #[must_use]
    pub fn credit(&self, about: &About<'_>) -> u8 {
        let stored = u8::try_from(K).unwrap_or(u8::MAX);
        stored.min(about.credit).max(1)
    }

    /// The run that this line is in.
    #[must_use]
    #[inline(never)]
    pub fn sequence(&self) -> Sequence {
        self.sequence.get()
    }

    /// What this line has seen.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let sequence = self.sequence();
        let Decided { events, accepted } = self.decided.get();
        Counters {
            epoch: sequence.epoch(),
            next: sequence.next(),
            events,
            accepted,
            repairs: self.repairs,
            ..self.counters
        }
    }

    /// Sets all counters to zero.
    pub fn reset(&mut self) {
        self.counters = Counters::default();
        self.decided = Triple::default();
    }

    /// Whether what decides is as it was when it was told.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.judge.is_sound()
    }

    /// Repairs what is there three times.
    pub fn repair(&mut self) {
        let own = u32::from(self.sequence.repair()) + u32::from(self.decided.repair());
        add(&mut self.repairs, own + self.judge.repair());
    }

    /// How this line decides.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.judge.decision()
    }

    /// Begins the run `epoch`, unless this line is in it already: with counters at zero and no stored answer.
    ///
    /// # Errors
    /// [`Reason::NoOutput`] when the model does not have the raw that should decide; then nothing has changed.
    pub fn begin(&mut self, epoch: u32, decision: Option<Decision>) -> Result<(), Reason> {
        if epoch != 0 && epoch == self.sequence().epoch() {
            return Ok(());
        }
        if let Some(decision) = decision {
            self.configure(decision)?;
        }
        self.judge.begin();
        self.sequence.set(Sequence::of_run(epoch));
        self.store = Store::new();
        self.reset();
        Ok(())
    }

    /// Decides from now on by `decision`.
    ///
    /// # Errors
    /// [`Reason::NoOutput`] when the model does not have that raw; the decision stays.
    pub fn configure(&mut self, decision: Decision) -> Result<(), Reason> {
        self.judge.configure(decision, raws::<M>())
    }

    /// Takes a part of a menu, as [`Judge::menu`] says.
    pub fn menu(&mut self, part: J::Part<'_>) -> MenuTaken {
        let (run, next) = (self.sequence().epoch(), self.sequence().next());
        self.judge.menu(part, run, next)
    }

    /// Counts a request that was refused.
    pub fn refused(&mut self, reason: &Reason) {
        let counters = &mut self.counters;
        add(&mut counters.refused, 1);
        match reason {
            Reason::Frame(_) => add(&mut counters.unreadable, 1),
            Reason::OtherRun => add(&mut counters.strangers, 1),
            Reason::Ahead { .. } => add(&mut counters.ahead, 1),
            Reason::Forgotten => add(&mut counters.duplicates, 1),
            Reason::Length { .. }
            | Reason::NoTrace
            | Reason::NoOutput { .. }
            | Reason::HasMenu
            | Reason::Damaged(_) => {}
        }
    }

    /// Computes and decides the event that has its turn, counts it, and stores its fate under its number.
    ///
    /// A payload of a wrong length has its turn too: it is refused, and the next event is expected.
    pub fn event(
        &mut self,
        sequence: u32,
        payload: &[u8],
        clock: &mut impl Clock,
        probe: &mut impl Probe,
    ) -> &Fate<J::Answer> {
        let start = clock.now();
        probe.begin();
        // Nothing of the inference moves across the markers.
        let answer = infer::<M>(black_box(payload));
        black_box(&answer);
        probe.end();
        let ticks = clock.now().wrapping_sub(start);
        let mut place = self.sequence();
        place.advance();
        self.sequence.set(place);
        let fate = decided(&mut self.judge, sequence, answer, ticks);
        match &fate {
            Fate::Decided { accept, .. } => self.count(payload.len(), ticks, *accept),
            Fate::Refused(reason) => {
                add(&mut self.counters.wrong, 1);
                self.refused(reason);
            }
        }
        self.store.put(sequence, fate)
    }

    /// The stored fate of an event that was taken before; it counts as a duplicate.
    ///
    /// # Errors
    /// [`Reason::Forgotten`] when it is stored no more.
    pub fn again(&mut self, sequence: u32) -> Result<&Fate<J::Answer>, Reason> {
        let fate = self.store.get(sequence).ok_or(Reason::Forgotten)?;
        add(&mut self.counters.duplicates, 1);
        Ok(fate)
    }

    /// Computes one event and sends every layer. It is decided, neither counted nor stored.
    pub(crate) fn trace<L: Write>(
        &mut self,
        id: u32,
        payload: &[u8],
        replies: &mut Replies<L>,
    ) -> Result<Fate<J::Answer>, Fault> {
        if !TRACE {
            return Ok(Fate::Refused(Reason::NoTrace));
        }
        let mut tracer = Tracer::new(replies, id);
        let answer = M::infer(payload, &mut tracer);
        tracer.finish()?;
        // What is only shown leaves nothing behind.
        Ok(decided(&mut self.judge.clone(), id, answer, 0))
    }

    fn count(&mut self, payload: usize, ticks: u32, accept: bool) {
        let mut decided = self.decided.get();
        add(&mut decided.events, 1);
        add(&mut decided.accepted, u32::from(accept));
        self.decided.set(decided);
        let counters = &mut self.counters;
        counters.largest_ticks = counters.largest_ticks.max(ticks);
        counters.ticks = counters.ticks.saturating_add(u64::from(ticks));
        let rows = payload
            .saturating_sub(fixed_bytes::<M>())
            .checked_div(row_bytes::<M>())
            .unwrap_or(0);
        add(&mut counters.multiplicity[rows.min(MULTIPLICITIES - 1)], 1);
    }
}

impl<M: Model, J: Judge<M::Raws>, const K: usize, const TRACE: bool> fmt::Debug
    for Line<M, J, K, TRACE>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("model", &M::NAME)
            .field("decision", &self.judge.decision())
            .field("counters", &self.counters)
            .field("sequence", &self.sequence())
            .finish_non_exhaustive()
    }
}

/// How many events were decided, and accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Decided {
    events: u32,
    accepted: u32,
}

impl Vote for Decided {
    fn vote(all: [Self; 3]) -> Self {
        Self {
            events: Vote::vote(all.map(|one| one.events)),
            accepted: Vote::vote(all.map(|one| one.accepted)),
        }
    }
}

fn decided<R: Raws, J: Judge<R>>(
    judge: &mut J,
    sequence: u32,
    answer: Result<R, EventError>,
    ticks: u32,
) -> Fate<J::Answer> {
    match answer {
        Ok(raws) => {
            let (raws, accept) = judge.judge(sequence, raws);
            Fate::Decided {
                raws,
                accept,
                ticks,
            }
        }
        Err(error) => Fate::Refused(length(error)),
    }
}

fn add(counter: &mut u32, count: u32) {
    *counter = counter.saturating_add(count);
}

fn length(error: EventError) -> Reason {
    match error {
        EventError::Length { got, fixed, row } => Reason::Length {
            got: got as u32,
            fixed: fixed as u32,
            row: row as u32,
        },
    }
}

/// The inference, apart from the loop around it: its code, and so its time, does not depend on what else a firmware does.
#[inline(never)]
fn infer<M: Model>(payload: &[u8]) -> Result<M::Raws, EventError> {
    M::infer(payload, &mut ())
}
