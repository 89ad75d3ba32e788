//! Start, serve, end.

use core::panic::PanicInfo;

use cortex_m_rt::ExceptionFrame;
use hodoscope_app_support::{Image, Markers, log_panic};
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{About, Judge, Parts, Reset, Trigger};

use crate::peripherals::{Led, Timer, Uart};

/// Serves `M` over UART 0, then exits through semihosting.
pub fn run<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> ! {
    let about = About {
        app: "mps2",
        board,
        // An emulator or a pipe holds what the board has not read.
        credit: 8,
        // It is started anew each time.
        reset: Reset::Power,
    };
    let parts = Parts {
        link: Uart::start(),
        busy: Led::<1>,
        accept: Led::<0>,
        clock: Timer::start(),
        probe: Markers,
        guard: Image,
    };
    let mut trigger = Trigger::<M, J, _, _, _, _, _, _, N, K, { cfg!(feature = "trace") }>::new(
        about, parts, judge,
    );
    match trigger.run() {
        Ok(_) => semihosting::process::exit(0),
        Err(_fault) => {
            #[cfg(feature = "defmt")]
            defmt::error!("{}", _fault);
            semihosting::process::exit(1)
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    log_panic(info);
    semihosting::process::exit(1)
}

// SAFETY: reads its frame and ends; nothing that was interrupted goes on.
#[cortex_m_rt::exception]
unsafe fn HardFault(_frame: &ExceptionFrame) -> ! {
    #[cfg(feature = "defmt")]
    defmt::error!("hard fault at {=u32:#010x}", _frame.pc());
    semihosting::process::exit(1)
}
