//! Serial port, pins and counter (RP2350 datasheet, chapters 3, 9 and 12).

use core::convert::Infallible;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embedded_hal::digital::{self, OutputPin};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_app_support::{Ring, sleep};
use hodoscope_trigger::Clock;

use crate::clock::{CLOCK_HZ, TIMER0, UART0, release};
use crate::map::*;

/// Speed of the link.
const BAUD: u32 = 460_800;

const SENDING: u32 = 1 << 3;
const EMPTY: u32 = 1 << 4;
const FULL: u32 = 1 << 5;
/// A byte was received, or none came for a while.
const RECEIVED: u32 = 1 << 4 | 1 << 6;

/// Bytes that wait for the event loop.
pub const RING: usize = 8192;
static RECEIVED_BYTES: Ring<RING> = Ring::new();

/// The interrupt of UART 0.
#[derive(Clone, Copy)]
struct Uart0;

// SAFETY: that is the number of UART 0's interrupt on this chip.
unsafe impl InterruptNumber for Uart0 {
    fn number(self) -> u16 {
        UART0_INTERRUPT as u16
    }
}

/// What the interrupt of UART 0 does.
pub fn receive() {
    UART0_UARTICR.write(RECEIVED);
    while UART0_UARTFR.read() & EMPTY == 0 {
        RECEIVED_BYTES.push(UART0_UARTDR.read() as u8);
    }
}

/// Gives a pin to a function: 2 is the UART, 5 the processor.
fn give(pad: Register, control: Register, function: u32, pull_up: bool) {
    control.write(function);
    // Input on, output not disabled, drive of 4 mA, Schmitt trigger; no longer isolated, as pads are from a reset on.
    pad.write(1 << 6 | 1 << 4 | 1 << 1 | u32::from(pull_up) << 3);
}

/// Lets both pins be outputs, BUSY up and ACCEPT low from the first moment on.
pub fn start_pins() {
    SIO_GPIO_OUT_SET.write(1 << BUSY);
    SIO_GPIO_OUT_CLR.write(1 << ACCEPT);
    SIO_GPIO_OE_SET.write(1 << ACCEPT | 1 << BUSY);
    give(PADS_BANK0_GPIO25, IO_BANK0_GPIO25_CTRL, 5, false);
    give(PADS_BANK0_GPIO15, IO_BANK0_GPIO15_CTRL, 5, false);
}

/// UART 0 on GP0 and GP1.
pub struct Uart(());

impl Uart {
    /// Starts it: nothing when it does not come out of reset.
    pub fn start() -> Option<Self> {
        if !release(UART0) {
            return None;
        }
        give(PADS_BANK0_GPIO0, IO_BANK0_GPIO0_CTRL, 2, false);
        // The receiver's pin is pulled up: an open one is quiet.
        give(PADS_BANK0_GPIO1, IO_BANK0_GPIO1_CTRL, 2, true);
        // 64ths of the clock's sixteenth; written before the line's form, which takes both over.
        let divisor = (4 * CLOCK_HZ + BAUD / 2) / BAUD;
        UART0_UARTIBRD.write(divisor / 64);
        UART0_UARTFBRD.write(divisor % 64);
        // Eight bits, queues on; an interrupt from an eighth of them.
        UART0_UARTLCR_H.write(0b11 << 5 | 1 << 4);
        UART0_UARTIFLS.write(0);
        UART0_UARTIMSC.write(RECEIVED);
        UART0_UARTCR.write(1 << 9 | 1 << 8 | 1);
        // SAFETY: the handler shares nothing but a ring with the event loop, and no critical section
        // has begun.
        unsafe { NVIC::unmask(Uart0) };
        Some(Self(()))
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        Ok(RECEIVED_BYTES.read(buffer, || sleep(&RECEIVED_BYTES)))
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!RECEIVED_BYTES.is_empty())
    }
}

impl Write for Uart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for &byte in buffer {
            while UART0_UARTFR.read() & FULL != 0 {}
            UART0_UARTDR.write(byte.into());
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while UART0_UARTFR.read() & SENDING != 0 {}
        Ok(())
    }
}

/// Timer 0, which counts the processor's clock: 32 bits of it.
pub struct Ticks(());

impl Ticks {
    /// Starts it: nothing when it does not come out of reset.
    pub fn start() -> Option<Self> {
        if !release(TIMER0) {
            return None;
        }
        TIMER0_SOURCE.write(1);
        Some(Self(()))
    }
}

impl Clock for Ticks {
    fn ticks_per_second(&self) -> u32 {
        CLOCK_HZ
    }

    #[inline(always)]
    fn now(&mut self) -> u32 {
        TIMER0_TIMERAWL.read()
    }
}

/// The Pico's LED.
pub const ACCEPT: u32 = 25;
pub const BUSY: u32 = 15;

/// A pin of the processor.
pub struct Pin<const BIT: u32>;

impl<const BIT: u32> digital::ErrorType for Pin<BIT> {
    type Error = Infallible;
}

impl<const BIT: u32> OutputPin for Pin<BIT> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        SIO_GPIO_OUT_CLR.write(1 << BIT);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        SIO_GPIO_OUT_SET.write(1 << BIT);
        Ok(())
    }
}
