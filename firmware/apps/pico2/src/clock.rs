//! Clocks (RP2350 datasheet, chapters 7 and 8).
//!
//! The PLL makes 150 MHz of the 12 MHz crystal. Every wait is bounded. Without the crystal nothing keeps time well enough for a serial
//! port: then the chip restarts, and tries again.

use crate::map::*;

/// Of processor and peripherals.
pub const CLOCK_HZ: u32 = 150_000_000;

/// Blocks by their bit in the resets.
pub const IO_BANK0: u32 = 1 << 6;
pub const PADS_BANK0: u32 = 1 << 9;
const PLL_SYS: u32 = 1 << 14;
pub const TIMER0: u32 = 1 << 23;
pub const UART0: u32 = 1 << 26;

const STABLE: u32 = 1 << 31;
const LOCKED: u32 = 1 << 31;
/// Power of the whole and of the oscillator, and of the divider behind it.
const PLL_OFF: u32 = 1 << 0 | 1 << 5;
const PLL_DIVIDER_OFF: u32 = 1 << 3;

/// Takes blocks out of reset: whether they are.
pub fn release(blocks: u32) -> bool {
    RESETS_RESET_CLEAR.write(blocks);
    RESETS_RESET_DONE.becomes(blocks, blocks)
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
    CLOCKS_CLK_SYS_CTRL_CLEAR.write(1);
    CLOCKS_CLK_REF_CTRL.write(2);
    if !CLOCKS_CLK_SYS_SELECTED.becomes(1, 1) || !CLOCKS_CLK_REF_SELECTED.becomes(1 << 2, 1 << 2) {
        return false;
    }
    RESETS_RESET_SET.write(PLL_SYS);
    if !release(PLL_SYS) {
        return false;
    }
    // 12 MHz × 125 / 5 / 2.
    PLL_SYS_CS.write(1);
    PLL_SYS_FBDIV_INT.write(125);
    PLL_SYS_PWR_CLEAR.write(PLL_OFF);
    if !PLL_SYS_CS.becomes(LOCKED, LOCKED) {
        return false;
    }
    PLL_SYS_PRIM.write(5 << 16 | 2 << 12);
    PLL_SYS_PWR_CLEAR.write(PLL_DIVIDER_OFF);
    CLOCKS_CLK_SYS_DIV.write(1 << 16);
    CLOCKS_CLK_SYS_CTRL.write(0);
    CLOCKS_CLK_SYS_CTRL_SET.write(1);
    if !CLOCKS_CLK_SYS_SELECTED.becomes(1 << 1, 1 << 1) {
        return false;
    }
    // The peripherals run at the processor's clock.
    CLOCKS_CLK_PERI_CTRL.write(1 << 11);
    true
}

/// Starts the chip again, through its watchdog: the processor's own request resets the processor only.
pub fn restart() -> ! {
    // All but the two oscillators.
    PSM_WDSEL.write(0x01ff_ffff & !(1 << 2 | 1 << 3));
    // Nothing tells the boot ROM to start somewhere else than in flash.
    WATCHDOG_SCRATCH4.write(0);
    WATCHDOG_CTRL.write(1 << 31);
    loop {
        cortex_m::asm::nop();
    }
}
