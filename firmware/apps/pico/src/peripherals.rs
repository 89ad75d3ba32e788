//! Serial port, pins and counter (RP2040 datasheet, 2.3.1, 2.19, 4.2).

use core::convert::Infallible;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embedded_hal::digital::{self, OutputPin};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_app_support::{Ring, sleep};
use hodoscope_trigger::Clock;

use crate::clock::{CLOCK_HZ, UART0, release};
use crate::register::Register;

/// Speed of the link.
const BAUD: u32 = 460_800;

const IO_BANK0: usize = 0x4001_4000;
const PADS_BANK0: usize = 0x4001_c000;
const SIO: usize = 0xd000_0000;
const OUT_SET: Register = Register(SIO + 0x14);
const OUT_CLEAR: Register = Register(SIO + 0x18);
const ENABLE_SET: Register = Register(SIO + 0x24);
const UART: usize = 0x4003_4000;
const UARTDR: Register = Register(UART);
const UARTFR: Register = Register(UART + 0x18);
const UARTIBRD: Register = Register(UART + 0x24);
const UARTFBRD: Register = Register(UART + 0x28);
const UARTLCR_H: Register = Register(UART + 0x2c);
const UARTCR: Register = Register(UART + 0x30);
const UARTIFLS: Register = Register(UART + 0x34);
const UARTIMSC: Register = Register(UART + 0x38);
const UARTICR: Register = Register(UART + 0x44);
const TIMERAWL: Register = Register(0x4005_4028);
const WATCHDOG_TICK: Register = Register(0x4005_802c);
const SYST_CSR: Register = Register(0xe000_e010);
const SYST_RVR: Register = Register(0xe000_e014);
const SYST_CVR: Register = Register(0xe000_e018);

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

pub const UART0_INTERRUPT: i16 = 20;

/// What the interrupt of UART 0 does.
pub fn receive() {
    UARTICR.write(RECEIVED);
    while UARTFR.read() & EMPTY == 0 {
        RECEIVED_BYTES.push(UARTDR.read() as u8);
    }
}

/// Gives a pin to a function: 2 is the UART, 5 the processor.
fn give(pin: usize, function: u32) {
    // Input on, output not disabled, drive of 4 mA, Schmitt trigger; an input is pulled up.
    let pull_up = u32::from(pin == 1) << 3;
    Register(PADS_BANK0 + 4 + 4 * pin).write(1 << 6 | 1 << 4 | 1 << 1 | pull_up);
    Register(IO_BANK0 + 4 + 8 * pin).write(function);
}

/// Lets both pins be outputs, BUSY up and ACCEPT low from the first moment on.
pub fn start_pins() {
    OUT_SET.write(1 << BUSY);
    OUT_CLEAR.write(1 << ACCEPT);
    ENABLE_SET.write(1 << ACCEPT | 1 << BUSY);
    give(ACCEPT as usize, 5);
    give(BUSY as usize, 5);
}

/// UART 0 on GP0 and GP1.
pub struct Uart(());

impl Uart {
    /// Starts it: nothing when it does not come out of reset.
    pub fn start() -> Option<Self> {
        if !release(UART0) {
            return None;
        }
        give(0, 2);
        give(1, 2);
        // 64ths of the clock's sixteenth; written before the line's form, which takes both over.
        let divisor = (4 * CLOCK_HZ + BAUD / 2) / BAUD;
        UARTIBRD.write(divisor / 64);
        UARTFBRD.write(divisor % 64);
        // Eight bits, queues on; an interrupt from an eighth of them.
        UARTLCR_H.write(0b11 << 5 | 1 << 4);
        UARTIFLS.write(0);
        UARTIMSC.write(RECEIVED);
        UARTCR.write(1 << 9 | 1 << 8 | 1);
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
            while UARTFR.read() & FULL != 0 {}
            UARTDR.write(byte.into());
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while UARTFR.read() & SENDING != 0 {}
        Ok(())
    }
}

/// SysTick, at the processor's clock, and the timer of microseconds, which tells how often its 24 bits have wrapped.
pub struct Ticks {
    last: u32,
    last_us: u32,
    count: u32,
}

const TICKS: u32 = 0xff_ffff;
const PER_US: u32 = CLOCK_HZ / 1_000_000;

impl Ticks {
    pub fn start() -> Self {
        // A microsecond is twelve periods of the crystal.
        WATCHDOG_TICK.write(1 << 9 | 12);
        SYST_RVR.write(TICKS);
        SYST_CVR.write(0);
        SYST_CSR.write(0b101);
        Self {
            last: SYST_CVR.read(),
            last_us: TIMERAWL.read(),
            count: 0,
        }
    }
}

impl Clock for Ticks {
    fn ticks_per_second(&self) -> u32 {
        CLOCK_HZ
    }

    #[inline(always)]
    fn now(&mut self) -> u32 {
        let (value, us) = (SYST_CVR.read(), TIMERAWL.read());
        // It counts down.
        let fine = self.last.wrapping_sub(value) & TICKS;
        let coarse = us.wrapping_sub(self.last_us).wrapping_mul(PER_US);
        let wraps = coarse.wrapping_sub(fine).wrapping_add(TICKS / 2) & !TICKS;
        self.count = self.count.wrapping_add(fine).wrapping_add(wraps);
        (self.last, self.last_us) = (value, us);
        self.count
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
        OUT_CLEAR.write(1 << BIT);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        OUT_SET.write(1 << BIT);
        Ok(())
    }
}
