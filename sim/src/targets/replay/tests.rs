//! The feeder and the firmware's own trigger loop, with a link between them that does what links do.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use embedded_io::{ErrorType, Read, Write};
use hodoscope_app_toy::{CAPACITY, Toy};
use hodoscope_trigger::{
    About, Clock, Decision, Parts, Probe, Trigger, Unconnected, frame_capacity,
};
use hodoscope_wire::{Decoder, REPLY_FRAME, Reply};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Fate, Feeder, Pace, Settled};
use crate::targets::protocol::owned;

/// Events of the noisy replay; `HODOSCOPE_REPLAY=1000000` takes more.
fn events() -> usize {
    let asked = std::env::var("HODOSCOPE_REPLAY").ok();
    asked
        .and_then(|count| count.parse().ok())
        .unwrap_or(100_000)
}

/// Payload of an event, and its score.
fn event(index: usize) -> (Vec<u8>, i64) {
    let met = (index % 1000) as i16 - 500;
    let mut payload = met.to_le_bytes().to_vec();
    let mut score = i64::from(met);
    for row in 0..index * 7 % 21 {
        let words = [(index as i16).wrapping_mul(37), row as i16 - 10];
        payload.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        if row < CAPACITY {
            score += i64::from(words[0]) * i64::from(words[1]);
        }
    }
    (payload, score)
}

/// What the board writes.
#[derive(Clone, Default)]
struct Output(Rc<RefCell<Vec<u8>>>);

impl ErrorType for Output {
    type Error = Infallible;
}

impl Read for Output {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Still;

impl Clock for Still {
    fn ticks_per_second(&self) -> u32 {
        0
    }

    fn now(&mut self) -> u32 {
        0
    }
}

/// Counts inferences, over all starts of the board.
#[derive(Clone, Default)]
struct Inferences(Rc<RefCell<u64>>);

impl Probe for Inferences {
    fn begin(&mut self) {
        *self.0.borrow_mut() += 1;
    }

    fn end(&mut self) {}
}

const N: usize = frame_capacity::<Toy>();

type Firmware<const RAWS: usize> =
    Trigger<Toy<RAWS>, Output, Unconnected, Unconnected, Still, Inferences, N, 8, false>;

fn boot<const RAWS: usize>(output: &Output, inferences: &Inferences) -> Firmware<RAWS> {
    let about = About {
        app: "test",
        board: "memory",
        credit: 8,
    };
    let parts = Parts {
        link: output.clone(),
        busy: Unconnected,
        accept: Unconnected,
        clock: Still,
        probe: inferences.clone(),
    };
    let mut board = Trigger::new(about, parts, Decision::NONE);
    board.start().unwrap();
    board
}

/// One direction of the link: frames are damaged, and arrive a while later.
struct Way {
    random: ChaCha8Rng,
    /// One frame in so many suffers, each in one of six ways; none where it is 0.
    one_in: u32,
    under_way: BTreeMap<(Duration, u64), Vec<u8>>,
    count: u64,
    suffered: [u64; 6],
}

impl Way {
    fn new(seed: u64, one_in: u32) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            one_in,
            under_way: BTreeMap::new(),
            count: 0,
            suffered: [0; 6],
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.next_u32() as usize % limit
    }

    /// A frame with its end.
    fn send(&mut self, now: Duration, mut frame: Vec<u8>) {
        let mut arrives = now + Duration::from_micros(100);
        if self.one_in > 0 && self.random.next_u32().is_multiple_of(self.one_in) {
            let kind = self.below(self.suffered.len());
            self.suffered[kind] += 1;
            let at = self.below(frame.len());
            match kind {
                0 => frame[at] ^= 1 << self.below(8),
                1 => frame.insert(at, self.random.next_u32() as u8),
                2 => drop(frame.remove(at)),
                3 => frame.clear(),
                4 => self.put(arrives, frame.clone()),
                // Late: up to ten others overtake it.
                _ => arrives += Duration::from_micros(300),
            }
        }
        self.put(arrives, frame);
    }

    fn put(&mut self, arrives: Duration, frame: Vec<u8>) {
        self.count += 1;
        self.under_way.insert((arrives, self.count), frame);
    }

    fn next(&self) -> Option<Duration> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    fn arrived(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.next()? > now {
            return None;
        }
        self.under_way.pop_first().map(|(_, frame)| frame)
    }
}

/// What a replay through the noise gave.
struct Outcome {
    settled: Vec<Settled>,
    tally: super::Tally,
    inferences: u64,
    suffered: Vec<u64>,
    time: Duration,
}

/// Replays `payloads` over a link of which one frame in `one_in` suffers; the board starts again at each of these times.
fn through<const RAWS: usize>(
    payloads: &[Vec<u8>],
    pace: Pace,
    one_in: u32,
    resets: &[Duration],
) -> Outcome {
    let (output, inferences) = (Output::default(), Inferences::default());
    let mut board = boot::<RAWS>(&output, &inferences);
    let mut feeder = Feeder::new(payloads, pace, (0, 0), None, 77);
    let (mut to_board, mut to_host) = (Way::new(1, one_in), Way::new(2, one_in));
    let mut decoder = Decoder::<REPLY_FRAME>::new();
    let mut now = Duration::ZERO;
    let mut settled = Vec::new();
    let mut resets = resets.iter().copied().peekable();
    while !feeder.is_done() {
        while let Some(bytes) = feeder.send(now) {
            for frame in bytes.split_inclusive(|byte| *byte == 0) {
                to_board.send(now, frame.to_vec());
            }
        }
        let next = [
            to_board.next(),
            to_host.next(),
            feeder.wake(),
            resets.peek().copied(),
        ];
        let next = next.into_iter().flatten().min().expect("something comes");
        now = now.max(next);
        assert!(now < Duration::from_secs(36_000), "it makes no progress");
        if resets.next_if(|at| *at <= now).is_some() {
            board = boot(&output, &inferences);
        }
        if let Some(bytes) = to_board.arrived(now) {
            board.feed(&bytes).unwrap();
            let output = std::mem::take(&mut *output.0.borrow_mut());
            for frame in output.split_inclusive(|byte| *byte == 0) {
                to_host.send(now, frame.to_vec());
            }
        }
        if let Some(bytes) = to_host.arrived(now) {
            let mut bytes = &*bytes;
            while let Some(reply) = decoder.feed::<Reply<'_>>(&mut bytes) {
                match reply {
                    Ok(reply) => feeder.receive(now, owned(reply)),
                    Err(error) => feeder.damaged(now, error),
                }
            }
        }
        settled.extend(std::iter::from_fn(|| feeder.settled()));
    }
    let inferences = *inferences.0.borrow();
    Outcome {
        settled,
        tally: feeder.tally().clone(),
        inferences,
        suffered: [to_board.suffered, to_host.suffered].concat(),
        time: now,
    }
}

impl Outcome {
    /// Every event ended once, with the right raws and the right decision, and host and board agree.
    fn check<const RAWS: usize>(&self, scores: &[i64]) {
        let mut seen = vec![false; scores.len()];
        for settled in &self.settled {
            assert!(!std::mem::replace(&mut seen[settled.event], true));
            let score = scores[settled.event];
            let expected: Vec<i64> = (score..score + RAWS as i64).collect();
            let Fate::Decided { raws, accept, .. } = &settled.fate else {
                panic!("{settled:?}");
            };
            assert_eq!((raws, *accept), (&expected, score >= 0), "{settled:?}");
        }
        assert!(seen.iter().all(|seen| *seen));
        for run in &self.tally.runs {
            assert_eq!(run.sent, run.decided + run.refused + run.interrupted);
            assert_eq!(run.disagreement(), None, "{run:?}");
        }
        let total = |of: fn(&super::Run) -> u64| self.tally.total(of);
        assert_eq!(total(|run| run.decided), scores.len() as u64);
        // Each name was computed once; one of an interrupted run, once at most.
        let decided = total(|run| run.decided);
        let most = decided + total(|run| run.interrupted);
        assert!((decided..=most).contains(&self.inferences));
    }
}

fn all(count: usize) -> (Vec<Vec<u8>>, Vec<i64>) {
    (0..count).map(event).unzip()
}

#[test]
fn a_quiet_link_needs_each_frame_once() {
    let (payloads, scores) = all(1000);
    let outcome = through::<2>(&payloads, Pace::Fast, 0, &[]);
    outcome.check::<2>(&scores);
    let tally = &outcome.tally;
    assert_eq!((tally.repeated, tally.timeouts, tally.resets()), (0, 0, 0));
    assert_eq!(tally.runs[0].frames_read(), Some(1000));
    assert!(outcome.settled.iter().map(|s| s.event).eq(0..1000));
}

#[test]
fn noise_and_a_reset_cost_no_decision_and_double_none() {
    let (payloads, scores) = all(events());
    let quiet = through::<2>(&payloads, Pace::Fast, 0, &[]).time;
    let outcome = through::<2>(&payloads, Pace::Fast, 1000, &[quiet / 2]);
    outcome.check::<2>(&scores);
    let tally = &outcome.tally;
    assert_eq!(tally.resets(), 1);
    assert!(tally.runs[0].interrupted > 0 && tally.runs[1].board.is_some());
    assert!(outcome.suffered.iter().all(|count| *count > 0));
    assert!(tally.repeated > 0 && tally.damaged > 0 && tally.duplicates > 0);
    assert!(tally.unreadable > 0);
    println!(
        "{tally:?}, suffered {:?}, {:?} instead of {quiet:?}",
        outcome.suffered, outcome.time
    );
    // A loss costs about a round trip more.
    assert!(outcome.time < quiet * 2, "{:?}", outcome.time);
}

#[test]
fn answers_of_many_parts_survive_heavy_noise_and_many_resets() {
    let (payloads, scores) = all(3000);
    let resets: Vec<_> = (1..20).map(|n| Duration::from_millis(n * 40)).collect();
    let outcome = through::<70>(&payloads, Pace::Fast, 20, &resets);
    outcome.check::<70>(&scores);
    assert!(outcome.tally.resets() > 3, "{:?}", outcome.tally);
}

#[test]
fn events_are_sent_when_they_are_due() {
    let (payloads, scores) = all(100);
    let step = Duration::from_millis(5);
    let outcome = through::<2>(&payloads, Pace::Every(step), 0, &[]);
    outcome.check::<2>(&scores);
    let sent: Vec<_> = outcome.settled.iter().map(|s| s.sent).collect();
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] == step));
    assert!(
        outcome
            .settled
            .iter()
            .all(|s| s.late.is_zero() && s.sends == 1)
    );
}
