//! App that runs on the host, its link on standard input and output.
//!
//! ```no_run
//! hodoscope_app_native::app!(hodoscope_app_toy::Toy);
//! ```

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use hodoscope_app_support::Markers;
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{Clock, Decision, Fault, Parts, Trigger, Unconnected};

#[doc(hidden)]
pub use hodoscope_trigger as trigger;

/// Defines `main`, which serves a model on standard input and output.
///
/// `app!(Model)` accepts nothing until it is configured; `app!(Model, accept(output, threshold))`
/// accepts from the start what [`Decision`] says.
#[macro_export]
macro_rules! app {
    ($model:ty) => {
        $crate::app!($model, $crate::trigger::Decision::NONE);
    };
    ($model:ty, accept($output:expr, $threshold:expr)) => {
        $crate::app!(
            $model,
            $crate::trigger::Decision {
                output: $output,
                threshold: $threshold,
            }
        );
    };
    ($model:ty, $decision:expr) => {
        fn main() -> ::std::process::ExitCode {
            const N: usize = $crate::trigger::frame_capacity::<$model>();
            $crate::run::<$model, N>($decision)
        }
    };
}

/// Serves `M` until its end: 0 when it was asked to end or the input ended, 1 after a fault.
#[must_use]
pub fn run<M: Model, const N: usize>(decision: Decision) -> std::process::ExitCode {
    match serve::<M, N>(decision) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn serve<M: Model, const N: usize>(decision: Decision) -> Result<(), Fault> {
    let parts = Parts {
        link: Stdio {
            input: io::stdin().lock(),
            output: io::BufWriter::new(io::stdout().lock()),
        },
        busy: Unconnected,
        accept: Unconnected,
        clock: Nanoseconds(Instant::now()),
        probe: Markers,
    };
    let mut trigger =
        Trigger::<M, _, _, _, _, _, N, { cfg!(feature = "trace") }>::new("native", parts, decision);
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
