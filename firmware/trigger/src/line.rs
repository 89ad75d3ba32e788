//! One model with its decision and counters.

use core::hint::black_box;
use core::marker::PhantomData;

use embedded_io::Write;
use hodoscope_kernels::model::{EventError, Model, Raws};
use hodoscope_wire::{Counters, Identity, MULTIPLICITIES, Reason, VERSION, frame_len};

use crate::reply::{Replies, Tracer};
use crate::{Clock, Fault, Probe};

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
    // The message is its variant, the id, the length and the payload. Sixteen bytes more, so that
    // a payload of a slightly wrong length is refused as such.
    frame_len(1 + 5 + 5 + payload_capacity::<M>() + 16)
}

/// One model with its decision and counters.
///
/// With `TRACE` false, the traced instance of the model is not part of the firmware.
#[derive(Debug)]
pub struct Line<M, const TRACE: bool> {
    decision: Decision,
    counters: Counters,
    model: PhantomData<M>,
}

impl<M: Model, const TRACE: bool> Line<M, TRACE> {
    /// A line with all counters at zero.
    #[must_use]
    pub fn new(decision: Decision) -> Self {
        const {
            assert!(M::NAME.len() <= 128, "a model's name has at most 128 bytes");
        }
        Self {
            decision,
            counters: Counters::default(),
            model: PhantomData,
        }
    }

    /// What this line computes.
    #[must_use]
    pub fn identity<'a>(&self, app: &'a str, ticks_per_second: u32) -> Identity<'a> {
        Identity {
            protocol: VERSION,
            name: M::NAME,
            app,
            program: M::PROGRAM,
            raws: raws::<M>() as u16,
            capacity: M::CAPACITY as u16,
            payload: payload_capacity::<M>() as u32,
            ticks_per_second,
            trace: TRACE,
            overflow_checks: cfg!(debug_assertions),
        }
    }

    /// What this line has seen.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Sets all counters to zero.
    pub fn reset(&mut self) {
        self.counters = Counters::default();
    }

    /// Decides from now on by `decision`.
    ///
    /// # Errors
    /// [`Reason::NoOutput`] when the model does not have that raw; the decision stays.
    pub fn configure(&mut self, decision: Decision) -> Result<(), Reason> {
        if usize::from(decision.output) >= raws::<M>() {
            return Err(Reason::NoOutput {
                output: decision.output,
                raws: raws::<M>() as u16,
            });
        }
        self.decision = decision;
        Ok(())
    }

    /// Counts a request that was refused.
    pub fn refused(&mut self, reason: &Reason) {
        add(&mut self.counters.refused, 1);
        if matches!(reason, Reason::Frame(_)) {
            add(&mut self.counters.unreadable, 1);
        }
    }

    /// Computes and decides one event, counts it, and gives it to `then`: raws may be many, and stay where they are.
    ///
    /// A payload of a wrong length is [`Reason::Length`].
    pub fn event<T>(
        &mut self,
        payload: &[u8],
        clock: &mut impl Clock,
        probe: &mut impl Probe,
        then: impl FnOnce(Result<Outcome<'_, M::Raws>, Reason>) -> T,
    ) -> T {
        let start = clock.now();
        probe.begin();
        // Nothing of the inference moves across the markers.
        let answer = M::infer(black_box(payload), &mut ());
        black_box(&answer);
        probe.end();
        let ticks = clock.now().wrapping_sub(start);
        let outcome = self.decided(&answer, ticks);
        if let Ok(outcome) = &outcome {
            self.count(payload.len(), ticks, outcome.accept);
        }
        then(outcome)
    }

    fn decided<'a>(
        &self,
        answer: &'a Result<M::Raws, EventError>,
        ticks: u32,
    ) -> Result<Outcome<'a, M::Raws>, Reason> {
        match answer {
            Ok(raws) => Ok(Outcome {
                raws,
                accept: self.decision.accepts(raws),
                ticks,
            }),
            Err(error) => Err(length(*error)),
        }
    }

    /// Computes one event, sends every layer, and gives it to `then`. It is decided, not counted.
    pub(crate) fn trace<L: Write, T>(
        &mut self,
        id: u32,
        payload: &[u8],
        replies: &mut Replies<L>,
        then: impl FnOnce(&mut Replies<L>, Result<Outcome<'_, M::Raws>, Reason>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if !TRACE {
            return then(replies, Err(Reason::NoTrace));
        }
        let mut tracer = Tracer::new(replies, id);
        let answer = M::infer(payload, &mut tracer);
        tracer.finish()?;
        let outcome = self.decided(&answer, 0);
        then(replies, outcome)
    }

    fn count(&mut self, payload: usize, ticks: u32, accept: bool) {
        let counters = &mut self.counters;
        add(&mut counters.events, 1);
        add(&mut counters.accepted, u32::from(accept));
        counters.largest_ticks = counters.largest_ticks.max(ticks);
        counters.ticks = counters.ticks.saturating_add(u64::from(ticks));
        let rows = payload
            .saturating_sub(fixed_bytes::<M>())
            .checked_div(row_bytes::<M>())
            .unwrap_or(0);
        add(&mut counters.multiplicity[rows.min(MULTIPLICITIES - 1)], 1);
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<'a, R> {
    /// Raws of all outputs.
    pub raws: &'a R,
    /// The decision.
    pub accept: bool,
    /// Ticks of the inference.
    pub ticks: u32,
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
