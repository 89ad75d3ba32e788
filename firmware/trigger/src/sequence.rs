//! Which event has its turn.

use crate::Vote;

/// A run and its sequence. Epoch 0 is no run: every event has its turn when it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    epoch: u32,
    next: u32,
}

impl Vote for Sequence {
    fn vote(all: [Self; 3]) -> Self {
        Self {
            epoch: Vote::vote(all.map(|one| one.epoch)),
            next: Vote::vote(all.map(|one| one.next)),
        }
    }
}

/// How an event stands to the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is to be decided.
    Now,
    /// It was taken before.
    Past,
    /// One before it is missing.
    Early,
    /// It is of another run.
    OtherRun,
}

impl Sequence {
    /// A run that begins, with the host's name for it.
    #[must_use]
    pub const fn of_run(epoch: u32) -> Self {
        Self { epoch, next: 0 }
    }

    /// The run, 0 without one.
    #[must_use]
    pub const fn epoch(self) -> u32 {
        self.epoch
    }

    /// The number that has its turn.
    #[must_use]
    pub const fn next(self) -> u32 {
        self.next
    }

    /// How event `sequence` of run `epoch` stands. Numbers wrap: what is less than half of them behind is past.
    #[must_use]
    pub const fn turn(self, epoch: u32, sequence: u32) -> Turn {
        if epoch != self.epoch {
            return Turn::OtherRun;
        }
        match sequence.wrapping_sub(self.next).cast_signed() {
            _ if epoch == 0 => Turn::Now,
            0 => Turn::Now,
            ..0 => Turn::Past,
            _ => Turn::Early,
        }
    }

    /// The event whose turn it was has been taken.
    pub(crate) const fn advance(&mut self) {
        if self.epoch != 0 {
            self.next = self.next.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_turn_one_after_the_other_and_wrap() {
        let mut run = Sequence {
            epoch: 7,
            next: u32::MAX,
        };
        assert_eq!(run.turn(7, u32::MAX), Turn::Now);
        assert_eq!(run.turn(7, u32::MAX - 1), Turn::Past);
        assert_eq!(run.turn(7, 0), Turn::Early);
        assert_eq!(run.turn(8, u32::MAX), Turn::OtherRun);
        assert_eq!(run.turn(0, u32::MAX), Turn::OtherRun);
        run.advance();
        assert_eq!((run.epoch(), run.next()), (7, 0));
        assert_eq!(run.turn(7, 0), Turn::Now);
        assert_eq!(run.turn(7, u32::MAX), Turn::Past);
    }

    #[test]
    fn without_a_run_every_event_has_its_turn() {
        let none = Sequence::default();
        for sequence in [0, 5, 5, u32::MAX] {
            assert_eq!(none.turn(0, sequence), Turn::Now);
            assert_eq!(none.turn(1, sequence), Turn::OtherRun);
        }
    }
}
