//! Reads of a cache at addresses that depend on data.

use hodoscope_cost::Cache;

use super::LooseAddress;
use super::cache::Lines;

/// Reads at fixed addresses that a run is followed through behind the last of its own.
const FOLLOWED: usize = 64;

/// The most reads of a direct-mapped cache that miss, for any data, with nothing in it at first.
///
/// Reads at fixed addresses are followed as if there were no others. Reads at addresses that depend on
/// data come in *runs*: those that follow each other and differ by fixed numbers, as the words of an entry
/// of a table. Of each run it is known how it lies in a line, but not where in the cache. It is tried in
/// every place: there its reads miss once for each line, and more often where reads at fixed addresses
/// fetch what it drove out; whatever it leaves in the cache has driven out something that is fetched once
/// more. The worst place counts. Summed over all runs this is no less than what they cost together: where
/// several meet in a place, what they drove out there is counted for each of them, but comes back once.
#[derive(Clone, Debug)]
pub struct Misses<'c> {
    fixed: Lines<'c>,
    run: Option<Run>,
    /// So far, without those of the run that goes on.
    sum: u64,
}

#[derive(Clone, Debug)]
struct Run {
    first: u32,
    loose: LooseAddress,
    reads: Vec<Read>,
    /// How many of the run's own there are.
    own: usize,
    /// Reads at fixed addresses behind its last.
    behind: usize,
}

#[derive(Clone, Copy, Debug)]
enum Read {
    Own { address: u32 },
    Fixed { place: u64, missed: bool },
}

impl<'c> Misses<'c> {
    pub fn new(cache: &'c Cache) -> Self {
        Self {
            fixed: Lines::new(cache),
            run: None,
            sum: 0,
        }
    }

    /// Reads at the same address for all data.
    pub fn fixed(&mut self, address: u32) {
        let missed = self.fixed.misses(address);
        self.sum += u64::from(missed);
        let Some(run) = &mut self.run else {
            return;
        };
        let place = self.fixed.cache.place(address);
        run.reads.push(Read::Fixed { place, missed });
        run.behind += 1;
        if run.behind > FOLLOWED {
            self.end_run();
        }
    }

    /// Reads at an address that is `address` for some data.
    pub fn loose(&mut self, address: u32, loose: LooseAddress) {
        if self
            .run
            .as_ref()
            .is_none_or(|run| run.loose.origin != loose.origin)
        {
            self.end_run();
        }
        let run = self.run.get_or_insert(Run {
            first: address,
            loose,
            reads: vec![],
            own: 0,
            behind: 0,
        });
        run.reads.push(Read::Own { address });
        run.own += 1;
        run.behind = 0;
    }

    /// How many there were.
    pub fn count(mut self) -> u64 {
        self.end_run();
        self.sum
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.sum += run.misses(self.fixed.cache);
        }
    }
}

impl Run {
    /// Misses that there are more for this run, in the place where they are most.
    fn misses(&self, cache: &Cache) -> u64 {
        if self.own == 1 {
            // Itself, and the line that it drove out.
            return 2;
        }
        let step = 1u64
            .checked_shl(self.loose.known_bits)
            .unwrap_or(cache.bytes);
        let step = step.min(cache.bytes);
        let places = (0..cache.bytes / step).map(|place| {
            let first = u64::from(self.first) % step + place * step;
            self.misses_at(cache, first as u32)
        });
        places.max().unwrap_or(0)
    }

    /// The same with the first read at `first`.
    fn misses_at(&self, cache: &Cache, first: u32) -> u64 {
        // Lines of the run that the cache holds.
        let mut held: Vec<(u64, u64)> = Vec::new();
        let mut misses = 0;
        for read in &self.reads {
            match *read {
                Read::Own { address } => {
                    let address = address.wrapping_sub(self.first).wrapping_add(first);
                    let here = (cache.place(address), cache.line(address));
                    if !held.contains(&here) {
                        held.retain(|&(place, _)| place != here.0);
                        held.push(here);
                        misses += 1;
                    }
                }
                Read::Fixed { place, missed } => {
                    let before = held.len();
                    held.retain(|&(other, _)| other != place);
                    misses += u64::from(before != held.len() && !missed);
                }
            }
        }
        misses + held.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE: Cache = Cache {
        bytes: 256,
        line_bytes: 32,
        miss: 1,
        at_most: 1,
    };

    fn loose(origin: u32, known_bits: u32) -> LooseAddress {
        LooseAddress { origin, known_bits }
    }

    #[test]
    fn an_entry_misses_once_for_each_line_that_it_may_touch() {
        for (known_bits, first, lines) in [(0, 0x1000, 2), (4, 0x1010, 1), (4, 0x1014, 2)] {
            let mut misses = Misses::new(&CACHE);
            for byte in 0..16 {
                misses.loose(first + byte, loose(1, known_bits));
            }
            assert_eq!(misses.count(), 2 * lines, "{known_bits}");
        }
    }

    #[test]
    fn another_origin_is_another_line() {
        let mut misses = Misses::new(&CACHE);
        for origin in [1, 2, 1, 1] {
            misses.loose(0x1000, loose(origin, 5));
        }
        assert_eq!(misses.count(), 6);
    }

    #[test]
    fn what_is_driven_out_is_fetched_again() {
        let mut misses = Misses::new(&CACHE);
        misses.fixed(0);
        for _ in 0..2 {
            misses.loose(0x1000, loose(1, 5));
            misses.fixed(0);
        }
        // Each of the five, if all lie in the first place.
        assert_eq!(misses.count(), 5);
    }

    /// No data takes more misses than are counted: every placement of three tables is tried.
    #[test]
    fn no_data_misses_more_often() {
        // A linear congruential generator, so that failures repeat.
        let mut state = 1u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for _ in 0..30 {
            // Which table an access goes to, 0 for a fixed address, and where.
            let accesses: Vec<(u32, u32)> = (0..12)
                .map(|_| (random(4).saturating_sub(1), 4 * random(40)))
                .collect();
            let mut bound = Misses::new(&CACHE);
            for &(table, offset) in &accesses {
                match table {
                    0 => bound.fixed(offset),
                    _ => bound.loose(0x1_0000 * table + offset, loose(table, 4)),
                }
            }
            let bound = bound.count();
            for (one, two) in (0..16).flat_map(|one| (0..16).map(move |two| (one, two))) {
                let mut lines = Lines::new(&CACHE);
                let missed = accesses.iter().filter(|&&(table, offset)| {
                    let entry = [0, one, two][table as usize];
                    lines.misses(0x1_0000 * table + 16 * entry + offset)
                });
                let missed = missed.count() as u64;
                assert!(missed <= bound, "{missed} of {bound}: {accesses:?}");
            }
        }
    }
}
