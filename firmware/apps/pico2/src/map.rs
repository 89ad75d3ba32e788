//! Registers of the RP2350 (datasheet, chapters 2 to 9 and 12).

use hodoscope_app_support::registers;

const CLOCKS: usize = 0x4001_0000;
const PSM: usize = 0x4001_8000;
const RESETS: usize = 0x4002_0000;
const IO_BANK0: usize = 0x4002_8000;
const PADS_BANK0: usize = 0x4003_8000;
const XOSC: usize = 0x4004_8000;
const PLL_SYS: usize = 0x4005_0000;
const UART0: usize = 0x4007_0000;
const TIMER0: usize = 0x400b_0000;
const WATCHDOG: usize = 0x400d_8000;
const SIO: usize = 0xd000_0000;
/// Where writes set bits, and where they clear them.
const SET: usize = 0x2000;
const CLEAR: usize = 0x3000;

registers! {
    CLOCKS_CLK_REF_CTRL = CLOCKS + 0x30;
    CLOCKS_CLK_REF_SELECTED = CLOCKS + 0x38;
    CLOCKS_CLK_SYS_CTRL = CLOCKS + 0x3c;
    CLOCKS_CLK_SYS_CTRL_SET = CLOCKS + 0x3c + SET;
    CLOCKS_CLK_SYS_CTRL_CLEAR = CLOCKS + 0x3c + CLEAR;
    CLOCKS_CLK_SYS_DIV = CLOCKS + 0x40;
    CLOCKS_CLK_SYS_SELECTED = CLOCKS + 0x44;
    CLOCKS_CLK_PERI_CTRL = CLOCKS + 0x48;
    PSM_WDSEL = PSM + 0x08;
    RESETS_RESET_SET = RESETS + SET;
    RESETS_RESET_CLEAR = RESETS + CLEAR;
    RESETS_RESET_DONE = RESETS + 0x08;
    XOSC_CTRL = XOSC;
    XOSC_STATUS = XOSC + 0x04;
    XOSC_STARTUP = XOSC + 0x0c;
    PLL_SYS_CS = PLL_SYS;
    PLL_SYS_PWR_CLEAR = PLL_SYS + 0x04 + CLEAR;
    PLL_SYS_FBDIV_INT = PLL_SYS + 0x08;
    PLL_SYS_PRIM = PLL_SYS + 0x0c;
    IO_BANK0_GPIO0_CTRL = IO_BANK0 + 0x04;
    IO_BANK0_GPIO1_CTRL = IO_BANK0 + 0x0c;
    IO_BANK0_GPIO15_CTRL = IO_BANK0 + 0x7c;
    IO_BANK0_GPIO25_CTRL = IO_BANK0 + 0xcc;
    PADS_BANK0_GPIO0 = PADS_BANK0 + 0x04;
    PADS_BANK0_GPIO1 = PADS_BANK0 + 0x08;
    PADS_BANK0_GPIO15 = PADS_BANK0 + 0x40;
    PADS_BANK0_GPIO25 = PADS_BANK0 + 0x68;
    SIO_GPIO_OUT_SET = SIO + 0x18;
    SIO_GPIO_OUT_CLR = SIO + 0x20;
    SIO_GPIO_OE_SET = SIO + 0x38;
    UART0_UARTDR = UART0;
    UART0_UARTFR = UART0 + 0x18;
    UART0_UARTIBRD = UART0 + 0x24;
    UART0_UARTFBRD = UART0 + 0x28;
    UART0_UARTLCR_H = UART0 + 0x2c;
    UART0_UARTCR = UART0 + 0x30;
    UART0_UARTIFLS = UART0 + 0x34;
    UART0_UARTIMSC = UART0 + 0x38;
    UART0_UARTICR = UART0 + 0x44;
    TIMER0_TIMERAWL = TIMER0 + 0x28;
    TIMER0_SOURCE = TIMER0 + 0x38;
    WATCHDOG_CTRL = WATCHDOG;
    WATCHDOG_SCRATCH4 = WATCHDOG + 0x1c;
}

/// The interrupt of UART 0.
pub const UART0_INTERRUPT: i16 = 33;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_and_interrupt_are_the_makers() {
        let interrupt = ("UART0_IRQ", UART0_INTERRUPT as usize);
        let used = [ALL, &[interrupt]].concat();
        hodoscope_app_support::compare_registers(&used, include_str!("../registers.txt"));
    }
}
