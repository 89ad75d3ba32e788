//! How deep the stack went: paint below the stack pointer, look where the paint ends.

use core::arch::asm;

const PAINT: u32 = 0x5AFE_57AC;
/// Bytes below the stack pointer that are left alone: the painter's own frame may lie there, since a
/// compiler may build it late.
const MARGIN: usize = 32;

unsafe extern "C" {
    static mut _stack_painted: u32;
}

#[inline(always)]
fn pointer() -> *mut u32 {
    let pointer: *mut u32;
    #[cfg(target_arch = "riscv32")]
    // SAFETY: reads a register.
    unsafe {
        asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags))
    };
    #[cfg(target_arch = "arm")]
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Paints all below the stack pointer.
#[inline(never)]
pub(crate) fn paint() {
    let end = pointer().wrapping_byte_sub(MARGIN);
    let mut word = &raw mut _stack_painted;
    while word < end {
        // SAFETY: between the end of the statics and the stack pointer nothing lives.
        unsafe {
            word.write_volatile(PAINT);
            word = word.add(1);
        }
    }
}

/// Bytes below the caller's stack pointer that were used since the last paint.
#[inline(never)]
pub(crate) fn depth() -> u32 {
    let end = pointer();
    let mut word = &raw mut _stack_painted;
    // SAFETY: as above.
    while word < end && unsafe { word.read_volatile() } == PAINT {
        // SAFETY: as above.
        word = unsafe { word.add(1) };
    }
    u32::try_from(end.addr() - word.addr()).unwrap_or(u32::MAX)
}
