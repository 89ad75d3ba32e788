//! Start, serve, restart.

use cortex_m::peripheral::SCB;
use embedded_hal::digital::OutputPin;
use hodoscope_app_support::{Image, Markers, credit, reset};
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{About, Judge, Parts, Reset, Trigger};

use crate::clock::{self, IO_BANK0, PADS_BANK0, release};
use crate::peripherals::{
    ACCEPT, BUSY, Pin, RING, Ticks, UART0_INTERRUPT, Uart, receive, start_pins,
};

/// The second stage of the boot: it sets up the flash.
// SAFETY: the linker puts the section where the boot ROM looks for it, and nothing else.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// Serves `M` over UART 0, then restarts.
pub fn run<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> ! {
    if !release(IO_BANK0 | PADS_BANK0) {
        restart();
    }
    // Until it can take events, it is busy.
    start_pins();
    if !clock::start() {
        restart();
    }
    let Some(link) = Uart::start() else {
        restart();
    };
    let about = About {
        app: "pico",
        board,
        credit: credit(RING, N),
        reset: reset::take(Reset::Unknown),
    };
    let parts = Parts {
        link,
        busy: Pin::<BUSY>,
        accept: Pin::<ACCEPT>,
        clock: Ticks::start(),
        probe: Markers,
        guard: Image,
    };
    let mut trigger = Trigger::<M, J, _, _, _, _, _, _, N, K, { cfg!(feature = "trace") }>::new(
        about, parts, judge,
    );
    reset::leave_end(trigger.run());
    restart()
}

/// No event is accepted or taken any more, and the chip starts again.
fn restart() -> ! {
    let _ = Pin::<BUSY>.set_high();
    let _ = Pin::<ACCEPT>.set_low();
    SCB::sys_reset()
}

hodoscope_app_support::faults!(UART0_INTERRUPT, receive, restart);
