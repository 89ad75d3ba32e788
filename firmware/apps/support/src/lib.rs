//! What the apps of all boards share.
#![no_std]

#[cfg(all(feature = "defmt", target_os = "none"))]
mod logger;

mod entry;
mod faults;
#[cfg(target_os = "none")]
mod image;
mod registers;
#[cfg(all(target_arch = "arm", target_os = "none"))]
pub mod reset;
mod ring;

use core::arch::asm;
use core::panic::PanicInfo;

use hodoscope_trigger::Probe;

#[cfg(all(target_arch = "arm", target_os = "none"))]
pub use faults::sleep;
#[doc(hidden)]
pub use hodoscope_trigger as trigger;
#[cfg(target_os = "none")]
pub use image::Image;
#[doc(hidden)]
pub use registers::compare_registers;
pub use ring::{Ring, credit};

/// Calls [`hodoscope_inference_begin`] and [`hodoscope_inference_end`].
///
/// An emulator counts the instructions between the two symbols, a debugger can stop at them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Markers;

impl Probe for Markers {
    #[inline(always)]
    fn begin(&mut self) {
        hodoscope_inference_begin();
    }

    #[inline(always)]
    fn end(&mut self) {
        hodoscope_inference_end();
    }
}

/// Marks the beginning of an inference.
// SAFETY: no other symbol of a firmware begins with `hodoscope_inference`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn hodoscope_inference_begin() {
    // SAFETY: `nop` changes nothing. It is there so that neither the call is removed nor the
    // function merged with the other marker.
    unsafe { asm!("nop", options(nostack, preserves_flags)) }
}

/// Marks the end of an inference.
// SAFETY: no other symbol of a firmware begins with `hodoscope_inference`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn hodoscope_inference_end() {
    // SAFETY: as above.
    unsafe { asm!("nop", "nop", options(nostack, preserves_flags)) }
}

/// Logs a panic: its place, and its message if that is a literal. Formatting the message would
/// link several KiB of `core::fmt` into every firmware.
pub fn log_panic(info: &PanicInfo) {
    #[cfg(all(feature = "defmt", target_os = "none"))]
    {
        let (file, line) = info
            .location()
            .map_or(("?", 0), |place| (place.file(), place.line()));
        let message = info.message().as_str().unwrap_or("");
        defmt::error!("panic at {=str}:{=u32}: {=str}", file, line, message);
    }
    #[cfg(not(all(feature = "defmt", target_os = "none")))]
    let _ = info;
}
