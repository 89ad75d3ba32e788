//! Clocks (RM0390 and RM0090, RCC, PWR and FLASH).
//!
//! The PLL makes 168 MHz of the 8 MHz that the Nucleo's debugger gives: the most without over-drive. Every wait is bounded. What does
//! not start is left out, and the chip stays on its internal oscillator: so a board without that clock works, slower, and says so.

use hodoscope_app_support::reset::of_flags;
use hodoscope_trigger::Reset;

use crate::register::Register;

/// Frequencies after the start.
#[derive(Clone, Copy)]
pub struct Clocks {
    /// Of the peripherals at APB1: USART2.
    pub apb1_hz: u32,
    /// Of the timers at APB1: timer 2.
    pub timer_hz: u32,
}

/// The internal oscillator, which runs after a reset, for everything.
const INTERNAL: Clocks = Clocks {
    apb1_hz: 16_000_000,
    timer_hz: 16_000_000,
};

/// A processor at 168 MHz, APB1 at a quarter of that, and its timers at twice as much.
const FULL: Clocks = Clocks {
    apb1_hz: 42_000_000,
    timer_hz: 84_000_000,
};

const RCC: usize = 0x4002_3800;
const RCC_CR: Register = Register(RCC);
const RCC_PLLCFGR: Register = Register(RCC + 0x04);
const RCC_CFGR: Register = Register(RCC + 0x08);
pub const RCC_AHB1ENR: Register = Register(RCC + 0x30);
pub const RCC_APB1ENR: Register = Register(RCC + 0x40);
const RCC_CSR: Register = Register(RCC + 0x74);
const FLASH_ACR: Register = Register(0x4002_3c00);
const PWR_CR: Register = Register(0x4000_7000);

const HSE_ON: u32 = 1 << 16;
const HSE_READY: u32 = 1 << 17;
const HSE_BYPASS: u32 = 1 << 18;
const PLL_ON: u32 = 1 << 24;
const PLL_READY: u32 = 1 << 25;
/// 8 MHz / 4 × 168 / 2 = 168 MHz, and 48 MHz for what nobody uses.
const PLL: u32 = 4 | 168 << 6 | 1 << 22 | 7 << 24;
const PWR_ENABLE: u32 = 1 << 28;
/// The regulator's first scale, for the highest clocks.
const VOLTAGE_SCALE_1: u32 = 3 << 14;
/// Five wait states at 3.3 V, prefetch, caches of instructions and data.
const FLASH: u32 = 5 | 1 << 8 | 1 << 9 | 1 << 10;
/// APB1 a quarter, APB2 a half.
const DIVIDERS: u32 = 0b101 << 10 | 0b100 << 13;
const SWITCH: u32 = 0b11;
const SWITCH_PLL: u32 = 0b10;
const STATUS: u32 = 0b11 << 2;
const STATUS_PLL: u32 = 0b10 << 2;

const REMOVE_FLAGS: u32 = 1 << 24;
const BROWN_OUT: u32 = 1 << 25;
const PIN: u32 = 1 << 26;
const POWER: u32 = 1 << 27;
const SOFTWARE: u32 = 1 << 28;
const WATCHDOGS: u32 = 1 << 29 | 1 << 30;

/// Why the chip has started, as it says. Flags stay until they are removed, and any reset pulls the pin, too.
pub fn reset() -> Reset {
    let flags = RCC_CSR.read();
    RCC_CSR.modify(0, REMOVE_FLAGS);
    let reasons = [
        (WATCHDOGS, Reset::Watchdog),
        (SOFTWARE, Reset::Software),
        (POWER | BROWN_OUT, Reset::Power),
        (PIN, Reset::Pin),
    ];
    of_flags(flags, reasons)
}

/// Starts the fast clocks, as far as they start.
pub fn start() -> Clocks {
    RCC_APB1ENR.modify(0, PWR_ENABLE);
    PWR_CR.modify(0, VOLTAGE_SCALE_1);
    RCC_CR.modify(0, HSE_BYPASS);
    RCC_CR.modify(0, HSE_ON);
    if !RCC_CR.becomes(HSE_READY, HSE_READY) {
        return give_up();
    }
    RCC_PLLCFGR.write(PLL);
    RCC_CR.modify(0, PLL_ON);
    if !RCC_CR.becomes(PLL_READY, PLL_READY) {
        return give_up();
    }
    FLASH_ACR.write(FLASH);
    if !FLASH_ACR.becomes(0xf, FLASH & 0xf) {
        return give_up();
    }
    RCC_CFGR.modify(0b111 << 10 | 0b111 << 13, DIVIDERS);
    RCC_CFGR.modify(SWITCH, SWITCH_PLL);
    if !RCC_CFGR.becomes(STATUS, STATUS_PLL) {
        // The switch waits for a clock that does not come.
        RCC_CFGR.modify(SWITCH, 0);
        RCC_CFGR.modify(0b111 << 10 | 0b111 << 13, 0);
        return give_up();
    }
    FULL
}

/// Turns off what was tried; the internal oscillator has run all the time.
fn give_up() -> Clocks {
    RCC_CR.modify(HSE_ON | PLL_ON, 0);
    RCC_CR.modify(HSE_BYPASS, 0);
    INTERNAL
}
