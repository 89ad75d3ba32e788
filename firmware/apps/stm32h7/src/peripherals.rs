//! Serial port, pins and timer (RM0433).

use core::convert::Infallible;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embedded_hal::digital::{self, OutputPin};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_app_support::{Ring, sleep};
use hodoscope_trigger::Clock;

use crate::clock::Clocks;
use crate::map::*;

/// Speed of the link: right within 1 % from either clock.
const BAUD: u32 = 460_800;

/// A byte was received, or one was lost.
const RECEIVED: u32 = 1 << 5;
const LOST: u32 = 1 << 3;
const SENT: u32 = 1 << 6;
const ROOM: u32 = 1 << 7;
/// Interrupt of a byte, transmitter, receiver, all of it.
const USART_ON: u32 = 1 << 5 | 1 << 3 | 1 << 2 | 1;

/// Bytes that wait for the event loop.
pub const RING: usize = 4096;
static RECEIVED_BYTES: Ring<RING> = Ring::new();

/// The interrupt of USART3.
#[derive(Clone, Copy)]
struct Usart3;

// SAFETY: that is the number of USART3's interrupt on these chips.
unsafe impl InterruptNumber for Usart3 {
    fn number(self) -> u16 {
        USART3_INTERRUPT as u16
    }
}

/// What the interrupt of USART3 does.
pub fn receive() {
    USART3_ICR.write(LOST);
    if USART3_ISR.read() & RECEIVED != 0 {
        RECEIVED_BYTES.push(USART3_RDR.read() as u8);
    }
}

/// Lets both pins be outputs, BUSY up and ACCEPT low from the first moment on: before anything else.
pub fn start_pins() {
    // Ports B and D.
    RCC_AHB4ENR.modify(0, 1 << 1 | 1 << 3);
    // The bus needs two cycles before the ports answer.
    let _ = RCC_AHB4ENR.read();
    let _ = Busy.set_high();
    let _ = Accept.set_low();
    GPIOB_MODER.modify(0b11 << (2 * ACCEPT), 0b01 << (2 * ACCEPT));
    GPIOD_MODER.modify(0b11 << (2 * BUSY), 0b01 << (2 * BUSY));
}

/// USART3 on PD8 and PD9.
pub struct Usart(());

impl Usart {
    pub fn start(clocks: Clocks) -> Self {
        RCC_APB1LENR.modify(0, 1 << 18);
        let _ = RCC_APB1LENR.read();
        GPIOD_MODER.modify(0b1111 << 16, 0b1010 << 16);
        // The receiver's pin is pulled up: an open one is quiet.
        GPIOD_PUPDR.modify(0b11 << 18, 0b01 << 18);
        // Alternate function 7.
        GPIOD_AFRH.modify(0xff, 0x77);
        USART3_BRR.write((clocks.apb1_hz + BAUD / 2) / BAUD);
        USART3_CR1.write(USART_ON);
        // SAFETY: the handler shares nothing but a ring with the event loop, and no critical section
        // has begun.
        unsafe { NVIC::unmask(Usart3) };
        Self(())
    }
}

impl ErrorType for Usart {
    type Error = Infallible;
}

impl Read for Usart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        Ok(RECEIVED_BYTES.read(buffer, || sleep(&RECEIVED_BYTES)))
    }
}

impl ReadReady for Usart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!RECEIVED_BYTES.is_empty())
    }
}

impl Write for Usart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for &byte in buffer {
            while USART3_ISR.read() & ROOM == 0 {}
            USART3_TDR.write(byte.into());
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while USART3_ISR.read() & SENT == 0 {}
        Ok(())
    }
}

/// Timer 2: 32 bits.
pub struct Timer(u32);

impl Timer {
    pub fn start(clocks: Clocks) -> Self {
        RCC_APB1LENR.modify(0, 1);
        let _ = RCC_APB1LENR.read();
        TIM2_PSC.write(0);
        TIM2_ARR.write(u32::MAX);
        TIM2_EGR.write(1);
        TIM2_CR1.write(1);
        Self(clocks.timer_hz)
    }
}

impl Clock for Timer {
    fn ticks_per_second(&self) -> u32 {
        self.0
    }

    #[inline(always)]
    fn now(&mut self) -> u32 {
        TIM2_CNT.read()
    }
}

/// PB0: the Nucleo's LED LD1.
pub struct Accept;
const ACCEPT: u32 = 0;
/// PD14: the Nucleo's D10.
pub struct Busy;
const BUSY: u32 = 14;

impl digital::ErrorType for Accept {
    type Error = Infallible;
}

impl OutputPin for Accept {
    fn set_low(&mut self) -> Result<(), Infallible> {
        GPIOB_BSRR.write(1 << (ACCEPT + 16));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        GPIOB_BSRR.write(1 << ACCEPT);
        Ok(())
    }
}

impl digital::ErrorType for Busy {
    type Error = Infallible;
}

impl OutputPin for Busy {
    fn set_low(&mut self) -> Result<(), Infallible> {
        GPIOD_BSRR.write(1 << (BUSY + 16));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        GPIOD_BSRR.write(1 << BUSY);
        Ok(())
    }
}
