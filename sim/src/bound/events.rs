//! What a core's table says of events that follow each other.

use hodoscope_cost::{Core, Memory};

use super::cache::Lines;
use super::price::{Pricer, fetched, read};
use super::{BoundError, Image, Step, Walk};

/// Cycles of each inference of a session in which `payloads` are sent one after the other, as the
/// core's table has them.
///
/// The whole session is walked through from reset, so that the caches hold what the start, the events before
/// and the way of an event into memory left there.
///
/// # Errors
/// As for [`Walk::run`].
pub fn modelled(image: &Image, payloads: &[Vec<u8>], core: &Core) -> Result<Vec<u64>, BoundError> {
    let memory = Memory::default();
    let mut walk = Walk::of_events(image, payloads)?;
    let mut caches = Caches {
        instructions: core.instruction_cache().map(Lines::new),
        data: core.data_cache().map(Lines::new),
    };
    let mut clock = 0u64;
    let mut all = Vec::new();
    for _ in payloads {
        walk.until_cycles(|step| {
            caches.waits(step);
            Ok(())
        })?;
        let mut pricer = Pricer::new(core, &memory);
        let mut cycles = 0;
        walk.set_cycles(clock as u32);
        walk.inference(|step| {
            cycles += pricer.add(step)?.cycles + caches.waits(step);
            Ok(())
        })?;
        clock += cycles;
        walk.set_cycles(clock as u32);
        // The second reading of the counter.
        caches.waits(&walk.step()?);
        all.push(cycles);
    }
    Ok(all)
}

struct Caches<'c> {
    instructions: Option<Lines<'c>>,
    data: Option<Lines<'c>>,
}

impl Caches<'_> {
    /// Cycles that the instruction waits for what the caches do not hold.
    fn waits(&mut self, step: &Step) -> u64 {
        let fetched = fetched(step).map(|address| wait(&mut self.instructions, address));
        let fetched: u64 = fetched.sum();
        fetched + read(step).map_or(0, |address| wait(&mut self.data, address))
    }
}

fn wait(lines: &mut Option<Lines<'_>>, address: u32) -> u64 {
    match lines {
        Some(lines) => u64::from(lines.misses(address)) * lines.cache.miss,
        None => 0,
    }
}
