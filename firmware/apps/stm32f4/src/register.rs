//! Registers.

/// One register.
#[derive(Clone, Copy)]
pub struct Register(pub usize);

impl Register {
    pub fn read(self) -> u32 {
        // SAFETY: only the constants of this crate are made, all of aligned, readable registers of the
        // chip, and reading them disturbs no memory.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    pub fn write(self, value: u32) {
        // SAFETY: only the constants of this crate are made, all of aligned, writable registers of the
        // chip, and writing them disturbs no memory.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }

    /// Sets the bits of `mask` to those of `value`.
    pub fn modify(self, mask: u32, value: u32) {
        self.write(self.read() & !mask | value);
    }

    /// Waits until the bits of `mask` are `value`, for a limited number of reads: whether they are.
    pub fn becomes(self, mask: u32, value: u32) -> bool {
        (0..READS).any(|_| self.read() & mask == value)
    }
}

/// Reads of a register before what it should show is given up: above ten milliseconds on the internal oscillator, more than an
/// oscillator or a PLL takes to start.
const READS: u32 = 50_000;
