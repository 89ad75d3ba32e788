//! Memory that must not change.

use hodoscope_wire::{Checksum, Health, Part};

/// A stretch of memory with its sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// What lies in it.
    pub part: Part,
    /// Bytes.
    pub len: u32,
    /// CRC-32C of these bytes.
    pub sum: u32,
}

/// Whether a firmware knows what its memory should be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Nobody has written it down.
    Missing,
    /// What was written down has changed.
    Broken,
    /// It does.
    Sound,
}

/// Memory that must not change: it is summed as a whole at the start, and then step by step while there is nothing else to do.
pub trait Guard {
    /// Whether there may be such memory: else no code is spent on it.
    const WATCHES: bool;

    /// Whether it is known what the memory should be like.
    fn seal(&self) -> Seal;

    /// A region; nothing behind the last.
    fn region(&self, index: u8) -> Option<Region>;

    /// Copies bytes of a region, from its byte `offset` on.
    fn read(&self, index: u8, offset: u32, bytes: &mut [u8]);
}

/// Watches nothing.
impl Guard for () {
    const WATCHES: bool = false;

    fn seal(&self) -> Seal {
        Seal::Missing
    }

    fn region(&self, _: u8) -> Option<Region> {
        None
    }

    fn read(&self, _: u8, _: u32, _: &mut [u8]) {}
}

/// Bytes of a step: an event waits for one at most.
const STEP: usize = 64;

/// Goes through guarded memory again and again.
#[derive(Debug)]
pub(crate) struct Scrub {
    region: u8,
    offset: u32,
    sum: Checksum,
    health: Health,
    /// The event that came next when this pass began.
    began: u32,
    vouched: u32,
    passes: u32,
    /// A step was taken since the last event.
    rested: bool,
    /// And a pass has ended since: what is left of the pause is for sleep.
    is_over: bool,
}

impl Scrub {
    pub(crate) fn new() -> Self {
        Self {
            region: 0,
            offset: 0,
            sum: Checksum::new(),
            health: Health::Unwatched,
            began: 0,
            vouched: 0,
            passes: 0,
            rested: false,
            is_over: false,
        }
    }

    pub(crate) fn health(&self) -> Health {
        self.health
    }

    /// The part that is not as it should be. Where nothing can be watched no code is spent on it.
    #[inline(always)]
    pub(crate) fn damaged<G: Guard>(&self) -> Option<Part> {
        match self.health {
            Health::Damaged(part) if G::WATCHES => Some(part),
            _ => None,
        }
    }

    /// Passes since the start, and the event of the run before which all are vouched for.
    pub(crate) fn passes(&self) -> (u32, u32) {
        (self.passes, self.vouched)
    }

    /// Whether a pass has ended since the last event.
    pub(crate) fn is_done(&self) -> bool {
        self.is_over
    }

    /// An event has been decided: whether there was no step since the one before.
    pub(crate) fn after_event(&mut self) -> bool {
        self.is_over = false;
        !core::mem::take(&mut self.rested)
    }

    /// A run begins: its events are not those of the run before.
    pub(crate) fn begin(&mut self) {
        (self.began, self.vouched) = (0, 0);
        (self.region, self.offset, self.sum) = (0, 0, Checksum::new());
    }

    /// Sums all of it.
    pub(crate) fn start<G: Guard>(&mut self, guard: &G) {
        self.health = match guard.seal() {
            Seal::Missing => Health::Unwatched,
            Seal::Broken => Health::Damaged(Part::Seal),
            Seal::Sound => {
                let regions = (0..).map_while(|index| Some((index, guard.region(index)?)));
                let wrong = regions
                    .into_iter()
                    .find(|(index, region)| whole(guard, *index, region) != region.sum);
                wrong.map_or(Health::Healthy, |(_, region)| Health::Damaged(region.part))
            }
        };
    }

    /// Sums a little more of it: whether that was the last of a pass. `next` is the number of the next event.
    pub(crate) fn step<G: Guard>(&mut self, guard: &G, next: u32) -> bool {
        self.rested = true;
        if self.damaged::<G>().is_some() {
            return false;
        }
        if (self.region, self.offset) == (0, 0) {
            self.began = next;
            // Whoever has lost it would find no region, and nothing wrong.
            match (self.health, guard.seal()) {
                (_, Seal::Sound) | (Health::Unwatched, Seal::Missing) => {}
                _ => self.health = Health::Damaged(Part::Seal),
            }
        }
        let index = self.region;
        let Some(region) = guard.region(index) else {
            (self.region, self.offset, self.sum) = (0, 0, Checksum::new());
            self.is_over = true;
            return true;
        };
        let mut bytes = [0; STEP];
        let left = region.len.saturating_sub(self.offset);
        let bytes = &mut bytes[..STEP.min(left as usize)];
        guard.read(index, self.offset, bytes);
        sum_up(&mut self.sum, bytes);
        self.offset += bytes.len() as u32;
        if self.offset >= region.len {
            // A bit of this pass's own sum may have flipped: what counts is found twice.
            if self.sum.value() != region.sum && whole(guard, index, &region) != region.sum {
                self.health = Health::Damaged(region.part);
            }
            (self.region, self.offset, self.sum) = (index.wrapping_add(1), 0, Checksum::new());
        }
        false
    }

    /// A pass is over, and this is what the decision says of its own memory.
    pub(crate) fn passed(&mut self, is_sound: bool) {
        if !is_sound {
            self.health = Health::Damaged(Part::Menu);
        }
        if self.health == Health::Healthy {
            self.passes = self.passes.saturating_add(1);
            self.vouched = self.began;
        }
    }
}

/// Once in a firmware: it is unrolled.
#[inline(never)]
fn sum_up(sum: &mut Checksum, bytes: &[u8]) {
    sum.update(bytes);
}

#[inline(never)]
fn whole<G: Guard>(guard: &G, index: u8, region: &Region) -> u32 {
    let mut sum = Checksum::new();
    let mut bytes = [0; STEP];
    let mut offset = 0;
    while offset < region.len {
        let len = STEP.min((region.len - offset) as usize);
        guard.read(index, offset, &mut bytes[..len]);
        sum_up(&mut sum, &bytes[..len]);
        offset += len as u32;
    }
    sum.value()
}
