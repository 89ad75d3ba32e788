//! Clocks and caches (RM0433: PWR, RCC, FLASH; AN4839).
//!
//! The PLL makes 400 MHz of the 8 MHz that the Nucleo's debugger gives: the most of the voltage scale 1. Every wait is bounded. What does
//! not start is left out, and the chip stays on its internal oscillator: so a board without that clock works, slower, and says so.

use cortex_m::Peripherals;
use hodoscope_app_support::reset::of_flags;
use hodoscope_trigger::Reset;

use crate::map::*;

/// Frequencies after the start.
#[derive(Clone, Copy)]
pub struct Clocks {
    /// Of the peripherals at APB1: USART3.
    pub apb1_hz: u32,
    /// Of the timers at APB1: timer 2.
    pub timer_hz: u32,
}

/// The internal oscillator, which runs after a reset, for everything.
const INTERNAL: Clocks = Clocks {
    apb1_hz: 64_000_000,
    timer_hz: 64_000_000,
};

/// A processor at 400 MHz, buses at half of that, APB1 at a quarter, its timers at twice as much.
const FULL: Clocks = Clocks {
    apb1_hz: 100_000_000,
    timer_hz: 200_000_000,
};

const HSE_ON: u32 = 1 << 16;
const HSE_READY: u32 = 1 << 17;
const HSE_BYPASS: u32 = 1 << 18;
const PLL_ON: u32 = 1 << 24;
const PLL_READY: u32 = 1 << 25;
/// Power comes from the chip's own regulator, and the choice is made: until then the voltage cannot be changed.
const REGULATOR: u32 = 1 << 1;
const SUPPLY: u32 = 0b111;
/// The voltage is what was asked for, as it is now and as it will be.
const VOLTAGE_NOW: u32 = 1 << 13;
const VOLTAGE_READY: u32 = 1 << 13;
const VOLTAGE_SCALE_1: u32 = 0b11 << 14;
/// 8 MHz / 4 into the first PLL.
const PLL_SOURCE: u32 = 4 << 4 | 2;
const PLL_SOURCE_MASK: u32 = 0x3f << 4 | 0b11;
/// An input of 2 to 4 MHz, the wide oscillator, and the first output.
const PLL_FORM: u32 = 0b01 << 2 | 1 << 16;
const PLL_FORM_MASK: u32 = 0b1111 | 0b111 << 16;
/// 2 MHz × 400 / 2 = 400 MHz. Each field is one less.
const PLL_FACTORS: u32 = 399 | 1 << 9 | 1 << 16 | 1 << 24;
/// Two wait states and the delay for a bus of 200 MHz at scale 1.
const FLASH: u32 = 2 | 0b10 << 4;
/// Processor whole, bus a half, and its peripherals a half of that.
const DIVIDERS_1: u32 = 0b1000 | 0b100 << 4;
const DIVIDERS_2: u32 = 0b100 << 4 | 0b100 << 8;
const DIVIDERS_3: u32 = 0b100 << 4;
const SWITCH: u32 = 0b111;
const SWITCH_PLL: u32 = 0b011;
const STATUS: u32 = 0b111 << 3;
const STATUS_PLL: u32 = 0b011 << 3;

/// Starts caches and the fast clocks, as far as they start.
pub fn start() -> Clocks {
    start_caches();
    PWR_CR3.modify(SUPPLY, REGULATOR);
    if !PWR_CSR1.becomes(VOLTAGE_NOW, VOLTAGE_NOW) {
        return INTERNAL;
    }
    PWR_D3CR.modify(0b11 << 14, VOLTAGE_SCALE_1);
    if !PWR_D3CR.becomes(VOLTAGE_READY, VOLTAGE_READY) {
        return INTERNAL;
    }
    RCC_CR.modify(0, HSE_BYPASS);
    RCC_CR.modify(0, HSE_ON);
    if !RCC_CR.becomes(HSE_READY, HSE_READY) {
        return give_up();
    }
    RCC_PLLCKSELR.modify(PLL_SOURCE_MASK, PLL_SOURCE);
    RCC_PLLCFGR.modify(PLL_FORM_MASK, PLL_FORM);
    RCC_PLL1DIVR.write(PLL_FACTORS);
    RCC_CR.modify(0, PLL_ON);
    if !RCC_CR.becomes(PLL_READY, PLL_READY) {
        return give_up();
    }
    FLASH_ACR.write(FLASH);
    if !FLASH_ACR.becomes(0x3f, FLASH) {
        return give_up();
    }
    RCC_D1CFGR.write(DIVIDERS_1);
    RCC_D2CFGR.write(DIVIDERS_2);
    RCC_D3CFGR.write(DIVIDERS_3);
    RCC_CFGR.modify(SWITCH, SWITCH_PLL);
    if !RCC_CFGR.becomes(STATUS, STATUS_PLL) {
        // The switch waits for a clock that does not come.
        RCC_CFGR.modify(SWITCH, 0);
        for dividers in [RCC_D1CFGR, RCC_D2CFGR, RCC_D3CFGR] {
            dividers.write(0);
        }
        return give_up();
    }
    FULL
}

/// Code and constants are read from flash through caches. Variables, stack and ring lie in memory that no cache is in front of.
fn start_caches() {
    // SAFETY: nothing else in this firmware uses the core's peripherals while they are set up.
    let mut core = unsafe { Peripherals::steal() };
    core.SCB.enable_icache();
    core.SCB.enable_dcache(&mut core.CPUID);
}

/// Turns off what was tried; the internal oscillator has run all the time.
fn give_up() -> Clocks {
    RCC_CR.modify(HSE_ON | PLL_ON, 0);
    RCC_CR.modify(HSE_BYPASS, 0);
    INTERNAL
}

const REMOVE_FLAGS: u32 = 1 << 16;
const BROWN_OUT: u32 = 1 << 21;
const PIN: u32 = 1 << 22;
const POWER: u32 = 1 << 23;
const SOFTWARE: u32 = 1 << 24;
const WATCHDOGS: u32 = 1 << 26 | 1 << 28;

/// Why the chip has started, as it says (RM0433, RCC_RSR). Flags stay until they are removed, and any reset pulls the pin, too.
pub fn reset() -> Reset {
    let flags = RCC_RSR.read();
    RCC_RSR.modify(0, REMOVE_FLAGS);
    let reasons = [
        (WATCHDOGS, Reset::Watchdog),
        (SOFTWARE, Reset::Software),
        (POWER | BROWN_OUT, Reset::Power),
        (PIN, Reset::Pin),
    ];
    of_flags(flags, reasons)
}
