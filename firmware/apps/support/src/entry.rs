//! The entry point of a firmware.

/// Defines the entry point of a firmware that serves a model: what the macro `app!` of each family expands to.
///
/// `entry!(APP, "family", Model, …)`: `APP` is the family's crate, with a function `run`. The model alone accepts nothing until it is
/// configured; `on("board")` says on which board of the family it is; `accept(output, threshold)` accepts from the start iff raw
/// number `output` is at least `threshold`; `menu(code, "board")` decides by a menu. On the host `main` is empty, so that `cargo test` and `cargo clippy` see the whole
/// workspace.
#[macro_export]
macro_rules! entry {
    ($app:tt, $family:expr, $model:ty) => {
        $crate::entry!($app, $family, $model, on($family));
    };
    ($app:tt, $family:expr, $model:ty, on($board:expr)) => {
        $crate::entry!($app, $model, $board, $crate::trigger::Decision::NONE);
    };
    ($app:tt, $family:expr, $model:ty, accept($output:expr, $threshold:expr)) => {
        $crate::entry!(
            $app,
            $model,
            $family,
            $crate::trigger::Decision {
                output: $output,
                threshold: $threshold,
            }
        );
    };
    // What `menu!` makes: a menu of several models.
    ($app:tt, $family:expr, $model:ty, menu($code:expr, $board:expr)) => {
        // SAFETY: what starts the processor calls the one `main` after it has set up memory.
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn main() -> ! {
            const N: usize = $crate::trigger::menu_frame_capacity::<$model>();
            const K: usize = $crate::trigger::answers_stored::<$model>();
            $app::run::<$model, _, N, K>($board, $crate::trigger::built_in::<$model>($code))
        }

        #[cfg(not(target_os = "none"))]
        fn main() {}
    };
    ($app:tt, $model:ty, $board:expr, $decision:expr) => {
        // SAFETY: what starts the processor calls the one `main` after it has set up memory.
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn main() -> ! {
            const N: usize = $crate::trigger::frame_capacity::<$model>();
            const K: usize = $crate::trigger::answers_stored::<$model>();
            let judge = $crate::trigger::ByThreshold::from($decision);
            $app::run::<$model, _, N, K>($board, judge)
        }

        #[cfg(not(target_os = "none"))]
        fn main() {}
    };
}
