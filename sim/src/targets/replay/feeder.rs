//! The host's half of a run: which bytes to send, and what became of every event.

use std::collections::VecDeque;
use std::time::Duration;

use hodoscope_wire::{
    Counters, FrameError, Health, MENU_PART, MenuPart, MenuRefusal, MenuTaken, PREAMBLE, Part,
    Reason, Request,
};

use super::flight::Flight;
use super::tally::{Run, Tally};
use crate::targets::protocol::{Identity, Received};

/// When events are due, in time since the run began.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// As soon as there is a place.
    Fast,
    /// One every so often.
    Every(Duration),
    /// At these times, not falling, one of each event.
    At(Vec<Duration>),
}

impl Pace {
    fn due(&self, event: usize) -> Duration {
        match self {
            Self::Fast => Duration::ZERO,
            Self::Every(step) => {
                Duration::from_nanos((step.as_nanos() as u64).saturating_mul(event as u64))
            }
            Self::At(times) => times.get(event).copied().unwrap_or_default(),
        }
    }
}

/// What became of an event in its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was decided.
    Decided {
        /// Raws of all outputs.
        raws: Vec<i64>,
        /// The decision.
        accept: bool,
        /// Ticks of the board's clock that the inference took.
        ticks: u32,
    },
    /// The board refused it.
    Refused(Reason),
}

/// An event that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its index.
    pub event: usize,
    /// Its run and its number there: together its name.
    pub name: (u32, u32),
    /// What became of it.
    pub fate: Fate,
    /// When it was first sent, since the replay began.
    pub sent: Duration,
    /// How long after it was due it was first sent.
    pub late: Duration,
    /// From its first frame to its answer.
    pub latency: Duration,
    /// How often it was sent.
    pub sends: u32,
}

/// What a feeder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It asks who the board is; when it has been in a run before, whether it still is.
    Greeting,
    /// It asks for a run.
    Beginning,
    /// It sends a menu.
    Loading,
    /// It sends events.
    Running,
    /// It asks for the board's counters.
    Counting,
    /// All is said.
    Done,
}

/// Between two questions that are not answered, at first.
const PAUSE: Duration = Duration::from_millis(500);
/// Least and most time after which an event is sent again.
const REPEAT: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(4)];

/// Feeds events to a board.
///
/// Events are in the order of their numbers; the board decides each once. What is in doubt is asked for again.
#[derive(Debug)]
pub struct Feeder<'e> {
    payloads: &'e [Vec<u8>],
    pace: Pace,
    decision: Option<(u16, i64)>,
    menus: &'e [(usize, Vec<u8>)],
    /// Of the menus the one that the board has in this run, and the bytes of the next that it has.
    menu: Option<usize>,
    there: usize,
    /// Why the board did not take a menu.
    menu_refused: Option<MenuRefusal>,
    /// What of the board's memory has changed.
    damaged: Option<Part>,
    limit: Option<usize>,
    state: State,
    identity: Option<Identity>,
    /// What tells this feeder's questions and runs from others.
    token: u32,
    next_event: usize,
    /// Events of a run that the board has left.
    again: VecDeque<usize>,
    flights: VecDeque<Flight>,
    /// Number of the first flight.
    base: u32,
    /// Flights before it have been sent since the last doubt.
    cursor: usize,
    credit: usize,
    began: Duration,
    asked: Option<Duration>,
    /// When there was last progress.
    progress: Duration,
    /// The protocol that the board speaks instead.
    foreign: Option<u8>,
    /// Number of the first flight at the last doubt, and when that was.
    doubted: Option<(u32, Duration)>,
    repeat: Duration,
    /// How long answers take.
    usual: Duration,
    settled: VecDeque<Settled>,
    tally: Tally,
}

impl<'e> Feeder<'e> {
    /// Feeds `payloads` and lets the board accept iff raw `decision.0` is at least `decision.1`; nothing leaves that to its menu. `token`
    /// must differ from replay to replay: runs are named after it.
    #[must_use]
    pub fn new(
        payloads: &'e [Vec<u8>],
        pace: Pace,
        decision: Option<(u16, i64)>,
        limit: Option<usize>,
        token: u32,
    ) -> Self {
        Self {
            payloads,
            pace,
            decision,
            menus: &[],
            menu: None,
            there: 0,
            menu_refused: None,
            damaged: None,
            limit,
            state: State::Greeting,
            identity: None,
            token,
            next_event: 0,
            again: VecDeque::new(),
            flights: VecDeque::new(),
            base: 0,
            cursor: 0,
            credit: 1,
            began: Duration::ZERO,
            asked: None,
            progress: Duration::ZERO,
            foreign: None,
            doubted: None,
            repeat: PAUSE,
            usual: Duration::ZERO,
            settled: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Loads these menus, each before the event whose index it bears: the first one before event 0. Indices rise.
    #[must_use]
    pub fn with_menus(mut self, menus: &'e [(usize, Vec<u8>)]) -> Self {
        self.menus = menus;
        self
    }

    /// Why the board did not take a menu, if it did not: then nothing goes on.
    #[must_use]
    pub fn menu_refused(&self) -> Option<MenuRefusal> {
        self.menu_refused
    }

    /// A board that decides nothing any more is asked what it had decided.
    fn damaged_at(&mut self, now: Duration, part: Part) {
        self.damaged = Some(part);
        if self.state != State::Running {
            return;
        }
        let open = self.flights.drain(..).filter(|flight| !flight.ended);
        let interrupted = open.count() as u64;
        if let Some(run) = self.run() {
            run.interrupted += interrupted;
        }
        self.enter(now, State::Counting);
    }

    /// Whether it only waits for the board's counters.
    #[must_use]
    pub fn is_counting(&self) -> bool {
        self.state == State::Counting
    }

    /// What of the board's memory has changed, as it says, if it does: then nothing goes on.
    #[must_use]
    pub fn is_damaged(&self) -> Option<Part> {
        self.damaged
    }

    /// What the board says that it is.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What was counted so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether every event has ended and the board has given its counters.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Since when something is waited for without progress; nothing while the next event is not due.
    #[must_use]
    pub fn waits_since(&self) -> Option<Duration> {
        match (self.state, self.flights.front()) {
            (State::Done, _) | (State::Running, None) => None,
            (_, flight) => {
                let sent = flight.map_or(Duration::ZERO, |flight| flight.first_sent);
                Some(sent.max(self.progress))
            }
        }
    }

    /// The version of the protocol that the board speaks, where it is another one.
    #[must_use]
    pub fn foreign(&self) -> Option<u8> {
        self.foreign
    }

    /// What is waited for, for messages.
    #[must_use]
    pub fn wanted(&self) -> &'static str {
        match self.state {
            State::Greeting => "its identity",
            State::Beginning => "the begin of a run",
            State::Loading => "the receipt of a menu",
            State::Running => "an answer",
            State::Counting | State::Done => "its counters",
        }
    }

    /// The next event that has ended, in the order of their ends.
    pub fn settled(&mut self) -> Option<Settled> {
        self.settled.pop_front()
    }

    fn window(&self) -> usize {
        self.credit.min(self.limit.unwrap_or(usize::MAX)).max(1)
    }

    fn epoch(&self) -> u32 {
        self.tally.runs.last().map_or(0, |run| run.epoch)
    }

    fn run(&mut self) -> Option<&mut Run> {
        self.tally.runs.last_mut()
    }

    /// The bytes to send now, if any. Call again until there are none.
    pub fn send(&mut self, now: Duration) -> Option<Vec<u8>> {
        match self.state {
            State::Done => None,
            State::Running => self.send_event(now),
            State::Greeting | State::Beginning | State::Loading | State::Counting => {
                if let Some(asked) = self.asked {
                    if now < asked + self.repeat {
                        return None;
                    }
                    self.tally.timeouts += 1;
                    self.repeat = (self.repeat * 2).min(REPEAT[1]);
                }
                self.asked = Some(now);
                let request = match self.state {
                    State::Greeting => Request::Hello { token: self.token },
                    State::Beginning => Request::Begin {
                        epoch: self.epoch(),
                        decision: self.decision,
                    },
                    State::Loading => self.menu_part(),
                    _ => Request::Counters,
                };
                // Whatever the board has read before ends here.
                Some([&PREAMBLE[..], &frame(&request)].concat())
            }
        }
    }

    /// When [`send`](Self::send) has something to send, if nothing is received until then.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        match self.state {
            State::Done => None,
            State::Running => {
                let due = self.flights.iter().find(|flight| !flight.ended);
                let due = due.map(|flight| flight.last_sent + self.repeat);
                let next = (self.flights.len() < self.window())
                    .then(|| self.upcoming())
                    .flatten()
                    .map(|event| self.began + self.pace.due(event));
                [due, next].into_iter().flatten().min()
            }
            _ => self.asked.map(|asked| asked + self.repeat),
        }
    }

    /// The event that has its turn when there is a place.
    fn upcoming(&self) -> Option<usize> {
        let next = (self.next_event < self.payloads.len()).then_some(self.next_event);
        self.again.front().copied().or(next)
    }

    fn send_event(&mut self, now: Duration) -> Option<Vec<u8>> {
        if let Some(first) = self.flights.iter().find(|flight| !flight.ended)
            && now >= first.last_sent + self.repeat
            && self.cursor >= self.flights.len()
        {
            self.tally.timeouts += 1;
            self.repeat = (self.repeat * 2).min(REPEAT[1]);
            self.cursor = 0;
        }
        while self.cursor < self.flights.len() {
            let index = self.cursor;
            self.cursor += 1;
            let flight = &mut self.flights[index];
            if !flight.ended {
                flight.last_sent = now;
                flight.sends += 1;
                let event = flight.event;
                self.tally.repeated += 1;
                return Some(self.event_frame(event, index));
            }
        }
        let event = self.upcoming()?;
        if self.menu != self.menu_of(event) {
            self.there = 0;
            self.enter(now, State::Loading);
            return self.send(now);
        }
        if self.flights.len() >= self.window() || now < self.began + self.pace.due(event) {
            return None;
        }
        if self.again.pop_front().is_none() {
            self.next_event += 1;
        }
        self.flights.push_back(Flight::new(event, now));
        self.cursor = self.flights.len();
        if let Some(run) = self.run() {
            run.sent += 1;
        }
        Some(self.event_frame(event, self.flights.len() - 1))
    }

    /// The menu that decides an event: the last one that begins at it or before it.
    fn menu_of(&self, event: usize) -> Option<usize> {
        self.menus.iter().rposition(|(first, _)| *first <= event)
    }

    /// The part that is next of the menu for the event that is next.
    fn menu_part(&self) -> Request<'e> {
        let wanted = self.upcoming().and_then(|event| self.menu_of(event));
        let code: &'e [u8] = wanted.map_or(&[], |menu| &self.menus[menu].1);
        let rest = &code[self.there.min(code.len())..];
        Request::Menu(MenuPart {
            epoch: self.epoch(),
            at: self.base.wrapping_add(self.flights.len() as u32),
            total: code.len() as u16,
            offset: self.there as u16,
            part: &rest[..rest.len().min(MENU_PART)],
        })
    }

    /// What became of a part of a menu.
    fn menu_taken(&mut self, now: Duration, taken: MenuTaken) {
        let next = self.base.wrapping_add(self.flights.len() as u32);
        if self.state != State::Loading || taken.at != next {
            self.tally.strangers += 1;
            return;
        }
        if taken.epoch != self.epoch() {
            // It has started again.
            self.tally.strangers += 1;
            self.enter(now, State::Greeting);
            return;
        }
        let wanted = self.upcoming().and_then(|event| self.menu_of(event));
        let Some(menu) = wanted else {
            return;
        };
        let code = &self.menus[menu].1;
        match taken.taken {
            Ok((there, hash)) => {
                let there = usize::from(there);
                if there == code.len() && hash == hodoscope_menu::hash(code) {
                    self.menu = Some(menu);
                    self.enter(now, State::Running);
                } else if there > self.there && there < code.len() {
                    self.there = there;
                    self.enter(now, State::Loading);
                }
            }
            // Parts got lost, or this answers a part of before this run.
            Err(MenuRefusal::Gap { expected }) => {
                self.there = usize::from(expected);
                self.enter(now, State::Loading);
            }
            Err(MenuRefusal::OtherRun) => self.tally.strangers += 1,
            Err(refusal) => self.menu_refused = Some(refusal),
        }
    }

    fn event_frame(&mut self, event: usize, flight: usize) -> Vec<u8> {
        if let Some(run) = self.run() {
            run.frames += 1;
        }
        frame(&Request::Event {
            epoch: self.epoch(),
            sequence: self.base.wrapping_add(flight as u32),
            payload: &self.payloads[event],
        })
    }

    /// Takes a reply.
    pub(in crate::targets) fn receive(&mut self, now: Duration, received: Received) {
        match received {
            Received::Identity(identity) => self.identified(now, identity),
            Received::Begun { epoch, decision } => {
                let is_ours =
                    epoch == self.epoch() && self.decision.is_none_or(|ours| ours == decision);
                if self.state == State::Beginning && is_ours {
                    self.began = if self.began.is_zero() {
                        now
                    } else {
                        self.began
                    };
                    self.enter(now, State::Running);
                    self.finish_if_over(now);
                }
            }
            Received::Raws {
                epoch,
                sequence,
                offset,
                raws,
            } => {
                if let Some(index) = self.flight(epoch, sequence) {
                    self.flights[index].part(offset, &raws);
                }
            }
            Received::Answer {
                epoch,
                sequence,
                accept,
                ticks,
                credit,
                offset,
                raws,
            } => {
                if let Some(index) = self.flight(epoch, sequence) {
                    self.credit = credit;
                    let flight = &mut self.flights[index];
                    flight.end(offset, &raws, accept, ticks);
                    match flight.whole() {
                        Some((answer, raws)) => {
                            let fate = Fate::Decided {
                                raws,
                                accept: answer.accept,
                                ticks: answer.ticks,
                            };
                            self.end(now, index, fate);
                        }
                        None => self.doubt(now),
                    }
                }
            }
            Received::Refused {
                epoch,
                sequence,
                reason,
            } => self.refused(now, epoch, sequence, reason),
            Received::Menu(taken) => self.menu_taken(now, taken),
            Received::Counters(counters) => self.counted(now, counters),
            // Nothing that is asked for here ends so.
            Received::Done | Received::Layer { .. } => self.tally.strangers += 1,
        }
    }

    /// A reply could not be read: something that was asked for may be lost.
    pub(in crate::targets) fn damaged(&mut self, now: Duration, error: FrameError) {
        if let FrameError::Version(version) = error {
            self.foreign = Some(version);
        }
        self.tally.damaged += 1;
        self.doubt(now);
    }

    fn enter(&mut self, now: Duration, state: State) {
        self.progress = now;
        self.state = state;
        self.asked = None;
        self.repeat = PAUSE;
    }

    fn identified(&mut self, now: Duration, identity: Identity) {
        if self.state != State::Greeting || identity.token != self.token {
            return;
        }
        self.token = next_name(self.token);
        if let Health::Damaged(part) = identity.health {
            self.damaged = Some(part);
        }
        self.credit = identity.credit;
        let epoch = self.epoch();
        if epoch != 0 && identity.epoch == epoch {
            // The doubt was wrong: a reply of before this run came late.
            self.enter(now, State::Running);
            self.cursor = 0;
            self.finish_if_over(now);
            return;
        }
        self.leave_run();
        self.tally.runs.push(Run::new(self.token, &identity));
        self.identity.get_or_insert(identity);
        self.token = next_name(self.token);
        self.enter(now, State::Beginning);
    }

    /// The board has left the run. What had no answer is for the next one.
    fn leave_run(&mut self) {
        let mut rest: VecDeque<usize> = VecDeque::new();
        for flight in self.flights.drain(..).filter(|flight| !flight.ended) {
            rest.push_back(flight.event);
        }
        let interrupted = rest.len() as u64;
        rest.append(&mut self.again);
        self.again = rest;
        if let Some(run) = self.run() {
            run.interrupted += interrupted;
        }
        (self.base, self.cursor, self.doubted) = (0, 0, None);
        self.menu = None;
    }

    /// The flight of that name; nothing, counted, where it has ended or is of another run.
    fn flight(&mut self, epoch: u32, sequence: u32) -> Option<usize> {
        if epoch != self.epoch() || !self.is_in_run() {
            self.tally.strangers += 1;
            return None;
        }
        let index = sequence.wrapping_sub(self.base) as usize;
        match self.flights.get(index) {
            Some(flight) if !flight.ended => Some(index),
            _ => {
                self.tally.duplicates += 1;
                None
            }
        }
    }

    fn refused(&mut self, now: Duration, epoch: u32, sequence: Option<u32>, reason: Reason) {
        match (sequence, reason) {
            (None, Reason::Frame(_)) => {
                self.tally.unreadable += 1;
                // What was asked may have been that frame: ask again soon.
                if self.state != State::Running {
                    self.repeat = REPEAT[0];
                }
                self.doubt(now);
            }
            (Some(_), _) if epoch != self.epoch() => {
                self.tally.strangers += 1;
                if self.is_in_run() {
                    self.enter(now, State::Greeting);
                }
            }
            (Some(_), Reason::Damaged(part)) => self.damaged_at(now, part),
            (Some(_), Reason::Ahead { .. }) => self.doubt(now),
            // An event of before this run that came late.
            (Some(_), Reason::OtherRun) => {}
            (Some(_), Reason::Forgotten) => self.tally.duplicates += 1,
            (Some(sequence), reason) => {
                if let Some(index) = self.flight(epoch, sequence) {
                    self.end(now, index, Fate::Refused(reason));
                }
            }
            (None, _) => self.tally.strangers += 1,
        }
    }

    fn is_in_run(&self) -> bool {
        matches!(
            self.state,
            State::Running | State::Loading | State::Counting
        )
    }

    /// Something got lost: what has no answer is sent again, once until there is progress or the time is up.
    fn doubt(&mut self, now: Duration) {
        if self.state != State::Running || self.flights.is_empty() {
            return;
        }
        if let Some((base, at)) = self.doubted
            && base == self.base
            && now < at + self.repeat
        {
            return;
        }
        self.doubted = Some((self.base, now));
        self.cursor = 0;
    }

    fn end(&mut self, now: Duration, index: usize, fate: Fate) {
        let epoch = self.epoch();
        if let Some(run) = self.run() {
            match &fate {
                Fate::Decided { accept, .. } => {
                    run.decided += 1;
                    run.accepted += u64::from(*accept);
                }
                Fate::Refused(_) => run.refused += 1,
            }
        }
        let flight = &mut self.flights[index];
        flight.ended = true;
        let latency = now.saturating_sub(flight.first_sent);
        let due = self.began + self.pace.due(flight.event);
        self.settled.push_back(Settled {
            event: flight.event,
            name: (epoch, self.base.wrapping_add(index as u32)),
            fate,
            sent: flight.first_sent,
            late: match self.pace {
                Pace::Fast => Duration::ZERO,
                _ => flight.first_sent.saturating_sub(due),
            },
            latency,
            sends: flight.sends,
        });
        if flight.sends == 1 {
            self.usual = (self.usual * 7 + latency) / 8;
            self.usual = self.usual.max(latency / 2);
        }
        self.repeat = (self.usual * 4).clamp(REPEAT[0], REPEAT[1]);
        while self.flights.front().is_some_and(|flight| flight.ended) {
            self.flights.pop_front();
            self.base = self.base.wrapping_add(1);
            self.cursor = self.cursor.saturating_sub(1);
        }
        self.progress = now;
        self.missing(now);
        self.finish_if_over(now);
    }

    /// Answers come in the order of events: where one was passed over, it was lost.
    fn missing(&mut self, now: Duration) {
        let passed = self.flights.front().is_some_and(|flight| !flight.ended)
            && self.flights.iter().any(|flight| flight.ended);
        if passed {
            self.doubt(now);
        }
    }

    fn finish_if_over(&mut self, now: Duration) {
        if self.state == State::Running && self.flights.is_empty() && self.upcoming().is_none() {
            self.enter(now, State::Counting);
        }
    }

    fn counted(&mut self, now: Duration, counters: Box<Counters>) {
        if self.state != State::Counting {
            self.tally.strangers += 1;
            return;
        }
        if counters.epoch != self.epoch() {
            // It started again behind the last answer: what it had counted is gone.
            self.enter(now, State::Done);
            return;
        }
        if let Some(run) = self.run() {
            run.board = Some(counters);
        }
        self.enter(now, State::Done);
    }
}

/// Another name, never 0.
fn next_name(name: u32) -> u32 {
    name.wrapping_add(1).max(1)
}

fn frame(request: &Request<'_>) -> Vec<u8> {
    let payload = match request {
        Request::Event { payload, .. } => payload.len(),
        Request::Menu(part) => part.part.len(),
        _ => 0,
    };
    // Tag, numbers and lengths of a request take fewer bytes than this.
    let mut buffer = vec![0; hodoscope_wire::frame_len(payload + 32)];
    let len = hodoscope_wire::encode(request, &mut buffer).map_or(0, |frame| frame.len());
    buffer.truncate(len);
    buffer
}
