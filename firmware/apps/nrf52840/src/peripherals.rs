//! Serial port, pins and timer (nRF52840 product specification 1.7, 6.9, 6.30 and 6.33).

use core::convert::Infallible;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embedded_hal::digital::{self, OutputPin};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_app_support::{Ring, sleep};
use hodoscope_trigger::Clock;

use crate::map::*;

/// Speed of the link: 460,800 baud as the makers give it, 0.8 % below.
const BAUD_460800: u32 = 0x0740_0000;
/// The UART without direct memory access: it holds six bytes, and its interrupt takes them as they come.
const UART_ON: u32 = 4;
const UART_OFF: u32 = 0;
const RECEIVED: u32 = 1 << 2;

/// Pins of port 0.
const TXD: u32 = 6;
const RXD: u32 = 8;
/// Input connected, pulled up: an open one is quiet.
const INPUT_PULLED_UP: u32 = 0b11 << 2;

/// Bytes that wait for the event loop.
pub const RING: usize = 4096;
static RECEIVED_BYTES: Ring<RING> = Ring::new();

/// The interrupt of UART 0.
#[derive(Clone, Copy)]
struct Uart0;

// SAFETY: that is the number of UART 0's interrupt on these chips.
unsafe impl InterruptNumber for Uart0 {
    fn number(self) -> u16 {
        UART0_INTERRUPT as u16
    }
}

/// What the interrupt of UART 0 does.
pub fn receive() {
    while UART0_EVENTS_RXDRDY.read() != 0 {
        // Before the byte is taken: taking it brings the next one, with its event.
        UART0_EVENTS_RXDRDY.write(0);
        RECEIVED_BYTES.push(UART0_RXD.read() as u8);
    }
}

/// Lets both pins be outputs, BUSY up and ACCEPT low from the first moment on: before anything else.
pub fn start_pins() {
    P1_OUTSET.write(1 << BUSY);
    P1_OUTCLR.write(1 << ACCEPT);
    P1_DIRSET.write(1 << ACCEPT | 1 << BUSY);
}

/// UART 0 on P0.06 and P0.08.
pub struct Uart(());

impl Uart {
    pub fn start() -> Self {
        P0_OUTSET.write(1 << TXD);
        P0_DIRSET.write(1 << TXD);
        P0_PIN_CNF8.write(INPUT_PULLED_UP);
        UART0_ENABLE.write(UART_OFF);
        UART0_PSEL_TXD.write(TXD);
        UART0_PSEL_RXD.write(RXD);
        UART0_BAUDRATE.write(BAUD_460800);
        UART0_ENABLE.write(UART_ON);
        UART0_EVENTS_RXDRDY.write(0);
        UART0_EVENTS_TXDRDY.write(0);
        UART0_INTENSET.write(RECEIVED);
        UART0_TASKS_STARTRX.write(1);
        UART0_TASKS_STARTTX.write(1);
        // SAFETY: the handler shares nothing but a ring with the event loop, and no critical section
        // has begun.
        unsafe { NVIC::unmask(Uart0) };
        Self(())
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
            UART0_TXD.write(byte.into());
            while UART0_EVENTS_TXDRDY.read() == 0 {}
            UART0_EVENTS_TXDRDY.write(0);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        // Each byte has left when the call is back.
        Ok(())
    }
}

/// Timer 0: 32 bits at 16 MHz.
pub struct Timer(());

impl Timer {
    pub fn start() -> Self {
        TIMER0_BITMODE.write(3);
        TIMER0_PRESCALER.write(0);
        TIMER0_TASKS_START.write(1);
        Self(())
    }
}

impl Clock for Timer {
    fn ticks_per_second(&self) -> u32 {
        16_000_000
    }

    #[inline(always)]
    fn now(&mut self) -> u32 {
        TIMER0_TASKS_CAPTURE0.write(1);
        TIMER0_CC0.read()
    }
}

/// A pin of port 1.
pub struct Pin<const BIT: u32>;

/// P1.01: the kit's D0.
pub type Accept = Pin<ACCEPT>;
const ACCEPT: u32 = 1;
/// P1.02: the kit's D1.
pub type Busy = Pin<BUSY>;
const BUSY: u32 = 2;

impl<const BIT: u32> digital::ErrorType for Pin<BIT> {
    type Error = Infallible;
}

impl<const BIT: u32> OutputPin for Pin<BIT> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        P1_OUTCLR.write(1 << BIT);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        P1_OUTSET.write(1 << BIT);
        Ok(())
    }
}
