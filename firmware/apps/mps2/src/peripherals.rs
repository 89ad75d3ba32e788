//! The few peripherals of the MPS2 FPGA images that the app needs (Cortex-M System Design Kit).

use core::convert::Infallible;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embedded_hal::digital::{self, OutputPin};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_trigger::Clock;

use crate::map::{CLOCK_HZ, FPGAIO, TIMER0, UART0, UART0_RECEIVED};

const BAUD: u32 = 921_600;

/// One register.
#[derive(Clone, Copy)]
struct Register(usize);

impl Register {
    fn read(self) -> u32 {
        // SAFETY: only the addresses below are made, all of aligned, readable registers of the
        // board, and reading them disturbs no memory.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    fn write(self, value: u32) {
        // SAFETY: only the addresses below are made, all of aligned, writable registers of the
        // board, and writing them disturbs no memory.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}

const TIMER0_CTRL: Register = Register(TIMER0);
const TIMER0_VALUE: Register = Register(TIMER0 + 0x4);
const TIMER0_RELOAD: Register = Register(TIMER0 + 0x8);

const UART0_DATA: Register = Register(UART0);
const UART0_STATE: Register = Register(UART0 + 0x4);
const UART0_CTRL: Register = Register(UART0 + 0x8);
const UART0_INTCLEAR: Register = Register(UART0 + 0xc);
const UART0_BAUDDIV: Register = Register(UART0 + 0x10);
const TX_FULL: u32 = 1 << 0;
const RX_FULL: u32 = 1 << 1;
const TX_ENABLE: u32 = 1 << 0;
const RX_ENABLE: u32 = 1 << 1;
const RX_INTERRUPT_ENABLE: u32 = 1 << 3;
const RX_INTERRUPT: u32 = 1 << 1;

const FPGAIO_LED: Register = Register(FPGAIO);

/// UART 0. It holds one byte each way.
pub struct Uart(());

/// The receive interrupt of UART 0: it only wakes the processor, and is never taken.
#[derive(Clone, Copy)]
struct Received;

// SAFETY: that is the number of UART 0's receive interrupt on this board.
unsafe impl InterruptNumber for Received {
    fn number(self) -> u16 {
        UART0_RECEIVED
    }
}

impl Uart {
    pub fn start() -> Self {
        UART0_BAUDDIV.write(CLOCK_HZ / BAUD);
        UART0_CTRL.write(TX_ENABLE | RX_ENABLE | RX_INTERRUPT_ENABLE);
        cortex_m::interrupt::disable();
        // SAFETY: interrupts are disabled as a whole, hence none is taken and no critical section
        // is broken.
        unsafe { NVIC::unmask(Received) };
        Self(())
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(byte) = buffer.first_mut() else {
            return Ok(0);
        };
        // Sleep until a byte is there, rather than poll: an emulator's processor would hold the
        // lock that the byte needs to arrive.
        while UART0_STATE.read() & RX_FULL == 0 {
            UART0_INTCLEAR.write(RX_INTERRUPT);
            NVIC::unpend(Received);
            if UART0_STATE.read() & RX_FULL == 0 {
                cortex_m::asm::wfi();
            }
        }
        *byte = UART0_DATA.read() as u8;
        Ok(1)
    }
}

impl ReadReady for Uart {
    /// The UART holds a byte: it must be waited for, or the next one is lost.
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl Write for Uart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for &byte in buffer {
            while UART0_STATE.read() & TX_FULL != 0 {}
            UART0_DATA.write(u32::from(byte));
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while UART0_STATE.read() & TX_FULL != 0 {}
        Ok(())
    }
}

/// Timer 0: 32 bits at the processor's clock.
pub struct Timer(());

impl Timer {
    pub fn start() -> Self {
        TIMER0_RELOAD.write(u32::MAX);
        TIMER0_VALUE.write(u32::MAX);
        TIMER0_CTRL.write(1);
        Self(())
    }
}

impl Clock for Timer {
    fn ticks_per_second(&self) -> u32 {
        CLOCK_HZ
    }

    #[inline(always)]
    fn now(&mut self) -> u32 {
        // It counts down.
        !TIMER0_VALUE.read()
    }
}

/// A user LED.
pub struct Led<const BIT: u32>;

impl<const BIT: u32> digital::ErrorType for Led<BIT> {
    type Error = Infallible;
}

impl<const BIT: u32> OutputPin for Led<BIT> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        FPGAIO_LED.write(FPGAIO_LED.read() & !(1 << BIT));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        FPGAIO_LED.write(FPGAIO_LED.read() | 1 << BIT);
        Ok(())
    }
}
