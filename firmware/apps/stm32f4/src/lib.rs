//! App for boards with an STM32F405 or STM32F446, as on a Nucleo-64.
//!
//! USART2 on PA2 and PA3 is the link, PA5 (the Nucleo's LED) is ACCEPT, PB6 is BUSY, and timer 2 counts ticks. Bytes of the link come
//! by interrupt into a ring. There is no log. The firmware restarts after a `Shutdown` frame, a fault, a panic or an exception.
//!
//! ```text
//! #![no_std]
//! #![no_main]
//! hodoscope_app_stm32f4::app!(pfn_qg::Deployed);
//! ```
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(target_os = "none")]
mod peripherals;
#[cfg(target_os = "none")]
mod register;

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
        $crate::app!($model, on("stm32f4"));
    };
    ($model:ty, on($board:expr)) => {
        $crate::app!($model, $board, $crate::trigger::Decision::NONE);
    };
    ($model:ty, accept($output:expr, $threshold:expr)) => {
        $crate::app!(
            $model,
            "stm32f4",
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
