//! App for RISC-V soft-cores in the system on chip of `sim/rtl`: RAM, a link to the host, a log, an
//! exit and a cycle counter, the same for every core.
//!
//! The link reaches the host as the testbench's standard streams, the cycle counter is the clock,
//! and two registers are the pins BUSY and ACCEPT. Panics and exceptions are written as text to the
//! log. The firmware exits with 0 after a `Shutdown` frame or when the link is closed, with 1 after a
//! fault, a panic or an exception.
//!
//! ```text
//! #![no_std]
//! #![no_main]
//! hodoscope_app_softcore::app!(pfn_qg::PfnQg);
//! ```
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod firmware;
#[cfg(all(target_os = "none", target_arch = "riscv32"))]
#[doc(hidden)]
pub mod network;
#[cfg(target_os = "none")]
mod peripherals;
#[cfg(target_os = "none")]
mod start;

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
        $crate::support::entry!($crate, "softcore", $model $(, $how($($of),*))?);
    };
}
