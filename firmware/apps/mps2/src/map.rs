//! Where the peripherals lie, by FPGA image.

/// AN385, AN386 and AN500 (Arm DAI0385, DAI0386, DAI0500).
#[cfg(not(iot_subsystem))]
mod image {
    pub const CLOCK_HZ: u32 = 25_000_000;
    pub const TIMER0: usize = 0x4000_0000;
    pub const UART0: usize = 0x4000_4000;
    pub const FPGAIO: usize = 0x4002_8000;
    /// The interrupt by which UART 0 says that it received a byte.
    pub const UART0_RECEIVED: u16 = 0;
}

/// AN505 (Arm DAI0505): the addresses of the secure state, in which the core starts.
#[cfg(iot_subsystem)]
mod image {
    pub const CLOCK_HZ: u32 = 20_000_000;
    pub const TIMER0: usize = 0x5000_0000;
    pub const UART0: usize = 0x5020_0000;
    pub const FPGAIO: usize = 0x5030_2000;
    /// The interrupt by which UART 0 says that it received a byte.
    pub const UART0_RECEIVED: u16 = 32;
}

pub use image::*;
