//! What was counted, by the host and by the board.

use hodoscope_wire::{Counters, Health, Reset};

use crate::targets::protocol::Identity;

/// One run: from a [`Begin`](hodoscope_wire::Request::Begin) to its end or to a reset of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The host's name for it.
    pub epoch: u32,
    /// Why the board had started, before it.
    pub reset: Reset,
    /// What the board said of its memory.
    pub health: Health,
    /// Names that were given: numbers of the run, from 0.
    pub sent: u64,
    /// Of these: answered with a decision.
    pub decided: u64,
    /// Of these: accepted.
    pub accepted: u64,
    /// Of these: refused by the board.
    pub refused: u64,
    /// Of these: without an answer when the board started again. Such an event may have been decided; it was sent again in the next run.
    pub interrupted: u64,
    /// Frames of events, repeated ones among them.
    pub frames: u64,
    /// The board's counters at the end; nothing when it started again before it was asked.
    pub board: Option<Box<Counters>>,
}

impl Run {
    pub(super) fn new(epoch: u32, identity: &Identity) -> Self {
        Self {
            epoch,
            reset: identity.reset,
            health: identity.health,
            sent: 0,
            decided: 0,
            accepted: 0,
            refused: 0,
            interrupted: 0,
            frames: 0,
            board: None,
        }
    }

    /// What the host's and the board's counts do not agree in: nothing when each event was decided exactly once.
    #[must_use]
    pub fn disagreement(&self) -> Option<String> {
        let ends = self.decided + self.refused + self.interrupted;
        if self.sent != ends {
            return Some(format!("{} events sent, and {ends} ended", self.sent));
        }
        let board = self.board.as_ref()?;
        let counts = [
            ("numbered", self.sent, board.next),
            ("decided", self.decided, board.events),
            ("accepted", self.accepted, board.accepted),
            ("refused", self.refused, board.wrong),
        ];
        let mut wrong = counts
            .into_iter()
            .filter(|(_, host, board)| *host != u64::from(*board));
        wrong.next().map(|(what, host, board)| {
            format!("{host} events {what} as the host counts, {board} as the board does")
        })
    }

    /// Frames of events that the board has read; nothing without its counters.
    #[must_use]
    pub fn frames_read(&self) -> Option<u64> {
        let board = self.board.as_ref()?;
        let read = [
            board.events,
            board.wrong,
            board.duplicates,
            board.ahead,
            board.strangers,
        ];
        Some(read.into_iter().map(u64::from).sum())
    }
}

/// What the host counted of the link, over all runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The runs, the last one last.
    pub runs: Vec<Run>,
    /// Frames of events that were sent again.
    pub repeated: u64,
    /// Times that nothing came in time, and the host asked again.
    pub timeouts: u64,
    /// Replies that could not be read.
    pub damaged: u64,
    /// Answers to events that had an answer already.
    pub duplicates: u64,
    /// Replies of other runs.
    pub strangers: u64,
    /// Frames that the board says it could not read.
    pub unreadable: u64,
}

impl Tally {
    /// Resets of the board that were noticed.
    #[must_use]
    pub fn resets(&self) -> usize {
        self.runs.len().saturating_sub(1)
    }

    /// The sum of a count over all runs.
    pub fn total(&self, of: impl Fn(&Run) -> u64) -> u64 {
        self.runs.iter().map(of).sum()
    }
}
