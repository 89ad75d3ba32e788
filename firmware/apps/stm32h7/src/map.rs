//! Registers of the STM32H743 (RM0433).

use hodoscope_app_support::registers;

const TIM2: usize = 0x4000_0000;
const USART3: usize = 0x4000_4800;
const FLASH: usize = 0x5200_2000;
const GPIOB: usize = 0x5802_0400;
const GPIOD: usize = 0x5802_0c00;
const RCC: usize = 0x5802_4400;
const PWR: usize = 0x5802_4800;

registers! {
    TIM2_CR1 = TIM2;
    TIM2_EGR = TIM2 + 0x14;
    TIM2_CNT = TIM2 + 0x24;
    TIM2_PSC = TIM2 + 0x28;
    TIM2_ARR = TIM2 + 0x2c;
    USART3_CR1 = USART3;
    USART3_BRR = USART3 + 0x0c;
    USART3_ISR = USART3 + 0x1c;
    USART3_ICR = USART3 + 0x20;
    USART3_RDR = USART3 + 0x24;
    USART3_TDR = USART3 + 0x28;
    FLASH_ACR = FLASH;
    GPIOB_MODER = GPIOB;
    GPIOB_BSRR = GPIOB + 0x18;
    GPIOD_MODER = GPIOD;
    GPIOD_PUPDR = GPIOD + 0x0c;
    GPIOD_BSRR = GPIOD + 0x18;
    GPIOD_AFRH = GPIOD + 0x24;
    RCC_CR = RCC;
    RCC_CFGR = RCC + 0x10;
    RCC_D1CFGR = RCC + 0x18;
    RCC_D2CFGR = RCC + 0x1c;
    RCC_D3CFGR = RCC + 0x20;
    RCC_PLLCKSELR = RCC + 0x28;
    RCC_PLLCFGR = RCC + 0x2c;
    RCC_PLL1DIVR = RCC + 0x30;
    RCC_RSR = RCC + 0xd0;
    RCC_AHB4ENR = RCC + 0xe0;
    RCC_APB1LENR = RCC + 0xe8;
    PWR_CSR1 = PWR + 0x04;
    PWR_CR3 = PWR + 0x0c;
    PWR_D3CR = PWR + 0x18;
}

/// The interrupt of USART3.
pub const USART3_INTERRUPT: i16 = 39;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_and_interrupt_are_the_makers() {
        let interrupt = ("USART3_IRQ", USART3_INTERRUPT as usize);
        let used = [ALL, &[interrupt]].concat();
        hodoscope_app_support::compare_registers(&used, include_str!("../registers.txt"));
    }
}
