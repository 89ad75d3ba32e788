//! Which lines are in a cache.

use hodoscope_cost::Cache;

/// The lines of a direct-mapped cache.
#[derive(Clone, Debug)]
pub struct Lines<'c> {
    pub cache: &'c Cache,
    /// The number of the line that each place holds, if that is known.
    held: Vec<Option<u64>>,
}

impl<'c> Lines<'c> {
    /// Nothing is known to be there.
    pub fn new(cache: &'c Cache) -> Self {
        let places = cache.bytes / cache.line_bytes;
        Self {
            cache,
            held: vec![None; places as usize],
        }
    }

    /// Reads: whether the line had to be fetched.
    pub fn misses(&mut self, address: u32) -> bool {
        let line = self.cache.line(address);
        let place = self.cache.place(address) as usize;
        self.held[place].replace(line) != Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_until_another_one_takes_its_place() {
        let cache = Cache {
            bytes: 128,
            line_bytes: 32,
            miss: 1,
            at_most: 1,
        };
        let mut lines = Lines::new(&cache);
        let misses: Vec<bool> = [0, 31, 32, 0, 128, 0]
            .into_iter()
            .map(|address| lines.misses(address))
            .collect();
        assert_eq!(misses, [true, false, true, false, true, true]);
    }
}
