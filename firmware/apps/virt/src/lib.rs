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
pub use firmware::{run, trigger};

/// Defines the entry point of a firmware that serves a model.
///
/// `app!(Model)` accepts nothing until it is configured; `app!(Model, on("board"))` says on which board of
/// the family it is; `app!(Model, accept(output, threshold))`
/// accepts from the start iff raw number `output` is at least `threshold`. On the host `main` is
/// empty, so that `cargo test` and `cargo clippy` see the whole workspace.
#[macro_export]
macro_rules! app {
    ($model:ty) => {
        $crate::app!($model, on("virt"));
    };
    ($model:ty, on($board:expr)) => {
        $crate::app!($model, $board, $crate::trigger::Decision::NONE);
    };
    ($model:ty, accept($output:expr, $threshold:expr)) => {
        $crate::app!(
            $model,
            "virt",
            $crate::trigger::Decision {
                output: $output,
                threshold: $threshold,
            }
        );
    };
    ($model:ty, $board:expr, $decision:expr) => {
        // SAFETY: the run-time crate calls the one `main` after it has set up memory.
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn main() -> ! {
            const N: usize = $crate::trigger::frame_capacity::<$model>();
            const K: usize = $crate::trigger::answers_stored::<$model>();
            $crate::run::<$model, N, K>($board, $decision)
        }

        #[cfg(not(target_os = "none"))]
        fn main() {}
    };
}
