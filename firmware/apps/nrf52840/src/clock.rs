//! Clock (nRF52840 product specification 1.7, 5.4 and 4.3).
//!
//! The processor runs at 64 MHz from the reset on. The crystal, where it starts, makes that exact: without it the clock may be off by
//! some percent, and the serial port works as long as it is off by less than two.

use crate::map::*;

/// Starts crystal and cache.
pub fn start() {
    NVMC_ICACHECNF.write(1);
    CLOCK_EVENTS_HFCLKSTARTED.write(0);
    CLOCK_TASKS_HFCLKSTART.write(1);
    let _ = CLOCK_EVENTS_HFCLKSTARTED.becomes(1, 1);
}
