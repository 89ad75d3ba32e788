//! Events through a board.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::queue::{BACKLOG, Queue};
use super::statistics::Tally;
use super::{Board, Fate, Job, Outcome, StreamError};

/// Ticks after which a stream is too long: sums of a few such times still fit.
pub const LAST: u64 = 1 << 62;

/// The events that may arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs(Vec<Job>);

impl Jobs {
    /// What the board does with each event.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(jobs: Vec<Job>) -> Result<Self, StreamError> {
        if jobs.is_empty() {
            return Err(StreamError::NoEvents);
        }
        Ok(Self(jobs))
    }

    /// What the board does with each event.
    pub fn all(&self) -> &[Job] {
        &self.0
    }

    /// Mean and mean square of the service time, in ticks.
    pub fn moments(&self) -> (f64, f64) {
        let mean = |power: i32| {
            let all = self.0.iter().map(|job| (job.service as f64).powi(power));
            all.sum::<f64>() / self.0.len() as f64
        };
        (mean(1), mean(2))
    }
}

/// Which event arrives next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Any, each with the same probability.
    #[default]
    Random,
    /// One after the other, and again from the first.
    Cycle,
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The board.
    pub board: Board,
    /// The events.
    pub jobs: &'a Jobs,
    /// Which of them arrives next.
    pub order: Order,
    /// Seed of the generator that draws events (ChaCha with 8 rounds, its stream 1; arrivals are
    /// drawn from stream 0).
    pub seed: u64,
    /// How many arrive.
    pub events: u64,
}

/// Sees what becomes of every event: its place in `jobs`, its arrival, its fate.
pub trait Fates {
    /// Called in the order of arrival.
    fn see(&mut self, event: usize, at: u64, fate: &Fate);
}

impl Fates for () {
    #[inline]
    fn see(&mut self, _event: usize, _at: u64, _fate: &Fate) {}
}

impl<F: FnMut(usize, u64, &Fate)> Fates for F {
    fn see(&mut self, event: usize, at: u64, fate: &Fate) {
        self(event, at, fate);
    }
}

/// Lets events arrive at `ticks`, until as many as wanted have, or the ticks end.
///
/// # Errors
/// When time does not fit its ticks, an unlimited queue grows without end, or nothing arrives.
pub fn run(
    run: Run<'_>,
    mut ticks: impl Iterator<Item = u64>,
    mut fates: impl Fates,
) -> Result<Outcome, StreamError> {
    let jobs = run.jobs.all();
    let mut random = ChaCha8Rng::seed_from_u64(run.seed);
    random.set_stream(1);
    let mut queue = Queue::new(run.board);
    let mut tally = Tally::new(run.events);
    let mut next = 0;
    for _ in 0..run.events {
        let Some(at) = ticks.next() else { break };
        if at > LAST {
            return Err(StreamError::TooLong);
        }
        let event = match run.order {
            // The high word of a product: uniform up to events / 2^64.
            Order::Random => ((u128::from(random.next_u64()) * jobs.len() as u128) >> 64) as usize,
            Order::Cycle => {
                let event = next;
                next = (next + 1) % jobs.len();
                event
            }
        };
        let fate = queue.arrive(at, &jobs[event]);
        tally.add(at, &fate);
        fates.see(event, at, &fate);
        if queue.is_overrun() {
            return Err(StreamError::Backlog { limit: BACKLOG });
        }
    }
    if tally.arrivals() == 0 {
        return Err(StreamError::NoEvents);
    }
    if queue.end() > LAST {
        return Err(StreamError::TooLong);
    }
    Ok(tally.finish(queue.finish()))
}
