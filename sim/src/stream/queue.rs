//! One board: its places, its BUSY, its inferences.

use std::collections::VecDeque;

/// Most events that wait in an unlimited queue before it counts as one that grows without end.
pub(super) const BACKLOG: usize = 1 << 24;

/// How long BUSY stays up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadTime {
    /// Until a place is free, whatever arrives meanwhile.
    #[default]
    NonParalysable,
    /// An event that arrives while BUSY is up is lost, and keeps BUSY up for at least as long as its
    /// inference would have taken, as of a detector whose every signal piles up. With one place this
    /// is the extended dead time of the textbooks (G. F. Knoll, *Radiation Detection and Measurement*,
    /// 4th edition, section 4.VII).
    Paralysable,
}

/// What a board is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// Events that may wait, besides the one in service; nothing where all may.
    pub queue: Option<usize>,
    /// How long BUSY stays up.
    pub dead_time: DeadTime,
    /// Ticks from the end of an inference to its decision.
    pub output: u64,
    /// Ticks from arrival to the release of every decision.
    pub fixed_latency: Option<u64>,
    /// How the board finds its next event.
    pub poll: Poll,
}

/// How a board finds its next event, in ticks. The default costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poll {
    /// From the end of an inference, when its place is free, to the first look for another event.
    pub turnaround: u64,
    /// From one look that finds nothing to the next; 0 for a board that waits for events. An event that
    /// is streamed is not found in this way: then it must be 0.
    pub period: u64,
}

impl Poll {
    /// When an event that is there at `ready` is found, by a board that looks from `free` on.
    #[inline]
    fn found(self, free: u64, ready: u64) -> u64 {
        match ready.checked_sub(free) {
            None | Some(0) => free,
            Some(waited) if self.period > 1 => {
                free.saturating_add(waited.div_ceil(self.period).saturating_mul(self.period))
            }
            Some(_) => ready,
        }
    }
}

/// What a board does with one event, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// How long it occupies the link.
    pub transfer: u64,
    /// From the beginning of its transfer to the earliest time at which an inference without a
    /// break may begin.
    pub ready: u64,
    /// How long its inference takes.
    pub service: u64,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// BUSY was up.
    Lost,
    /// It was computed.
    Decided(Served),
}

/// When an event was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The end of the inference.
    pub end: u64,
    /// When the decision was there.
    pub decision: u64,
    /// When it was released.
    pub release: u64,
    /// Whether it was there only after it should have been released.
    pub late: bool,
}

/// How full the board was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Ticks during which as many events were there as the index says.
    pub ticks: Vec<u64>,
    /// Ticks during which BUSY was up.
    pub busy: u64,
    /// Ticks during which inferences ran.
    pub serving: u64,
    /// From tick 0 to the last arrival or the end of the last inference.
    pub all: u64,
}

impl Occupancy {
    /// Events that were there, averaged over time.
    pub fn mean(&self) -> f64 {
        let weighted = self.ticks.iter().enumerate();
        let sum: f64 = weighted.map(|(n, &ticks)| n as f64 * ticks as f64).sum();
        sum / self.all.max(1) as f64
    }

    /// Most events that were there at once.
    pub fn largest(&self) -> usize {
        self.ticks.len().saturating_sub(1)
    }

    /// Fraction of time during which BUSY was up.
    pub fn dead_time(&self) -> f64 {
        self.busy as f64 / self.all.max(1) as f64
    }

    /// Fraction of time during which an inference ran.
    pub fn utilisation(&self) -> f64 {
        self.serving as f64 / self.all.max(1) as f64
    }
}

/// A board at work.
#[derive(Debug)]
pub(super) struct Queue {
    board: Board,
    /// Places; the one in service is among them.
    places: usize,
    /// Ends of the inferences of the events that are there, rising.
    ends: VecDeque<u64>,
    link_free: u64,
    end: u64,
    /// When the board looks for the next event.
    free: u64,
    busy_until: u64,
    now: u64,
    occupancy: Occupancy,
}

impl Queue {
    pub(super) fn new(board: Board) -> Self {
        Self {
            board,
            places: board
                .queue
                .map_or(BACKLOG, |queue| queue.min(BACKLOG).saturating_add(1)),
            ends: VecDeque::new(),
            link_free: 0,
            end: 0,
            free: 0,
            busy_until: 0,
            now: 0,
            occupancy: Occupancy {
                ticks: vec![0],
                ..Occupancy::default()
            },
        }
    }

    /// Whether an unlimited queue has more events than it should ever have.
    pub(super) fn is_overrun(&self) -> bool {
        self.board.queue.is_none() && self.ends.len() >= BACKLOG
    }

    /// The end of the last inference.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// An event arrives, not before the last one.
    #[inline]
    pub(super) fn arrive(&mut self, at: u64, job: &Job) -> Fate {
        self.pass_to(at);
        if at < self.busy_until {
            if self.board.dead_time == DeadTime::Paralysable {
                let until = self.busy_until.max(at.saturating_add(job.service));
                self.occupancy.busy += until - self.busy_until;
                self.busy_until = until;
            }
            return Fate::Lost;
        }
        let sent = self.link_free.max(at);
        self.link_free = sent.saturating_add(job.transfer);
        let ready = sent.saturating_add(job.ready);
        let begin = self.board.poll.found(self.free, ready);
        self.end = begin.saturating_add(job.service);
        self.free = self.end.saturating_add(self.board.poll.turnaround);
        self.occupancy.serving = self.occupancy.serving.saturating_add(job.service);
        self.ends.push_back(self.end);
        if self.ends.len() == self.occupancy.ticks.len() {
            self.occupancy.ticks.push(0);
        }
        if self.ends.len() == self.places {
            // BUSY is up until the first of them leaves.
            self.busy_until = self.ends[0];
            self.occupancy.busy += self.busy_until - at;
        }
        let decision = self.end.saturating_add(self.board.output);
        let release = self
            .board
            .fixed_latency
            .map_or(decision, |latency| at.saturating_add(latency));
        Fate::Decided(Served {
            end: self.end,
            decision,
            release: release.max(decision),
            late: decision > release,
        })
    }

    /// How full it was, once all events have left.
    pub(super) fn finish(mut self) -> Occupancy {
        let last = self.end.max(self.now).max(self.busy_until);
        self.pass_to(last);
        self.occupancy.all = last;
        self.occupancy
    }

    /// Lets every inference end that ends by `at`.
    #[inline]
    fn pass_to(&mut self, at: u64) {
        while let Some(&end) = self.ends.front()
            && end <= at
        {
            self.occupancy.ticks[self.ends.len()] += end - self.now;
            self.now = end;
            self.ends.pop_front();
        }
        self.occupancy.ticks[self.ends.len()] += at - self.now;
        self.now = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(fate: Fate) -> Option<u64> {
        match fate {
            Fate::Lost => None,
            Fate::Decided(served) => Some(served.end),
        }
    }

    fn job(service: u64) -> Job {
        Job {
            service,
            ..Job::default()
        }
    }

    #[test]
    fn an_event_is_lost_iff_all_places_are_taken() {
        let board = Board {
            queue: Some(1),
            ..Board::default()
        };
        let mut queue = Queue::new(board);
        let fates = [0, 1, 2, 9, 10, 10, 11].map(|at| served(queue.arrive(at, &job(10))));
        // At 10 the first has left, before the next arrives.
        assert_eq!(
            fates,
            [Some(10), Some(20), None, None, Some(30), None, None]
        );
        let occupancy = queue.finish();
        assert_eq!(occupancy.ticks, [0, 1 + 10, 9 + 10]);
        assert_eq!(occupancy.busy, 19);
        assert_eq!(occupancy.all, 30);
        assert_eq!(occupancy.serving, 30);
    }

    #[test]
    fn a_paralysable_board_stays_busy_while_events_arrive() {
        let board = |dead_time| Board {
            queue: Some(0),
            dead_time,
            ..Board::default()
        };
        let run = |dead_time| {
            let mut queue = Queue::new(board(dead_time));
            let fates = [0, 8, 15, 21, 40].map(|at| served(queue.arrive(at, &job(10))));
            (fates, queue.finish().busy)
        };
        let (fates, busy) = run(DeadTime::NonParalysable);
        assert_eq!(fates, [Some(10), None, Some(25), None, Some(50)]);
        assert_eq!(busy, 30);
        let (fates, busy) = run(DeadTime::Paralysable);
        assert_eq!(fates, [Some(10), None, None, None, Some(50)]);
        assert_eq!(busy, 31 + 10);
    }

    #[test]
    fn the_link_carries_one_event_at_a_time() {
        let board = Board {
            queue: None,
            output: 3,
            ..Board::default()
        };
        let mut queue = Queue::new(board);
        let job = Job {
            transfer: 10,
            ready: 10,
            service: 4,
        };
        let decisions = [0, 0, 100].map(|at| match queue.arrive(at, &job) {
            Fate::Lost => 0,
            Fate::Decided(served) => served.decision,
        });
        assert_eq!(decisions, [17, 27, 117]);
    }

    #[test]
    fn a_board_that_polls_finds_events_at_its_next_look() {
        let board = Board {
            queue: Some(1),
            poll: Poll {
                turnaround: 3,
                period: 7,
            },
            ..Board::default()
        };
        let mut queue = Queue::new(board);
        let fates = [0, 5, 10, 27, 100].map(|at| served(queue.arrive(at, &job(10))));
        // Found at 0; at 13, when it has waited; at 26, after the place was free at 23; then looks are
        // at 39 + 7k: 39 for the one that waits, 52 + 7 · 7 for the last.
        assert_eq!(
            fates,
            [Some(10), Some(23), Some(36), Some(49), Some(101 + 10)]
        );
        // 5 finds a place, as 0 does; 10 finds that of 0, which is free in this tick.
        assert_eq!(queue.finish().busy, (10 - 5) + (23 - 10) + (36 - 27));
    }

    #[test]
    fn a_late_decision_is_marked_and_released_when_it_is_there() {
        let board = Board {
            queue: Some(4),
            output: 1,
            fixed_latency: Some(12),
            ..Board::default()
        };
        let mut queue = Queue::new(board);
        let mut at = |at| match queue.arrive(at, &job(10)) {
            Fate::Lost => (0, true),
            Fate::Decided(served) => (served.release, served.late),
        };
        assert_eq!(at(0), (12, false));
        assert_eq!(at(9), (21, false));
        assert_eq!(at(10), (31, true));
    }
}
