//! Serve, end.

use core::fmt::Write;
use core::panic::PanicInfo;

use hodoscope_app_support::Markers;
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{About, Judge, Parts, Reset, Trigger};

use crate::peripherals::{Accept, Busy, Cycles, Link, Log, exit};

/// Serves `M` over the link, then exits.
pub fn run<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> ! {
    let about = About {
        app: "softcore",
        board,
        // An emulator or a pipe holds what the board has not read.
        credit: 8,
        // It is started anew each time.
        reset: Reset::Power,
    };
    let parts = Parts {
        link: Link,
        busy: Busy,
        accept: Accept,
        clock: Cycles,
        probe: Markers,
        // Events wait while the testbench's clock stands still: there is no pause to look after memory in.
        guard: (),
    };
    let mut trigger = Trigger::<M, J, _, _, _, _, _, _, N, K, { cfg!(feature = "trace") }>::new(
        about, parts, judge,
    );
    match trigger.run() {
        Ok(_) => exit(0),
        Err(fault) => {
            // The log takes everything.
            let _ = writeln!(Log, "{fault}");
            exit(1)
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let _ = writeln!(Log, "{info}");
    exit(1)
}

/// Every exception ends the firmware.
// SAFETY: the start-up code calls the one symbol of this name on an exception.
#[unsafe(export_name = "_exception")]
extern "C" fn exception(cause: u32, address: u32) -> ! {
    let _ = writeln!(Log, "exception {cause} at {address:#010x}");
    exit(1)
}
