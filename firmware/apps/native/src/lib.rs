//! App that runs on the host, its link on standard input and output.
//!
//! ```no_run
//! hodoscope_app_native::app!(hodoscope_app_toy::Toy);
//! ```

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use hodoscope_app_support::Markers;
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{About, Clock, Fault, Judge, Parts, Reset, Trigger, Unconnected};

#[doc(hidden)]
pub use hodoscope_app_support as support;
#[doc(hidden)]
pub use hodoscope_trigger as trigger;

/// Defines `main`, which serves a model on standard input and output.
///
/// `app!(Model)` accepts nothing until it is configured; `app!(Model, on("board"))` says on which board of
/// the family it is; `app!(Model, accept(output, threshold))`
/// accepts from the start what [`Decision`](trigger::Decision) says; `app!(Model, menu(code, "board"))` decides by a menu.
#[macro_export]
macro_rules! app {
    ($model:ty) => {
        $crate::app!($model, on("native"));
    };
    ($model:ty, on($board:expr)) => {
        $crate::app!($model, $board, $crate::trigger::Decision::NONE);
    };
    ($model:ty, accept($output:expr, $threshold:expr)) => {
        $crate::app!(
            $model,
            "native",
            $crate::trigger::Decision {
                output: $output,
                threshold: $threshold,
            }
        );
    };
    ($model:ty, menu($code:expr, $board:expr)) => {
        fn main() -> ::std::process::ExitCode {
            const N: usize = $crate::trigger::menu_frame_capacity::<$model>();
            const K: usize = $crate::trigger::answers_stored::<$model>();
            $crate::run::<$model, _, N, K>($board, $crate::trigger::built_in::<$model>($code))
        }
    };
    ($model:ty, $board:expr, $decision:expr) => {
        fn main() -> ::std::process::ExitCode {
            const N: usize = $crate::trigger::frame_capacity::<$model>();
            const K: usize = $crate::trigger::answers_stored::<$model>();
            let judge = $crate::trigger::ByThreshold::from($decision);
            $crate::run::<$model, _, N, K>($board, judge)
        }
    };
}

/// Serves `M` until its end: 0 when it was asked to end or the input ended, 1 after a fault.
#[must_use]
pub fn run<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> std::process::ExitCode {
    match serve::<M, J, N, K>(board, judge) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn serve<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> Result<(), Fault> {
    let about = About {
        app: "native",
        board,
        // An emulator or a pipe holds what the board has not read.
        credit: 8,
        reset: Reset::Power,
    };
    let parts = Parts {
        link: Stdio {
            input: io::stdin().lock(),
            output: io::BufWriter::new(io::stdout().lock()),
        },
        busy: Unconnected,
        accept: Unconnected,
        clock: Nanoseconds(Instant::now()),
        probe: Markers,
        // What guards the memory of a process is its system.
        guard: (),
    };
    let mut trigger = Trigger::<M, J, _, _, _, _, _, _, N, K, { cfg!(feature = "trace") }>::new(
        about, parts, judge,
    );
    trigger.run().map(|_| ())
}

/// Standard input and output.
struct Stdio {
    input: io::StdinLock<'static>,
    output: io::BufWriter<io::StdoutLock<'static>>,
}

impl ErrorType for Stdio {
    type Error = ErrorKind;
}

impl Read for Stdio {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.input.read(buffer).map_err(kind)
    }
}

impl ReadReady for Stdio {
    /// There is no guarded memory to look after until then.
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(true)
    }
}

impl Write for Stdio {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, ErrorKind> {
        self.output.write(buffer).map_err(kind)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.output.flush().map_err(kind)
    }
}

fn kind(error: io::Error) -> ErrorKind {
    error.kind().into()
}

/// Nanoseconds since the start.
struct Nanoseconds(Instant);

impl Clock for Nanoseconds {
    fn ticks_per_second(&self) -> u32 {
        1_000_000_000
    }

    fn now(&mut self) -> u32 {
        self.0.elapsed().as_nanos() as u32
    }
}
