//! Bench firmware: reads events, lets an engine answer them, and lets itself be counted.
//!
//! The emulator's files are the interface, through semihosting: `input.bin` holds events of
//! [`Engine::INPUT`] bytes, `output.bin` takes [`Engine::OUTPUT`] bytes for each, and `stack.bin` the
//! deepest stack of an inference, as a little-endian word. Each event is computed three times between
//! one pair of markers, and once between another: half the difference is the cost of one inference,
//! whatever the markers and the loop cost.
//!
//! There is no run-time crate: start-up is the same few instructions for every engine, so that the
//! sizes of the images compare.
#![no_std]

mod semihosting;
mod stack;

use core::arch::{asm, global_asm};

use semihosting::File;

/// An engine with its network.
pub trait Engine {
    /// Bytes of an event.
    const INPUT: usize;
    /// Bytes of an answer.
    const OUTPUT: usize;

    /// Answers one event.
    fn infer(input: &[u8], output: &mut [u8]);
}

// Stack pointer and entry; no interrupt is ever enabled.
global_asm!(
    ".section .vectors, \"a\"",
    ".word _stack_top",
    ".word reset",
    ".word failed",
    ".word failed",
    ".text",
);

/// Opens a window of the counter.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn hodoscope_inference_begin() {
    // SAFETY: an instruction without effect; it keeps the function from being merged or dropped.
    unsafe { asm!("nop", "nop") };
}

/// Closes a window of the counter.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn hodoscope_inference_end() {
    // SAFETY: as above; one instruction more, since equal functions may be merged.
    unsafe { asm!("nop", "nop", "nop") };
}

unsafe extern "C" {
    static mut _data: u32;
    static mut _data_end: u32;
    static _data_load: u32;
    static mut _bss: u32;
    static mut _bss_end: u32;
}

/// Sets up memory, and the floating-point unit where there is one.
///
/// # Safety
/// Once, before anything reads a static.
pub unsafe fn start() {
    // SAFETY: the bounds are the linker script's, and nothing lives there yet.
    unsafe {
        let mut to = &raw mut _data;
        let mut from = &raw const _data_load;
        while to < &raw mut _data_end {
            to.write_volatile(from.read_volatile());
            to = to.add(1);
            from = from.add(1);
        }
        let mut to = &raw mut _bss;
        while to < &raw mut _bss_end {
            to.write_volatile(0);
            to = to.add(1);
        }
        #[cfg(target_abi = "eabihf")]
        {
            // CPACR: full access to the coprocessors 10 and 11 (Armv7-M Architecture Reference
            // Manual, B3.2.20).
            let cpacr = 0xE000_ED88 as *mut u32;
            cpacr.write_volatile(cpacr.read_volatile() | 0xF << 20);
            asm!("dsb", "isb");
        }
    }
}

/// Answers all events and ends the emulator.
pub fn run<E: Engine>(input: &mut [u8], output: &mut [u8]) -> ! {
    let events = File::open(c"input.bin", semihosting::READ);
    let answers = File::open(c"output.bin", semihosting::WRITE);
    let depths = File::open(c"stack.bin", semihosting::WRITE);
    let mut deepest = 0u32;
    while events.read(input) {
        stack::paint();
        E::infer(input, output);
        deepest = deepest.max(stack::depth());
        answers.write(output);
        window::<E>(3, input, output);
        window::<E>(1, input, output);
    }
    depths.write(&deepest.to_le_bytes());
    semihosting::exit(true)
}

#[inline(never)]
fn window<E: Engine>(times: u32, input: &[u8], output: &mut [u8]) {
    hodoscope_inference_begin();
    for _ in 0..core::hint::black_box(times) {
        E::infer(core::hint::black_box(input), core::hint::black_box(&mut *output));
    }
    hodoscope_inference_end();
}

/// Ends the emulator with a failure: a fault, a panic, or an engine that gives up.
#[unsafe(no_mangle)]
pub extern "C" fn failed() -> ! {
    semihosting::exit(false)
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! {
    failed()
}

/// Defines the entry of the firmware of an engine.
#[macro_export]
macro_rules! bench {
    ($engine:ty) => {
        #[unsafe(no_mangle)]
        extern "C" fn reset() -> ! {
            use $crate::Engine;
            #[unsafe(link_section = ".bench")]
            static mut INPUT: [u8; <$engine>::INPUT] = [0; <$engine>::INPUT];
            #[unsafe(link_section = ".bench")]
            static mut OUTPUT: [u8; <$engine>::OUTPUT] = [0; <$engine>::OUTPUT];
            // SAFETY: this is the entry, which runs once, and nothing else names the buffers.
            unsafe {
                $crate::start();
                $crate::run::<$engine>(&mut *(&raw mut INPUT), &mut *(&raw mut OUTPUT))
            }
        }
    };
}
