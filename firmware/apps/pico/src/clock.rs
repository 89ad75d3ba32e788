//! Clocks (RP2040 datasheet, 2.15 to 2.18).
//!
//! The PLL makes 125 MHz of the 12 MHz crystal. Every wait is bounded. Without the crystal nothing keeps time well enough for a serial
//! port: then the chip restarts, and tries again.

use crate::register::Register;

/// Of processor and peripherals.
pub const CLOCK_HZ: u32 = 125_000_000;

const CLOCKS: usize = 0x4000_8000;
const CLK_REF_CTRL: Register = Register(CLOCKS + 0x30);
const CLK_REF_SELECTED: Register = Register(CLOCKS + 0x38);
const CLK_SYS_CTRL: Register = Register(CLOCKS + 0x3c);
const CLK_SYS_DIV: Register = Register(CLOCKS + 0x40);
const CLK_SYS_SELECTED: Register = Register(CLOCKS + 0x44);
const CLK_PERI_CTRL: Register = Register(CLOCKS + 0x48);
const XOSC: usize = 0x4002_4000;
const XOSC_CTRL: Register = Register(XOSC);
const XOSC_STATUS: Register = Register(XOSC + 0x04);
const XOSC_STARTUP: Register = Register(XOSC + 0x0c);
const PLL: usize = 0x4002_8000;
const PLL_CS: Register = Register(PLL);
const PLL_PWR: Register = Register(PLL + 0x04);
const PLL_FBDIV: Register = Register(PLL + 0x08);
const PLL_PRIM: Register = Register(PLL + 0x0c);
const RESETS: usize = 0x4000_c000;
const RESET: Register = Register(RESETS);
const RESET_DONE: Register = Register(RESETS + 0x08);

/// Blocks by their bit in the resets.
pub const IO_BANK0: u32 = 1 << 5;
pub const PADS_BANK0: u32 = 1 << 8;
pub const PLL_SYS: u32 = 1 << 12;
pub const UART0: u32 = 1 << 22;

const STABLE: u32 = 1 << 31;
const LOCKED: u32 = 1 << 31;
/// Power of the whole and of the oscillator, and of the divider behind it.
const PLL_OFF: u32 = 1 << 0 | 1 << 5;
const PLL_DIVIDER_OFF: u32 = 1 << 3;

/// Takes blocks out of reset: whether they are.
pub fn release(blocks: u32) -> bool {
    RESET.clear(blocks);
    RESET_DONE.becomes(blocks, blocks)
}

/// Starts the fast clock: whether it runs.
pub fn start() -> bool {
    // A megahertz range, and a millisecond to settle: 12 MHz / 256 / 47.
    XOSC_STARTUP.write(47);
    XOSC_CTRL.write(0xaa0 | 0xfab << 12);
    if !XOSC_STATUS.becomes(STABLE, STABLE) {
        return false;
    }
    // Reference from the crystal, processor from the reference, while the PLL changes.
    CLK_SYS_CTRL.clear(1);
    CLK_REF_CTRL.write(2);
    if !CLK_SYS_SELECTED.becomes(1, 1) || !CLK_REF_SELECTED.becomes(1 << 2, 1 << 2) {
        return false;
    }
    RESET.set(PLL_SYS);
    if !release(PLL_SYS) {
        return false;
    }
    // 12 MHz × 125 / 6 / 2.
    PLL_CS.write(1);
    PLL_FBDIV.write(125);
    PLL_PWR.clear(PLL_OFF);
    if !PLL_CS.becomes(LOCKED, LOCKED) {
        return false;
    }
    PLL_PRIM.write(6 << 16 | 2 << 12);
    PLL_PWR.clear(PLL_DIVIDER_OFF);
    CLK_SYS_DIV.write(1 << 8);
    CLK_SYS_CTRL.write(0);
    CLK_SYS_CTRL.set(1);
    if !CLK_SYS_SELECTED.becomes(1 << 1, 1 << 1) {
        return false;
    }
    // The peripherals run at the processor's clock.
    CLK_PERI_CTRL.write(1 << 11);
    true
}
