//! The few devices of the machine `virt` that the app needs.

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use hodoscope_trigger::Clock;

/// The 16550 serial port.
const UART: usize = 0x1000_0000;
/// Receive and transmit.
const DATA: usize = 0;
/// Interrupt enable, and the upper half of the divisor while it is open.
const IER: usize = 1;
/// FIFO control.
const FCR: usize = 2;
/// Line control.
const LCR: usize = 3;
/// Line status.
const LSR: usize = 5;
/// Both queues on and empty, 14 bytes before the port signals.
const FIFO_14: u8 = 0b1100_0111;
const EIGHT_BITS: u8 = 0b11;
const OPEN_DIVISOR: u8 = 1 << 7;
const RECEIVE_INTERRUPT: u8 = 1 << 0;
const RECEIVED: u8 = 1 << 0;
const TRANSMIT_EMPTY: u8 = 1 << 5;

/// The interrupt controller: priority of the serial port's interrupt, enable bits and claim
/// register of hart 0 in machine mode.
const PLIC_UART_PRIORITY: *mut u32 = (0x0C00_0000 + 4 * UART_INTERRUPT) as *mut u32;
const PLIC_ENABLE: *mut u32 = 0x0C00_2000 as *mut u32;
const PLIC_CLAIM: *mut u32 = 0x0C20_0004 as *mut u32;
const UART_INTERRUPT: usize = 10;

/// SiFive's test device: a word ends the emulator.
const TEST: *mut u32 = 0x0010_0000 as *mut u32;
const TEST_PASS: u32 = 0x5555;
const TEST_FAIL: u32 = 0x3333;

fn read(register: usize) -> u8 {
    // SAFETY: only the offsets above are given, all of registers of the serial port, and reading
    // them disturbs no memory.
    unsafe { ((UART + register) as *const u8).read_volatile() }
}

fn write(register: usize, value: u8) {
    // SAFETY: only the offsets above are given, all of registers of the serial port, and writing
    // them disturbs no memory.
    unsafe { ((UART + register) as *mut u8).write_volatile(value) }
}

/// Ends the emulator with `code`.
pub fn exit(code: u16) -> ! {
    let word = match code {
        0 => TEST_PASS,
        code => u32::from(code) << 16 | TEST_FAIL,
    };
    // SAFETY: the test device is there, aligned and writable, and disturbs no memory.
    unsafe { TEST.write_volatile(word) };
    loop {
        riscv::asm::wfi();
    }
}

/// The serial port, with queues of 16 bytes.
pub struct Uart(());

impl Uart {
    pub fn start() -> Self {
        write(FCR, FIFO_14);
        // The least divisor: the port signals the last bytes of a frame after a pause of four.
        write(LCR, EIGHT_BITS | OPEN_DIVISOR);
        write(DATA, 1);
        write(IER, 0);
        write(LCR, EIGHT_BITS);
        write(IER, RECEIVE_INTERRUPT);
        // SAFETY: the registers are there, aligned and writable, and disturb no memory. The
        // interrupt only ends `wfi`: interrupts as a whole stay disabled, none is ever taken.
        unsafe {
            PLIC_UART_PRIORITY.write_volatile(1);
            PLIC_ENABLE.write_volatile(1 << UART_INTERRUPT);
            riscv::register::mie::set_mext();
        }
        Self(())
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // Sleep until bytes are there, rather than poll: the processor would hold the emulator's
        // lock that they need to arrive.
        while read(LSR) & RECEIVED == 0 {
            // SAFETY: claiming and completing an interrupt disturbs no memory.
            unsafe { PLIC_CLAIM.write_volatile(PLIC_CLAIM.read_volatile()) };
            if read(LSR) & RECEIVED == 0 {
                riscv::asm::wfi();
            }
        }
        let mut len = 0;
        for byte in buffer {
            if read(LSR) & RECEIVED == 0 {
                break;
            }
            *byte = read(DATA);
            len += 1;
        }
        Ok(len)
    }
}

impl ReadReady for Uart {
    /// It is waited for, asleep: a processor that looks holds the emulator's lock.
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl Write for Uart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for &byte in buffer {
            while read(LSR) & TRANSMIT_EMPTY == 0 {}
            write(DATA, byte);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while read(LSR) & TRANSMIT_EMPTY == 0 {}
        Ok(())
    }
}

/// `mcycle`. QEMU counts instructions with `-icount shift=0`, else ticks of the host: no time.
pub struct Cycles;

impl Clock for Cycles {
    fn ticks_per_second(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn now(&mut self) -> u32 {
        riscv::register::mcycle::read() as u32
    }
}
