//! Bench firmware: reads events, lets an engine answer them, and lets itself be counted.
//!
//! The emulator's files are the interface, through semihosting: `input.bin` holds events of
//! [`Engine::INPUT`] bytes, `output.bin` takes [`Engine::OUTPUT`] bytes for each, and `stack.bin` the
//! deepest stack of an inference, as a little-endian word. Each event is computed three times between
//! one pair of markers, and once between another: half the difference is the cost of one inference,
//! whatever the markers and the loop cost. An event is in its engine's form before a window opens, and
//! its answer becomes bytes after the window is closed: files cost nobody anything.
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
    /// An event in the engine's own form.
    type Event;
    /// An answer in the engine's own form.
    type Answer: Default;
    /// Bytes of an event.
    const INPUT: usize;
    /// Bytes of an answer.
    const OUTPUT: usize;

    /// The event of its bytes.
    fn event(input: &[u8]) -> Self::Event;

    /// Answers one event: what is measured.
    fn infer(event: &Self::Event, answer: &mut Self::Answer);

    /// The bytes of an answer.
    fn bytes(answer: &Self::Answer, output: &mut [u8]);
}

/// Bytes as an engine in C takes them, aligned for every element.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Bytes<const N: usize>(pub [u8; N]);

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Bytes<N> {
    /// The first `N` of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut all = Self::default();
        all.0.copy_from_slice(&bytes[..N]);
        all
    }
}

// Stack pointer and entry; no interrupt is ever enabled.
#[cfg(target_arch = "riscv32")]
global_asm!(
    ".section .vectors, \"ax\"",
    ".globl _start",
    "_start:",
    "la sp, _stack_top",
    "la t0, failed",
    "csrw mtvec, t0",
    "j reset",
    ".text",
);

#[cfg(target_arch = "arm")]
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
    let mut answer = E::Answer::default();
    while events.read(input) {
        let event = E::event(input);
        stack::paint();
        E::infer(&event, &mut answer);
        deepest = deepest.max(stack::depth());
        E::bytes(&answer, output);
        answers.write(output);
        window::<E>(3, &event, &mut answer);
        window::<E>(1, &event, &mut answer);
    }
    depths.write(&deepest.to_le_bytes());
    semihosting::exit(true)
}

#[inline(never)]
fn window<E: Engine>(times: u32, event: &E::Event, answer: &mut E::Answer) {
    hodoscope_inference_begin();
    for _ in 0..core::hint::black_box(times) {
        E::infer(core::hint::black_box(event), core::hint::black_box(&mut *answer));
    }
    hodoscope_inference_end();
}

/// Ends the emulator with a failure: a trap, a fault, a panic, or an engine that gives up.
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
