//! Start, serve, restart.

use embedded_hal::digital::OutputPin;
use hodoscope_app_support::{Image, Markers, credit, reset};
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{About, Judge, Parts, Reset, Trigger};

use crate::clock::{self, IO_BANK0, PADS_BANK0, release};
use crate::map::UART0_INTERRUPT;
use crate::peripherals::{ACCEPT, BUSY, Pin, RING, Ticks, Uart, receive, start_pins};

/// What the boot ROM looks for in the first 4 KiB of flash: that this is a program for a secure Arm core of an RP2350 (datasheet, 5.9).
///
/// A block of items between two markers: one of the image's type, the last one with the sum of the items' lengths, and a link to the next
/// block, which is this one.
// SAFETY: the linker puts the section behind the vector table, and nothing reads it but the boot ROM.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE_DEFINITION: [u32; 5] = [
    0xffff_ded3,
    // Executable, secure, Arm, RP2350; one word; the item's kind.
    0x1021 << 16 | 1 << 8 | 0x42,
    1 << 8 | 0xff,
    0,
    0xab12_3579,
];

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
    let (Some(link), Some(clock)) = (Uart::start(), Ticks::start()) else {
        restart();
    };
    let about = About {
        app: "pico2",
        board,
        credit: credit(RING, N),
        reset: reset::take(Reset::Unknown),
    };
    let parts = Parts {
        link,
        busy: Pin::<BUSY>,
        accept: Pin::<ACCEPT>,
        clock,
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
    clock::restart()
}

hodoscope_app_support::faults!(UART0_INTERRUPT, receive, restart);
