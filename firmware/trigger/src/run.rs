//! The loop.

use embedded_hal::digital::{OutputPin, PinState};
use embedded_io::{Read, Write};
use hodoscope_kernels::model::{Model, Raws};
use hodoscope_wire::{Decoder, Reason, Reply, Request};

use crate::line::Outcome;
use crate::log::log;
use crate::reply::Replies;
use crate::{Clock, Decision, Fault, Line, Parts, Probe};

/// Bytes that are asked of the link at once: more than the queue of any serial port.
const READ: usize = 64;

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The host asked for it.
    Shutdown,
    /// The link was closed.
    Closed,
}

/// A board at work on one model.
///
/// `N` is the longest frame that it reads, [`frame_capacity`](crate::frame_capacity) of `M`.
#[derive(Debug)]
pub struct Trigger<M, L, B, A, C, P, const N: usize, const TRACE: bool> {
    app: &'static str,
    line: Line<M, TRACE>,
    replies: Replies<L>,
    busy: B,
    accept: A,
    clock: C,
    probe: P,
    decoder: Decoder<N>,
}

impl<M, L, B, A, C, P, const N: usize, const TRACE: bool> Trigger<M, L, B, A, C, P, N, TRACE>
where
    M: Model,
    L: Read + Write,
    B: OutputPin,
    A: OutputPin,
    C: Clock,
    P: Probe,
{
    /// A board that decides by `decision` until it is configured. `app` is what it calls itself.
    pub fn new(app: &'static str, parts: Parts<L, B, A, C, P>, decision: Decision) -> Self {
        Self {
            app,
            line: Line::new(decision),
            replies: Replies::new(parts.link),
            busy: parts.busy,
            accept: parts.accept,
            clock: parts.clock,
            probe: parts.probe,
            decoder: Decoder::new(),
        }
    }

    /// Works off requests until the host asks for the end, or the link is closed.
    ///
    /// # Errors
    /// [`Fault`] when link or pins fail.
    pub fn run(&mut self) -> Result<End, Fault> {
        log!(info, "{=str} on {=str}", M::NAME, self.app);
        self.busy.set_low().map_err(Fault::pin)?;
        self.accept.set_low().map_err(Fault::pin)?;
        let mut buffer = [0; READ];
        loop {
            let len = self.replies.link.read(&mut buffer).map_err(Fault::link)?;
            if len == 0 {
                log!(info, "the link was closed");
                return Ok(End::Closed);
            }
            if let Some(end) = self.take(&buffer[..len])? {
                return Ok(end);
            }
        }
    }

    /// Takes bytes from the link, and works off the requests that they complete.
    fn take(&mut self, mut bytes: &[u8]) -> Result<Option<End>, Fault> {
        let Self {
            app,
            line,
            replies,
            busy,
            accept,
            clock,
            probe,
            decoder,
        } = self;
        while let Some(request) = decoder.feed::<Request>(&mut bytes) {
            let refused = match request {
                Err(error) => Some((None, Reason::Frame(error))),
                Ok(Request::Hello) => {
                    let identity = line.identity(app, clock.ticks_per_second());
                    replies.send(&Reply::Identity(identity))?;
                    None
                }
                Ok(Request::Configure { output, threshold }) => {
                    log!(info, "accept raw {=u16} from {=i64}", output, threshold);
                    let decision = Decision { output, threshold };
                    match line.configure(decision) {
                        Ok(()) => {
                            replies.send(&Reply::Done)?;
                            None
                        }
                        Err(reason) => Some((None, reason)),
                    }
                }
                Ok(Request::Event { id, payload }) => {
                    busy.set_high().map_err(Fault::pin)?;
                    accept.set_low().map_err(Fault::pin)?;
                    let reason = line.event(payload, clock, probe, |outcome| {
                        finish(id, outcome, accept, replies)
                    })?;
                    busy.set_low().map_err(Fault::pin)?;
                    reason
                }
                Ok(Request::Trace { id, payload }) => {
                    busy.set_high().map_err(Fault::pin)?;
                    accept.set_low().map_err(Fault::pin)?;
                    let reason = line.trace(id, payload, replies, |replies, outcome| {
                        finish(id, outcome, accept, replies)
                    })?;
                    busy.set_low().map_err(Fault::pin)?;
                    reason
                }
                Ok(Request::Counters) => {
                    replies.send(&Reply::Counters(*line.counters()))?;
                    None
                }
                Ok(Request::Reset) => {
                    line.reset();
                    replies.send(&Reply::Done)?;
                    None
                }
                Ok(Request::Shutdown) => {
                    log!(
                        info,
                        "shutdown after {=u32} events, {=u32} accepted, {=u32} refused",
                        line.counters().events,
                        line.counters().accepted,
                        line.counters().refused,
                    );
                    replies.send(&Reply::Done)?;
                    return Ok(Some(End::Shutdown));
                }
            };
            if let Some((id, reason)) = refused {
                log!(warn, "refused: {}", reason);
                line.refused(&reason);
                replies.send(&Reply::Refused { id, reason })?;
            }
        }
        Ok(None)
    }
}

type Refusal = Option<(Option<u32>, Reason)>;

/// Shows the decision and answers, or says what is to be refused.
fn finish<R: Raws>(
    id: u32,
    outcome: Result<Outcome<'_, R>, Reason>,
    pin: &mut impl OutputPin,
    replies: &mut Replies<impl Write>,
) -> Result<Refusal, Fault> {
    let Outcome {
        raws,
        accept,
        ticks,
    } = match outcome {
        Ok(outcome) => outcome,
        Err(reason) => return Ok(Some((Some(id), reason))),
    };
    pin.set_state(PinState::from(accept)).map_err(Fault::pin)?;
    log!(
        trace,
        "event {=u32}: accept {=bool}, {=u32} ticks",
        id,
        accept,
        ticks
    );
    replies.answer(id, raws, accept, ticks)?;
    Ok(None)
}
