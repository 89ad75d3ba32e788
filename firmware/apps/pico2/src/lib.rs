//! App for the Raspberry Pi Pico 2 (RP2350, as a Cortex-M33).
//!
//! UART 0 on GP0 and GP1 is the link, GP25 (the Pico's LED) is ACCEPT, GP15 is BUSY, and timer 0 counts ticks at the processor's clock.
//! Bytes of the link come by interrupt into a ring. One core works; the other one sleeps in the boot ROM. There is no log. The firmware
//! restarts after a `Shutdown` frame, a fault, a panic or an exception.
//!
//! ```text
//! #![no_std]
//! #![no_main]
//! hodoscope_app_pico2::app!(pfn_qg::Deployed);
//! ```
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(any(target_os = "none", test))]
mod map;
#[cfg(target_os = "none")]
mod peripherals;

#[cfg(target_os = "none")]
#[doc(hidden)]
pub use firmware::run;
#[doc(hidden)]
pub use hodoscope_app_support as support;

/// Defines the entry point of a firmware that serves a model: `app!(Model)`, `app!(Model, on("board"))`,
/// `app!(Model, accept(output, threshold))`, as [`hodoscope_app_support::entry`] says.
#[macro_export]
macro_rules! app {
    ($model:ty $(, $how:ident($($of:expr),*))?) => {
        $crate::support::entry!($crate, "pico2", $model $(, $how($($of),*))?);
    };
}
