//! The way of an event to the board.

use hodoscope_program::{InputId, Program, SetId};

use super::{Bandwidth, Job, ServiceTable, StreamError, Timebase};
use crate::encode::Events;

/// A serial link that carries one event after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// How fast it is; nothing when events are there at once, as over a wide bus.
    pub bandwidth: Option<Bandwidth>,
    /// Bits that a byte takes: 8, or 10 with a UART's start and stop bit.
    pub bits_per_byte: u32,
    /// Bytes besides an event's payload: header, checksum.
    pub overhead_bytes: u32,
}

impl Default for Link {
    /// Events are there at once.
    fn default() -> Self {
        Self {
            bandwidth: None,
            bits_per_byte: 8,
            overhead_bytes: 0,
        }
    }
}

/// When the board begins to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// When the whole event is there.
    #[default]
    StoreAndForward,
    /// Constituent by constituent: the layers of each are computed when it is there and the one before
    /// is done, the rest after the last. A board that waits for a constituent serves no other event.
    Streaming,
}

/// What of an event crosses the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Bytes of the words that every event has.
    pub fixed_bytes: usize,
    /// Bytes of a slot.
    pub row_bytes: usize,
    /// Slots that are sent.
    pub rows: usize,
    /// Which of them hold a constituent, rising.
    pub live: Vec<usize>,
}

impl Payload {
    /// What crosses the link of `event`.
    ///
    /// With several sets a slot holds a constituent of each; those of the set that has most count, as
    /// service times are measured with equally many in all.
    ///
    /// # Panics
    /// If there is no such event.
    pub fn of(program: &Program, events: &Events, event: usize) -> Self {
        let (fixed_bytes, row_bytes) = events.payload_bytes();
        let sets = (0..program.sets.len()).map(SetId::new);
        let live = sets.map(|set| events.live_slots(program, event, set));
        let inputs = (0..program.inputs.len()).map(InputId::new);
        let of_sets = inputs.filter(|id| program.input(*id).set.is_some());
        Self {
            fixed_bytes,
            row_bytes,
            rows: of_sets.map(|id| events.rows(event, id)).max().unwrap_or(0),
            live: live.max_by_key(Vec::len).unwrap_or_default(),
        }
    }

    /// Constituents.
    pub fn multiplicity(&self) -> usize {
        self.live.len()
    }
}

impl Link {
    /// What the board does with an event.
    ///
    /// Streaming splits the service time S(n) = S(0) + Σ φₖ: constituent k takes φₖ = S(k) − S(k−1)
    /// cycles as soon as it is there, and the last S(0) follow the end of the event. So an inference
    /// that began at the latest of `ready` and the end of the one before, without a break, ends at
    /// the same time as the real one: `ready` is the largest, over all k, of the arrival of k less
    /// what was to be computed before it.
    ///
    /// # Errors
    /// When no service time of the event's multiplicity is known, or a time does not fit its ticks.
    pub fn job(
        &self,
        payload: &Payload,
        input: Input,
        service: &ServiceTable,
        clock_hz: u64,
        timebase: Timebase,
    ) -> Result<Job, StreamError> {
        let computed = |multiplicity| -> Result<i128, StreamError> {
            let cycles = service.cycles(multiplicity)?;
            timebase
                .of_cycles(cycles, clock_hz)
                .map(i128::from)
                .ok_or(StreamError::TooLong)
        };
        let carried = |rows: usize| {
            self.ticks(payload, rows, timebase)
                .ok_or(StreamError::TooLong)
        };
        let all = computed(payload.multiplicity())?;
        let transfer = carried(payload.rows)?;
        let ready = match input {
            Input::StoreAndForward => transfer,
            Input::Streaming => {
                let first = computed(0)?;
                // The end of the event is known when its last slot is there.
                let mut ready = i128::from(transfer) - (all - first);
                for (before, &slot) in payload.live.iter().enumerate() {
                    let arrival = i128::from(carried(slot + 1)?);
                    ready = ready.max(arrival - (computed(before)? - first));
                }
                u64::try_from(ready.max(0)).map_err(|_| StreamError::TooLong)?
            }
        };
        Ok(Job {
            transfer,
            ready,
            service: u64::try_from(all).map_err(|_| StreamError::TooLong)?,
        })
    }

    /// What the board does with an event of `bytes` that is computed in `cycles` once all of it is there.
    ///
    /// # Errors
    /// When a time does not fit its ticks.
    pub fn whole_job(
        &self,
        bytes: usize,
        cycles: u64,
        clock_hz: u64,
        timebase: Timebase,
    ) -> Result<Job, StreamError> {
        let times = self.ticks_of(bytes, timebase);
        let times = times.zip(timebase.of_cycles(cycles, clock_hz));
        let (transfer, service) = times.ok_or(StreamError::TooLong)?;
        Ok(Job {
            transfer,
            ready: transfer,
            service,
        })
    }

    /// Ticks until `rows` slots have crossed.
    fn ticks(&self, payload: &Payload, rows: usize, timebase: Timebase) -> Option<u64> {
        let bytes = rows
            .checked_mul(payload.row_bytes)?
            .checked_add(payload.fixed_bytes)?;
        self.ticks_of(bytes, timebase)
    }

    /// Ticks until an event of `bytes` has crossed.
    fn ticks_of(&self, bytes: usize, timebase: Timebase) -> Option<u64> {
        let Some(bandwidth) = self.bandwidth else {
            return Some(0);
        };
        let bytes = bytes.checked_add(self.overhead_bytes as usize)?;
        let bits = u64::try_from(bytes)
            .ok()?
            .checked_mul(u64::from(self.bits_per_byte))?;
        timebase.of_ratio(bits, bandwidth.bits_per_second)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn payload(rows: usize, live: &[usize]) -> Payload {
        Payload {
            fixed_bytes: 2,
            row_bytes: 6,
            rows,
            live: live.to_vec(),
        }
    }

    /// Event by event and constituent by constituent, as the board does it.
    fn by_definition(link: &Link, payload: &Payload, service: &ServiceTable, free: u64) -> u64 {
        let timebase = Timebase::cycles(1_000_000).unwrap();
        let carried = |rows| link.ticks(payload, rows, timebase).unwrap();
        let mut now = free;
        for (k, &slot) in payload.live.iter().enumerate() {
            let phi = service.cycles(k + 1).unwrap() - service.cycles(k).unwrap();
            now = now.max(carried(slot + 1)) + phi;
        }
        now.max(carried(payload.rows)) + service.cycles(0).unwrap()
    }

    #[test]
    fn streaming_ends_when_it_does_by_definition() {
        let service = ServiceTable::new(vec![40, 90, 95, 300, 310, 330], "made up".to_owned());
        let timebase = Timebase::cycles(1_000_000).unwrap();
        for bits_per_second in [100_000, 400_000, 1_000_000, 48_000_000] {
            let link = Link {
                bandwidth: Some(Bandwidth { bits_per_second }),
                bits_per_byte: 10,
                overhead_bytes: 3,
            };
            for live in [
                &[][..],
                &[0],
                &[2],
                &[0, 1, 2],
                &[1, 3, 6],
                &[0, 1, 2, 3, 4],
            ] {
                for trailing in [0, 3] {
                    let rows = live.last().map_or(0, |last| last + 1) + trailing;
                    let payload = payload(rows, live);
                    let job = link
                        .job(&payload, Input::Streaming, &service, 1_000_000, timebase)
                        .unwrap();
                    for free in [0, 10, 100, 1000, 5000] {
                        let ends = job.ready.max(free) + job.service;
                        assert_eq!(
                            ends,
                            by_definition(&link, &payload, &service, free),
                            "{bits_per_second} {live:?} {free}"
                        );
                    }
                    let stored = link
                        .job(
                            &payload,
                            Input::StoreAndForward,
                            &service,
                            1_000_000,
                            timebase,
                        )
                        .unwrap();
                    assert_eq!(stored.ready, stored.transfer);
                    assert!(job.ready <= stored.ready);
                }
            }
        }
    }

    #[test]
    fn bits_take_their_time() {
        let link = Link {
            bandwidth: Some("115200baud".parse().unwrap()),
            bits_per_byte: 10,
            overhead_bytes: 0,
        };
        // 2 + 3 · 6 bytes are 200 bits.
        let ticks = link.ticks(&payload(3, &[]), 3, Timebase::PICOSECONDS);
        assert_eq!(ticks, Some(1_736_111_112));
        let ticks = Link::default().ticks(&payload(3, &[]), 3, Timebase::PICOSECONDS);
        assert_eq!(ticks, Some(0));
    }
}
