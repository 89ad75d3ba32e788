//! Start, serve, restart.

use cortex_m::peripheral::SCB;
use embedded_hal::digital::OutputPin;
use hodoscope_app_support::{Image, Markers, credit, reset};
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{About, Judge, Parts, Trigger};

use crate::clock;
use crate::map::USART3_INTERRUPT;
use crate::peripherals::{Accept, Busy, RING, Timer, Usart, receive, start_pins};

/// Serves `M` over USART3, then restarts.
pub fn run<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> ! {
    // Until it can take events, it is busy.
    start_pins();
    let clocks = clock::start();
    let about = About {
        app: "stm32h7",
        board,
        credit: credit(RING, N),
        reset: reset::take(clock::reset()),
    };
    let parts = Parts {
        link: Usart::start(clocks),
        busy: Busy,
        accept: Accept,
        clock: Timer::start(clocks),
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
    let _ = Busy::set_high(&mut Busy);
    let _ = Accept::set_low(&mut Accept);
    SCB::sys_reset()
}

hodoscope_app_support::faults!(USART3_INTERRUPT, receive, restart);
