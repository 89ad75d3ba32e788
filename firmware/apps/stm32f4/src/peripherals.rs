//! Serial port, pins and timer (RM0390 and RM0090).

use core::convert::Infallible;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embedded_hal::digital::{self, OutputPin};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_app_support::{Ring, sleep};
use hodoscope_trigger::Clock;

use crate::clock::{Clocks, RCC_AHB1ENR, RCC_APB1ENR};
use crate::register::Register;

/// Speed of the link: right within 1 % from either clock.
const BAUD: u32 = 460_800;

const PORT_A: usize = 0x4002_0000;
const PORT_B: usize = 0x4002_0400;
const USART2: usize = 0x4000_4400;
const USART2_SR: Register = Register(USART2);
const USART2_DR: Register = Register(USART2 + 0x04);
const USART2_BRR: Register = Register(USART2 + 0x08);
const USART2_CR1: Register = Register(USART2 + 0x0c);
const TIM2: usize = 0x4000_0000;
const TIM2_CR1: Register = Register(TIM2);
const TIM2_EGR: Register = Register(TIM2 + 0x14);
const TIM2_CNT: Register = Register(TIM2 + 0x24);
const TIM2_PSC: Register = Register(TIM2 + 0x28);
const TIM2_ARR: Register = Register(TIM2 + 0x2c);

/// A byte was received, or one was lost: both are cleared by reading it.
const RECEIVED: u32 = 1 << 5 | 1 << 3;
const SENT: u32 = 1 << 6;
const ROOM: u32 = 1 << 7;
const USART_ON: u32 = 1 << 13 | 1 << 5 | 1 << 3 | 1 << 2;

/// Bytes that wait for the event loop.
pub const RING: usize = 4096;
static RECEIVED_BYTES: Ring<RING> = Ring::new();

/// The interrupt of USART2.
#[derive(Clone, Copy)]
struct Usart2;

// SAFETY: that is the number of USART2's interrupt on these chips.
unsafe impl InterruptNumber for Usart2 {
    fn number(self) -> u16 {
        USART2_INTERRUPT as u16
    }
}

pub const USART2_INTERRUPT: i16 = 38;

/// What the interrupt of USART2 does.
pub fn receive() {
    if USART2_SR.read() & RECEIVED != 0 {
        RECEIVED_BYTES.push(USART2_DR.read() as u8);
    }
}

/// Sets the two bits of each of these pins.
fn pins(register: usize, pins: &[u32], value: u32) {
    for pin in pins {
        Register(register).modify(0b11 << (2 * pin), value << (2 * pin));
    }
}

/// Lets both pins be outputs, BUSY up and ACCEPT low from the first moment on: before anything else.
pub fn start_pins() {
    RCC_AHB1ENR.modify(0, 0b11);
    // The bus needs two cycles before the ports answer.
    let _ = RCC_AHB1ENR.read();
    let _ = Busy::set_high(&mut Pin);
    let _ = Accept::set_low(&mut Pin);
    pins(PORT_A, &[5], 0b01);
    pins(PORT_B, &[6], 0b01);
}

/// USART2 on PA2 and PA3.
pub struct Usart(());

impl Usart {
    pub fn start(clocks: Clocks) -> Self {
        RCC_APB1ENR.modify(0, 1 << 17);
        let _ = RCC_APB1ENR.read();
        pins(PORT_A, &[2, 3], 0b10);
        // The receiver's pin is pulled up: an open one is quiet.
        pins(PORT_A + 0x0c, &[3], 0b01);
        // Alternate function 7.
        Register(PORT_A + 0x20).modify(0xff << 8, 0x77 << 8);
        USART2_BRR.write((clocks.apb1_hz + BAUD / 2) / BAUD);
        USART2_CR1.write(USART_ON);
        // SAFETY: the handler shares nothing but a ring with the event loop, and no critical section
        // has begun.
        unsafe { NVIC::unmask(Usart2) };
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
            while USART2_SR.read() & ROOM == 0 {}
            USART2_DR.write(byte.into());
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while USART2_SR.read() & SENT == 0 {}
        Ok(())
    }
}

/// Timer 2: 32 bits.
pub struct Timer(u32);

impl Timer {
    pub fn start(clocks: Clocks) -> Self {
        RCC_APB1ENR.modify(0, 1);
        let _ = RCC_APB1ENR.read();
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

/// A pin of a port.
pub struct Pin<const PORT: usize, const BIT: u32>;

/// PA5: the Nucleo's LED LD2.
pub type Accept = Pin<PORT_A, 5>;
/// PB6: the Nucleo's D10.
pub type Busy = Pin<PORT_B, 6>;

impl<const PORT: usize, const BIT: u32> digital::ErrorType for Pin<PORT, BIT> {
    type Error = Infallible;
}

impl<const PORT: usize, const BIT: u32> OutputPin for Pin<PORT, BIT> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Register(PORT + 0x18).write(1 << (BIT + 16));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Register(PORT + 0x18).write(1 << BIT);
        Ok(())
    }
}
