//! App for boards with an nRF52840, as Nordic's development kit.
//!
//! The UART on P0.06 and P0.08 is the link, P1.01 is ACCEPT, P1.02 is BUSY, and timer 0 counts ticks. Bytes of the link come by interrupt
//! into a ring. There is no log. The firmware restarts after a `Shutdown` frame, a fault, a panic or an exception.
//!
//! ```text
//! #![no_std]
//! #![no_main]
//! hodoscope_app_nrf52840::app!(pfn_qg::Deployed);
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
        $crate::support::entry!($crate, "nrf52840", $model $(, $how($($of),*))?);
    };
}
