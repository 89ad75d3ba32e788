//! App for Arm's MPS2 boards with a Cortex-M, emulated (such as `qemu-system-arm -M mps2-an386`) and real.
//!
//! UART 0 is the link, LED 0 is ACCEPT, LED 1 is BUSY, and timer 0 counts ticks. Logs go to the
//! semihosting console through defmt. The firmware exits through semihosting: 0 after
//! a `Shutdown` frame, 1 after a fault, a panic or a hard fault.
//!
//! ```text
//! #![no_std]
//! #![no_main]
//! hodoscope_app_mps2::app!(pfn_qg::Deployed);
//! ```
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod firmware;
#[cfg(target_os = "none")]
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
        $crate::support::entry!($crate, "mps2", $model $(, $how($($of),*))?);
    };
}
