//! Registers of the nRF52840 (product specification 1.7).

use hodoscope_app_support::registers;

const CLOCK: usize = 0x4000_0000;
const UART0: usize = 0x4000_2000;
const TIMER0: usize = 0x4000_8000;
const NVMC: usize = 0x4001_e000;
const P0: usize = 0x5000_0000;
const P1: usize = 0x5000_0300;

registers! {
    POWER_RESETREAS = CLOCK + 0x400;
    CLOCK_TASKS_HFCLKSTART = CLOCK;
    CLOCK_EVENTS_HFCLKSTARTED = CLOCK + 0x100;
    UART0_TASKS_STARTRX = UART0;
    UART0_TASKS_STARTTX = UART0 + 0x08;
    UART0_EVENTS_RXDRDY = UART0 + 0x108;
    UART0_EVENTS_TXDRDY = UART0 + 0x11c;
    UART0_INTENSET = UART0 + 0x304;
    UART0_ENABLE = UART0 + 0x500;
    UART0_PSEL_TXD = UART0 + 0x50c;
    UART0_PSEL_RXD = UART0 + 0x514;
    UART0_RXD = UART0 + 0x518;
    UART0_TXD = UART0 + 0x51c;
    UART0_BAUDRATE = UART0 + 0x524;
    TIMER0_TASKS_START = TIMER0;
    TIMER0_TASKS_CAPTURE0 = TIMER0 + 0x40;
    TIMER0_BITMODE = TIMER0 + 0x508;
    TIMER0_PRESCALER = TIMER0 + 0x510;
    TIMER0_CC0 = TIMER0 + 0x540;
    NVMC_ICACHECNF = NVMC + 0x540;
    P0_OUTSET = P0 + 0x508;
    P0_DIRSET = P0 + 0x518;
    P0_PIN_CNF8 = P0 + 0x720;
    P1_OUTSET = P1 + 0x508;
    P1_OUTCLR = P1 + 0x50c;
    P1_DIRSET = P1 + 0x518;
}

/// The interrupt that UARTE 0 and UART 0 share.
pub const UART0_INTERRUPT: i16 = 2;

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
