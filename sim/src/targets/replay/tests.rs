//! The feeder and the firmware's own trigger loop, with a link between them that does what links do.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use embedded_io::{ErrorType, Read, Write};
use hodoscope_app_toy::{CAPACITY, Toy};
use hodoscope_trigger::{
    About, ByMenu, ByThreshold, Clock, Decision, Judge, Parts, Probe, Trigger, Unconnected,
    menu_frame_capacity,
};
use hodoscope_wire::{Decoder, REPLY_FRAME, Reply};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Fate, Feeder, Pace, Settled};
use crate::menu::{Golden, Menu, MenuFile, ModelOutput};
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

const N: usize = menu_frame_capacity::<Toy>();

type Firmware<const RAWS: usize, J> =
    Trigger<Toy<RAWS>, J, Output, Unconnected, Unconnected, Still, Inferences, (), N, 8, false>;

fn boot<const RAWS: usize, J: Judge<[i64; RAWS]>>(
    output: &Output,
    inferences: &Inferences,
    judge: J,
) -> Firmware<RAWS, J> {
    let about = About {
        app: "test",
        board: "memory",
        credit: 8,
        reset: hodoscope_wire::Reset::Power,
    };
    let parts = Parts {
        link: output.clone(),
        busy: Unconnected,
        accept: Unconnected,
        clock: Still,
        probe: inferences.clone(),
        guard: (),
    };
    let mut board = Trigger::new(about, parts, judge);
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
    let feeder = Feeder::new(payloads, pace, Some((0, 0)), None, 77);
    carried::<RAWS, _>(feeder, ByThreshold::from(Decision::NONE), one_in, resets)
}

fn carried<const RAWS: usize, J: Judge<[i64; RAWS]>>(
    mut feeder: Feeder<'_>,
    judge: J,
    one_in: u32,
    resets: &[Duration],
) -> Outcome {
    let (output, inferences) = (Output::default(), Inferences::default());
    let mut board = boot::<RAWS, J>(&output, &inferences, judge.clone());
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
            board = boot(&output, &inferences, judge.clone());
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
        assert_eq!(feeder.menu_refused(), None);
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

/// Two menus over the raws of the toy: score, score + 1, score + 2; its score stands for the tick, too.
fn menus() -> [Menu; 2] {
    let outputs = ["next", "other"].map(|name| ModelOutput {
        name: name.to_owned(),
        lsbs: vec![1.0],
    });
    let models = BTreeMap::from([("toy".to_owned(), outputs.to_vec())]);
    [
        "[[line]]
name = 'high'
when = 'toy.next >= 100'
veto = 'toy.other < -50 or random(0.1, 4)'
prescale = 3
[[line]]
name = 'seldom'
when = 'toy.next >= 0'
keep = 0.3
seed = 17
[[line]]
name = 'shadow'
when = 'within(toy.next < 0, 300)'
shadow = true",
        "[[line]]
name = 'all'
when = 'always'
prescale = 7
[[line]]
name = 'high'
when = 'toy.next >= 100'
keep = 0.5
seed = 17",
    ]
    .map(|lines| {
        let text = format!("schema = 1\nname = 'm'\n[models]\ntoy = '.'\n{lines}");
        let file = MenuFile::parse(&text, "menu.toml".as_ref()).unwrap();
        Menu::resolve(&file, &models).unwrap()
    })
}

#[test]
fn menus_and_their_changes_survive_noise_and_resets() {
    let count = events().min(10_000);
    let (payloads, scores) = all(count);
    let [first, second] = menus();
    let loads = [
        (0, first.code().unwrap()),
        (count / 3, second.code().unwrap()),
        (count / 2, first.code().unwrap()),
    ];
    let periods = [(0, &first), (count / 3, &second), (count / 2, &first)];
    for (one_in, resets) in [(0, 0), (1000, 1), (30, 12)] {
        let resets: Vec<_> = (1..=resets)
            .map(|n| Duration::from_millis(n * 60))
            .collect();
        let feeder = Feeder::new(&payloads, Pace::Fast, None, None, 77).with_menus(&loads);
        // The firmware was built with another one.
        let built_in = ByMenu::new(&loads[1].1, 3).unwrap();
        let outcome = carried::<3, _>(feeder, built_in, one_in, &resets);
        // Some come before the board is in a run again.
        let noticed = outcome.tally.resets();
        assert!(
            noticed <= resets.len() && noticed >= resets.len() / 4,
            "{noticed}"
        );
        let mut left: Vec<usize> = (0..count).collect();
        let (mut compared, mut accepted) = (0, 0);
        for run in &outcome.tally.runs {
            assert_eq!(run.disagreement(), None, "{run:?}");
            let own = outcome.settled.iter().filter(|end| end.name.0 == run.epoch);
            let own: BTreeMap<u32, &Settled> = own.map(|end| (end.name.1, end)).collect();
            let mut golden: Option<(usize, Golden<'_>)> = None;
            let answered = own.values().map(|end| end.event).collect::<Vec<_>>();
            for (number, &event) in (0_u32..).zip(&left) {
                let period = periods.iter().rposition(|(at, _)| *at <= event).unwrap();
                if golden.as_ref().is_none_or(|(own, _)| *own != period) {
                    golden = Some((period, Golden::new(periods[period].1)));
                }
                let raws: Vec<i64> = (scores[event]..scores[event] + 3).collect();
                let decided = golden.as_mut().unwrap().1.decide(&raws);
                let Some(end) = own.get(&number) else {
                    continue;
                };
                assert_eq!(end.event, event);
                let words = [decided.condition, decided.fired, decided.kept].map(i64::from);
                let hash = [i64::from(hodoscope_menu::hash(&loads[period].1))];
                let expected = [&raws[..], &words, &hash].concat();
                let Fate::Decided { raws, accept, .. } = &end.fate else {
                    panic!("{end:?}");
                };
                assert_eq!((raws, *accept), (&expected, decided.accept), "{end:?}");
                compared += 1;
                accepted += usize::from(*accept);
            }
            left.retain(|event| !answered.contains(event));
        }
        assert_eq!((compared, left.len()), (count, 0));
        assert!((count / 20..count / 2).contains(&accepted), "{accepted}");
    }
}

#[test]
fn a_firmware_without_a_menu_takes_none() {
    let (payloads, _) = all(10);
    let [first, _] = menus();
    let loads = [(0, first.code().unwrap())];
    let mut feeder = Feeder::new(&payloads, Pace::Fast, Some((0, 0)), None, 77).with_menus(&loads);
    let output = Output::default();
    let mut board = boot::<3, _>(
        &output,
        &Inferences::default(),
        ByThreshold::from(Decision::NONE),
    );
    let mut decoder = Decoder::<REPLY_FRAME>::new();
    for second in 0..10 {
        let now = Duration::from_secs(second);
        while let Some(bytes) = feeder.send(now) {
            board.feed(&bytes).unwrap();
        }
        let bytes = std::mem::take(&mut *output.0.borrow_mut());
        let mut bytes = &*bytes;
        while let Some(reply) = decoder.feed::<Reply<'_>>(&mut bytes) {
            feeder.receive(now, owned(reply.unwrap()));
        }
    }
    assert_eq!(feeder.wanted(), "the receipt of a menu");
    assert!(feeder.tally().unreadable > 0 && feeder.settled().is_none());
}
