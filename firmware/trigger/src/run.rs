//! The loop.

use embedded_hal::digital::{OutputPin, PinState};
use embedded_io::{Read, ReadReady, Write};
use hodoscope_kernels::model::Model;
use hodoscope_wire::{Counters, Decoder, Reason, RequestWith as Request};

use crate::guard::Scrub;
use crate::log::log;
use crate::reply::{Replies, Reply};
use crate::{About, Clock, Decision, Fate, Fault, Guard, Judge, Line, Parts, Probe, Turn};

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
/// `N` is the longest frame that it reads, [`frame_capacity`](crate::frame_capacity) of `M`, and `K` the answers that it stores,
/// [`answers_stored`](crate::answers_stored) of `M`.
#[derive(Debug)]
pub struct Trigger<
    M: Model,
    J: Judge<M::Raws>,
    L,
    B,
    A,
    C,
    P,
    G,
    const N: usize,
    const K: usize,
    const TRACE: bool,
> {
    about: About<'static>,
    line: Line<M, J, K, TRACE>,
    replies: Replies<L>,
    busy: B,
    accept: A,
    clock: C,
    probe: P,
    guard: G,
    scrub: Scrub,
    decoder: Decoder<N>,
}

impl<M, J, L, B, A, C, P, G, const N: usize, const K: usize, const TRACE: bool>
    Trigger<M, J, L, B, A, C, P, G, N, K, TRACE>
where
    M: Model,
    J: Judge<M::Raws>,
    L: Read + Write,
    B: OutputPin,
    A: OutputPin,
    C: Clock,
    P: Probe,
    G: Guard,
{
    /// A board that decides as `judge` does: by a [`ByThreshold`](crate::ByThreshold) until it is configured, or by a [`ByMenu`](crate::ByMenu).
    pub fn new(about: About<'static>, parts: Parts<L, B, A, C, P, G>, judge: J) -> Self {
        Self {
            about,
            line: Line::new(judge),
            replies: Replies::new(parts.link),
            busy: parts.busy,
            accept: parts.accept,
            clock: parts.clock,
            probe: parts.probe,
            guard: parts.guard,
            scrub: Scrub::new(),
            decoder: Decoder::new(),
        }
    }

    /// Works off requests until the host asks for the end, or the link is closed. While no byte is there, guarded memory is looked after.
    ///
    /// # Errors
    /// [`Fault`] when link or pins fail.
    pub fn run(&mut self) -> Result<End, Fault>
    where
        L: ReadReady,
    {
        self.start()?;
        let mut buffer = [0; READ];
        loop {
            while G::WATCHES
                && !self.scrub.is_done()
                && self.scrub.damaged::<G>().is_none()
                && !self.replies.link.read_ready().map_err(Fault::link)?
            {
                self.watch()?;
            }
            let len = self.replies.link.read(&mut buffer).map_err(Fault::link)?;
            if len == 0 {
                log!(info, "the link was closed");
                return Ok(End::Closed);
            }
            if let Some(end) = self.feed(&buffer[..len])? {
                return Ok(end);
            }
        }
    }

    /// Sums guarded memory, and lets both pins fall where it is as it should be: what [`run`](Self::run) begins with.
    ///
    /// # Errors
    /// [`Fault`] when pins fail.
    pub fn start(&mut self) -> Result<(), Fault> {
        log!(info, "{=str} on {=str}", M::NAME, self.about.board);
        self.busy.set_high().map_err(Fault::pin)?;
        self.accept.set_low().map_err(Fault::pin)?;
        if G::WATCHES {
            self.scrub.start(&self.guard);
        }
        match self.scrub.damaged::<G>() {
            None => self.busy.set_low().map_err(Fault::pin),
            Some(part) => {
                log!(error, "damaged: {}", part);
                Ok(())
            }
        }
    }

    /// Looks after a little of the guarded memory: what an app that reads its link by itself does in its pauses.
    ///
    /// # Errors
    /// [`Fault`] when pins fail.
    pub fn watch(&mut self) -> Result<(), Fault> {
        let Self {
            line,
            guard,
            scrub,
            busy,
            accept,
            ..
        } = self;
        watch(line, guard, scrub, busy, accept)
    }

    /// Works off the requests that these bytes complete, for an app that reads its link by itself. The end is one that the host
    /// asked for.
    ///
    /// # Errors
    /// [`Fault`] when link or pins fail.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<Option<End>, Fault> {
        let Self {
            about,
            line,
            replies,
            busy,
            accept,
            clock,
            probe,
            guard,
            scrub,
            decoder,
        } = self;
        while let Some(request) = decoder.feed::<Request<'_, J::Part<'_>>>(&mut bytes) {
            let refused = match request {
                Err(error) => Some((None, Reason::Frame(error))),
                Ok(Request::Hello { token }) => {
                    let ticks_per_second = clock.ticks_per_second();
                    let health = scrub.health();
                    replies.reply(|| {
                        Reply::Identity(line.identity(about, token, ticks_per_second, health))
                    })?;
                    None
                }
                Ok(Request::Begin { epoch, decision }) => {
                    log!(info, "run {=u32:#010x}", epoch);
                    let decision =
                        decision.map(|(output, threshold)| Decision { output, threshold });
                    let is_another = epoch == 0 || epoch != line.sequence().epoch();
                    match line.begin(epoch, decision) {
                        Ok(()) => {
                            if G::WATCHES && is_another {
                                scrub.begin();
                            }
                            let Decision { output, threshold } = line.decision();
                            replies.reply(|| Reply::Begun {
                                epoch,
                                output,
                                threshold,
                            })?;
                            None
                        }
                        Err(reason) => Some((None, reason)),
                    }
                }
                Ok(Request::Configure { output, threshold }) => {
                    log!(info, "accept raw {=u16} from {=i64}", output, threshold);
                    match line.configure(Decision { output, threshold }) {
                        Ok(()) => {
                            replies.reply(|| Reply::Done)?;
                            None
                        }
                        Err(reason) => Some((None, reason)),
                    }
                }
                Ok(Request::Event {
                    epoch,
                    sequence,
                    payload,
                }) => {
                    let credit = line.credit(about);
                    match line.sequence().turn(epoch, sequence) {
                        Turn::Now if scrub.damaged::<G>().is_some() => scrub
                            .damaged::<G>()
                            .map(|part| (Some(sequence), Reason::Damaged(part))),
                        Turn::Now => {
                            busy.set_high().map_err(Fault::pin)?;
                            accept.set_low().map_err(Fault::pin)?;
                            let fate = line.event(sequence, payload, clock, probe);
                            show(sequence, fate, accept)?;
                            replies.fate(epoch, sequence, credit, fate)?;
                            if G::WATCHES {
                                line.repair();
                            }
                            // Where events come without a pause, each pays for a step.
                            if G::WATCHES && scrub.after_event() {
                                watch(line, guard, scrub, busy, accept)?;
                                scrub.after_event();
                            }
                            if scrub.damaged::<G>().is_none() {
                                busy.set_low().map_err(Fault::pin)?;
                            }
                            None
                        }
                        Turn::Past => match line.again(sequence) {
                            Ok(fate) => {
                                replies.fate(epoch, sequence, credit, fate)?;
                                None
                            }
                            Err(reason) => Some((Some(sequence), reason)),
                        },
                        Turn::Early => {
                            let expected = line.sequence().next();
                            Some((Some(sequence), Reason::Ahead { expected }))
                        }
                        Turn::OtherRun => Some((Some(sequence), Reason::OtherRun)),
                    }
                }
                Ok(Request::Trace { id, .. }) if scrub.damaged::<G>().is_some() => scrub
                    .damaged::<G>()
                    .map(|part| (Some(id), Reason::Damaged(part))),
                Ok(Request::Trace { id, payload }) => {
                    busy.set_high().map_err(Fault::pin)?;
                    accept.set_low().map_err(Fault::pin)?;
                    let fate = line.trace(id, payload, replies)?;
                    show(id, &fate, accept)?;
                    if let Fate::Refused(reason) = &fate {
                        line.refused(reason);
                    }
                    let epoch = line.sequence().epoch();
                    replies.fate(epoch, id, line.credit(about), &fate)?;
                    busy.set_low().map_err(Fault::pin)?;
                    None
                }
                Ok(Request::Menu(part)) => {
                    let taken = line.menu(part);
                    log!(
                        info,
                        "menu from event {=u32}: {=bool}",
                        taken.at,
                        taken.taken.is_ok()
                    );
                    replies.menu(taken)?;
                    None
                }
                Ok(Request::Counters) => {
                    let (passes, vouched) = scrub.passes();
                    replies.reply(|| {
                        Reply::Counters(Counters {
                            passes,
                            vouched,
                            ..line.counters()
                        })
                    })?;
                    None
                }
                Ok(Request::Reset) => {
                    line.reset();
                    replies.reply(|| Reply::Done)?;
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
                    replies.reply(|| Reply::Done)?;
                    return Ok(Some(End::Shutdown));
                }
            };
            if let Some((sequence, reason)) = refused {
                log!(warn, "refused: {}", reason);
                line.refused(&reason);
                replies.reply(|| Reply::Refused {
                    epoch: line.sequence().epoch(),
                    sequence,
                    reason,
                })?;
            }
        }
        Ok(None)
    }
}

/// Looks after a little of the guarded memory. Once it has changed, the board is busy for good, and accepts nothing.
fn watch<M: Model, J: Judge<M::Raws>, G: Guard, const K: usize, const TRACE: bool>(
    line: &mut Line<M, J, K, TRACE>,
    guard: &G,
    scrub: &mut Scrub,
    busy: &mut impl OutputPin,
    accept: &mut impl OutputPin,
) -> Result<(), Fault> {
    if scrub.step(guard, line.sequence().next()) {
        line.repair();
        scrub.passed(line.is_sound());
    }
    let Some(part) = scrub.damaged::<G>() else {
        return Ok(());
    };
    log!(error, "damaged: {}", part);
    busy.set_high().map_err(Fault::pin)?;
    accept.set_low().map_err(Fault::pin)
}

/// Shows a decision at its pin.
fn show<R>(sequence: u32, fate: &Fate<R>, pin: &mut impl OutputPin) -> Result<(), Fault> {
    match fate {
        Fate::Decided { accept, ticks, .. } => {
            pin.set_state(PinState::from(*accept)).map_err(Fault::pin)?;
            log!(
                trace,
                "event {=u32}: accept {=bool}, {=u32} ticks",
                sequence,
                *accept,
                *ticks
            );
        }
        Fate::Refused(reason) => log!(warn, "event {=u32} refused: {}", sequence, reason),
    }
    Ok(())
}
