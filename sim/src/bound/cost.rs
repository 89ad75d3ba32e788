//! What the instructions of a path take at most.

use hodoscope_cost::{Core, Memory};

use super::cache::Lines;
use super::loose::Misses;
use super::price::{Pricer, fetched, read};
use super::{BoundError, Image, Step, Walk};

/// What the inferences of one multiplicity take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Instructions that are executed.
    pub instructions: u64,
    /// Cycles that no inference exceeds.
    pub at_most: u64,
    /// Branches that go the other way for other data: where a constituent is not live.
    pub data_branches: u64,
}

impl Bound {
    /// Walks through `image` with an event like `payload`, whose constituents are all live.
    ///
    /// With `turning`, every branch on data is also taken the other way, one at a time, and the
    /// longest of these walks counts: it shows that a constituent that is not live shortens it. A
    /// walk that ends the firmware, as a panic does, does not count.
    ///
    /// # Errors
    /// As for [`Walk::run`].
    pub fn of(
        image: &Image,
        payload: &[u8],
        core: &Core,
        turning: bool,
    ) -> Result<Self, BoundError> {
        let walk = Walk::new(image, payload)?;
        let mut bound = Self::along(walk.clone(), core)?;
        if turning {
            for branch in 0..bound.data_branches as usize {
                match Self::along(walk.clone().turning(branch), core) {
                    Ok(other) => bound.at_most = bound.at_most.max(other.at_most),
                    // The way to a panic, as of a table's index: no inference takes it.
                    Err(BoundError::Ends { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(bound)
    }

    fn along(walk: Walk, core: &Core) -> Result<Self, BoundError> {
        let memory = Memory::default();
        let mut cost = Cost {
            pricer: Pricer::new(core, &memory),
            instructions: core.instruction_cache().map(Lines::new),
            data: core.data_cache().map(Misses::new),
            sum: Self::default(),
        };
        cost.sum.instructions = walk.run(|step| cost.add(step))?;
        if let (Some(misses), Some(cache)) = (cost.data, core.data_cache()) {
            cost.sum.at_most += misses.count() * cache.at_most;
        }
        Ok(cost.sum)
    }
}

/// Adds up.
struct Cost<'c> {
    pricer: Pricer<'c>,
    instructions: Option<Lines<'c>>,
    data: Option<Misses<'c>>,
    sum: Bound,
}

impl Cost<'_> {
    fn add(&mut self, step: &Step) -> Result<(), BoundError> {
        let price = self.pricer.add(step)?;
        self.sum.at_most += price.cycles + price.badly;
        self.sum.data_branches += u64::from(step.data_branch);
        if let Some(lines) = &mut self.instructions {
            let misses = fetched(step).filter(|&address| lines.misses(address));
            let misses = misses.count() as u64;
            self.sum.at_most += misses * lines.cache.at_most;
        }
        if let (Some(misses), Some(address)) = (&mut self.data, read(step)) {
            match step.loose {
                Some(loose) => misses.loose(address, loose),
                None => misses.fixed(address),
            }
        }
        Ok(())
    }
}
