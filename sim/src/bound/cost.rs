//! What the instructions of a path take.

use hodoscope_cost::{Access, Core, Memory, Pipeline};

use super::cache::Lines;
use super::{BoundError, Image, Step, Walk};

/// First address that is not RAM: devices, which no cache holds.
const DEVICES: u32 = 0x8000_0000;

/// What the inferences of one multiplicity take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Instructions that are executed.
    pub instructions: u64,
    /// Cycles, as the core's table has them, with nothing in the caches at first.
    pub modelled: u64,
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
            core,
            pipeline: Pipeline::new(core, &memory),
            instructions: core.instruction_cache().map(Lines::new),
            data: core.data_cache().map(Lines::new),
            sum: Self::default(),
        };
        cost.sum.instructions = walk.run(|step| cost.add(step))?;
        Ok(cost.sum)
    }
}

/// Adds up.
struct Cost<'c> {
    core: &'c Core,
    pipeline: Pipeline<'c>,
    instructions: Option<Lines<'c>>,
    data: Option<Lines<'c>>,
    sum: Bound,
}

impl Cost<'_> {
    fn add(&mut self, step: &Step) -> Result<(), BoundError> {
        let (address, next) = (u64::from(step.address), u64::from(step.next));
        let class = self.pipeline.resolve(address, &step.instruction, next);
        let cycles = self
            .pipeline
            .step(address, &step.instruction, next, Access::Other)?;
        let figure = self.core.figure(class);
        let badly = figure.map_or(0, |figure| figure.at_most - figure.cycles);
        let bits = u64::from(step.shift.saturating_sub(1));
        let shifting = figure.map_or(0, |figure| figure.per_bit * bits);
        self.sum.modelled += cycles + shifting;
        self.sum.at_most += cycles + shifting + badly;
        self.sum.data_branches += u64::from(step.data_branch);
        self.fetch(step);
        self.read(step);
        Ok(())
    }

    fn fetch(&mut self, step: &Step) {
        let Some(lines) = &mut self.instructions else {
            return;
        };
        // An instruction may lie across two lines.
        for address in [step.address, step.address + step.instruction.size - 1] {
            if lines.misses(address) {
                self.sum.modelled += lines.cache.miss;
                self.sum.at_most += lines.cache.at_most;
            }
        }
    }

    fn read(&mut self, step: &Step) {
        let (Some(lines), Some(address)) = (&mut self.data, step.access) else {
            return;
        };
        if address >= DEVICES || !step.instruction.class.is_load() {
            return;
        }
        if step.data_address {
            // Which line it takes is not known: one fetch for it, and one for the line that it may
            // have taken the place of.
            self.sum.modelled += lines.cache.miss;
            self.sum.at_most += 2 * lines.cache.at_most;
        } else if lines.misses(address) {
            self.sum.modelled += lines.cache.miss;
            self.sum.at_most += lines.cache.at_most;
        }
    }
}
