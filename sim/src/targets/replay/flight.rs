//! An event on its way.

use std::time::Duration;

/// Most raws of one event: a model has at most 65,535.
const RAWS: usize = 1 << 16;

/// An event that was sent and has not ended, or waits for one before it.
#[derive(Debug)]
pub(super) struct Flight {
    /// Index of the event.
    pub event: usize,
    pub first_sent: Duration,
    pub last_sent: Duration,
    pub sends: u32,
    /// It has its answer.
    pub ended: bool,
    raws: Vec<Option<i64>>,
    /// The end of the answer, which may come before a part of it.
    answer: Option<Answer>,
}

/// The end of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub accept: bool,
    pub ticks: u32,
    /// Number of raws.
    len: usize,
}

impl Flight {
    pub fn new(event: usize, now: Duration) -> Self {
        Self {
            event,
            first_sent: now,
            last_sent: now,
            sends: 1,
            ended: false,
            raws: Vec::new(),
            answer: None,
        }
    }

    /// Takes a part of the answer. The board sends the same raws each time.
    pub fn part(&mut self, offset: usize, raws: &[i64]) {
        let end = offset.saturating_add(raws.len());
        if end > RAWS {
            return;
        }
        if self.raws.len() < end {
            self.raws.resize(end, None);
        }
        for (place, raw) in self.raws[offset..end].iter_mut().zip(raws) {
            *place = Some(*raw);
        }
    }

    /// Takes the end of the answer.
    pub fn end(&mut self, offset: usize, raws: &[i64], accept: bool, ticks: u32) {
        self.part(offset, raws);
        self.answer = Some(Answer {
            accept,
            ticks,
            len: offset.saturating_add(raws.len()),
        });
    }

    /// The whole answer, once all of it is there.
    pub fn whole(&self) -> Option<(Answer, Vec<i64>)> {
        let answer = self.answer?;
        let raws = self.raws.get(..answer.len)?;
        let raws = raws.iter().copied().collect::<Option<_>>()?;
        Some((answer, raws))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_all_its_parts_are_there_in_any_order() {
        let mut flight = Flight::new(0, Duration::ZERO);
        flight.end(4, &[5], true, 9);
        assert!(flight.whole().is_none());
        flight.part(0, &[1, 2]);
        assert!(flight.whole().is_none());
        flight.part(2, &[3, 4]);
        flight.part(0, &[1, 2]);
        let (answer, raws) = flight.whole().unwrap();
        assert_eq!((answer.accept, answer.ticks), (true, 9));
        assert_eq!(raws, [1, 2, 3, 4, 5]);
        // What no board sends is no reason to reserve memory.
        flight.part(usize::MAX, &[1]);
        assert_eq!(flight.whole().unwrap().1.len(), 5);
    }
}
