//! Clock (nRF52840 product specification 1.7, 5.4 and 4.3).
//!
//! The processor runs at 64 MHz from the reset on. The crystal, where it starts, makes that exact: without it the clock may be off by
//! some percent, and the serial port works as long as it is off by less than two.

use hodoscope_app_support::reset::of_flags;
use hodoscope_trigger::Reset;

use crate::map::*;

/// Starts crystal and cache.
pub fn start() {
    NVMC_ICACHECNF.write(1);
    CLOCK_EVENTS_HFCLKSTARTED.write(0);
    CLOCK_TASKS_HFCLKSTART.write(1);
    let _ = CLOCK_EVENTS_HFCLKSTARTED.becomes(1, 1);
}

/// Why the chip has started, as it says (product specification, 5.3.7.4): nothing of it is set at power-up, and flags stay until they are
/// cleared by ones.
pub fn reset() -> Reset {
    let flags = POWER_RESETREAS.read();
    POWER_RESETREAS.write(flags);
    let reasons = [
        (1 << 1, Reset::Watchdog),
        (1 << 3, Reset::Fault),
        (1 << 2, Reset::Software),
        (1 << 0, Reset::Pin),
    ];
    match flags {
        0 => Reset::Power,
        _ => of_flags(flags, reasons),
    }
}
