//! Start, serve, end.

use core::panic::PanicInfo;

use hodoscope_app_support::{Image, Markers, log_panic};
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{About, Judge, Parts, Reset, Trigger, Unconnected};

use crate::peripherals::{Cycles, Uart, exit};

/// Serves `M` over the serial port, then exits.
pub fn run<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> ! {
    let about = About {
        app: "virt",
        board,
        // An emulator or a pipe holds what the board has not read.
        credit: 8,
        // It is started anew each time.
        reset: Reset::Power,
    };
    let parts = Parts {
        link: Uart::start(),
        busy: Unconnected,
        accept: Unconnected,
        clock: Cycles,
        probe: Markers,
        guard: Image,
    };
    let mut trigger = Trigger::<M, J, _, _, _, _, _, _, N, K, { cfg!(feature = "trace") }>::new(
        about, parts, judge,
    );
    match trigger.run() {
        Ok(_) => exit(0),
        Err(_fault) => {
            #[cfg(feature = "defmt")]
            defmt::error!("{}", _fault);
            exit(1)
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    log_panic(info);
    exit(1)
}

/// Every exception ends the firmware.
// SAFETY: the run-time crate calls the one symbol of this name on an exception.
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn exception(_frame: &riscv_rt::TrapFrame) -> ! {
    #[cfg(feature = "defmt")]
    defmt::error!(
        "exception {=usize} at {=usize:#010x}",
        riscv::register::mcause::read().code(),
        riscv::register::mepc::read()
    );
    exit(1)
}
