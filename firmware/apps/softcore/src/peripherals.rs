//! The devices of `sim/rtl/memory.v`.

use core::convert::Infallible;
use core::fmt;

use embedded_hal::digital::{self, OutputPin, PinState};
use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_trigger::Clock;

const LINK: *mut u32 = 0x8000_0000 as *mut u32;
const CYCLES: *const u32 = 0x8000_0004 as *const u32;
const LOG: *mut u32 = 0x8000_0008 as *mut u32;
const EXIT: *mut u32 = 0x8000_000C as *mut u32;

const BUSY: *mut u32 = 0x8000_0010 as *mut u32;
const ACCEPT: *mut u32 = 0x8000_0014 as *mut u32;

/// What LINK reads as once the host has closed it.
const CLOSED: u32 = u32::MAX;
/// What LINK reads as when there is nothing yet.
const NOTHING: u32 = u32::MAX - 1;

/// Ends the simulation with `code`.
pub fn exit(code: u32) -> ! {
    // SAFETY: the device is there, aligned and writable, and disturbs no memory.
    unsafe { EXIT.write_volatile(code) };
    loop {
        core::hint::spin_loop();
    }
}

/// The stream to and from the host.
pub struct Link;

impl ErrorType for Link {
    type Error = Infallible;
}

impl Read for Link {
    /// One byte at a time: how many there are depends on the host's speed, and nothing that runs
    /// here may.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = buffer.first_mut() else {
            return Ok(0);
        };
        loop {
            // SAFETY: the device is there, aligned and readable, and disturbs no memory.
            match unsafe { LINK.read_volatile() } {
                NOTHING => {}
                CLOSED => return Ok(0),
                byte => {
                    *first = byte as u8;
                    return Ok(1);
                }
            }
        }
    }
}

impl ReadReady for Link {
    /// Whether there is one depends on the host's speed, and nothing that runs here may.
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl Write for Link {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for &byte in buffer {
            // SAFETY: the device is there, aligned and writable, and disturbs no memory.
            unsafe { LINK.write_volatile(byte.into()) };
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// High while an event is worked on.
pub struct Busy;

/// High after an accepted event, until the next.
pub struct Accept;

impl digital::ErrorType for Busy {
    type Error = Infallible;
}

impl digital::ErrorType for Accept {
    type Error = Infallible;
}

impl OutputPin for Busy {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::Low)
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::High)
    }

    fn set_state(&mut self, state: PinState) -> Result<(), Infallible> {
        // SAFETY: the device is there, aligned and writable, and disturbs no memory.
        unsafe { BUSY.write_volatile(bool::from(state).into()) };
        Ok(())
    }
}

impl OutputPin for Accept {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::Low)
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::High)
    }

    /// Without a branch: a decision takes as long as the other one.
    fn set_state(&mut self, state: PinState) -> Result<(), Infallible> {
        // SAFETY: the device is there, aligned and writable, and disturbs no memory.
        unsafe { ACCEPT.write_volatile(bool::from(state).into()) };
        Ok(())
    }
}

/// Text for people.
pub struct Log;

impl fmt::Write for Log {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the device is there, aligned and writable, and disturbs no memory.
            unsafe { LOG.write_volatile(byte.into()) };
        }
        Ok(())
    }
}

/// The counter of the clock's cycles. How many make a second is the board's matter.
pub struct Cycles;

impl Clock for Cycles {
    fn ticks_per_second(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn now(&mut self) -> u32 {
        // SAFETY: the device is there, aligned and readable, and disturbs no memory.
        unsafe { CYCLES.read_volatile() }
    }
}
