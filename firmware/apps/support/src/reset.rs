//! Why a chip starts again, in memory that its start leaves as it is.

use core::sync::atomic::{AtomicU32, Ordering};

use hodoscope_trigger::{End, Fault, Reset};

/// The reason with a mark, and the complement of both: after power-up they hold anything.
// SAFETY: nothing else has this section, which start-up code neither fills nor clears; any content is a value of these types.
#[unsafe(link_section = ".uninit.hodoscope_reset")]
static LEFT: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

const MARK: u32 = 0x5e7a_1100;

/// Leaves a reason for the next start.
pub fn leave(reason: Reset) {
    let word = MARK | reason as u32;
    LEFT[0].store(word, Ordering::Relaxed);
    LEFT[1].store(!word, Ordering::Relaxed);
}

/// Leaves why the event loop has ended.
pub fn leave_end(end: Result<End, Fault>) {
    leave(match end {
        Ok(End::Shutdown) => Reset::Host,
        Ok(End::Closed) | Err(_) => Reset::Software,
    });
}

/// The reason that was left before this start, once; else what the chip says.
#[must_use]
pub fn take(chip: Reset) -> Reset {
    let word = LEFT[0].load(Ordering::Relaxed);
    let is_whole = LEFT[1].load(Ordering::Relaxed) == !word;
    LEFT[1].store(word, Ordering::Relaxed);
    let reasons = [Reset::Host, Reset::Panic, Reset::Fault, Reset::Software];
    let left = reasons
        .into_iter()
        .find(|reason| is_whole && word == MARK | *reason as u32);
    left.unwrap_or(chip)
}

/// The reason of the first of a chip's flags that is up.
#[must_use]
pub fn of_flags<const N: usize>(flags: u32, reasons: [(u32, Reset); N]) -> Reset {
    let found = reasons.into_iter().find(|(flag, _)| flags & flag != 0);
    found.map_or(Reset::Unknown, |(_, reason)| reason)
}
