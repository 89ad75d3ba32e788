//! App for QEMU's RISC-V machine (`qemu-system-riscv32 -M virt`).
//!
//! The serial port is the link, `mcycle` counts ticks, and there are no pins. Logs go to the
//! semihosting console through defmt. The firmware exits through the machine's test device: 0
//! after a `Shutdown` frame, 1 after a fault, a panic or an exception.
//!
//! ```text
//! #![no_std]
//! #![no_main]
//! hodoscope_app_virt::app!(pfn_qg::Deployed);
//! ```
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod firmware;
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
        $crate::support::entry!($crate, "virt", $model $(, $how($($of),*))?);
    };
}
