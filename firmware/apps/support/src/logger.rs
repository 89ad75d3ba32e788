//! defmt's logger over the semihosting console.
//!
//! It writes with `SYS_WRITEC`: emulators send that to the console's own channel, while the file
//! `:tt`, which other loggers open, is the emulator's standard output before QEMU 8, where a link
//! may be.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use critical_section::RestoreState;
use defmt::Encoder;
use semihosting::sys::arm_compat::sys_writec;

/// What is used between `acquire` and `release` only.
struct State {
    taken: AtomicBool,
    restore: UnsafeCell<RestoreState>,
    encoder: UnsafeCell<Encoder>,
}

// SAFETY: the cells are used between `acquire` and `release` only, inside a critical section.
unsafe impl Sync for State {}

static STATE: State = State {
    taken: AtomicBool::new(false),
    restore: UnsafeCell::new(RestoreState::invalid()),
    encoder: UnsafeCell::new(Encoder::new()),
};

fn put(bytes: &[u8]) {
    for &byte in bytes {
        sys_writec(byte);
    }
}

#[defmt::global_logger]
struct Console;

// SAFETY: `acquire` begins a critical section that `release` ends, and refuses to be nested.
unsafe impl defmt::Logger for Console {
    fn acquire() {
        // SAFETY: defmt calls `release` for every `acquire`, which ends this section.
        let restore = unsafe { critical_section::acquire() };
        // Only an exception or panic while a frame is written gets here twice: it ends the
        // firmware, silently rather than with a broken frame and no end.
        if STATE.taken.load(Ordering::Relaxed) {
            semihosting::process::exit(1);
        }
        STATE.taken.store(true, Ordering::Relaxed);
        // SAFETY: inside the critical section, and not taken before: no other reference is alive.
        unsafe {
            *STATE.restore.get() = restore;
            (*STATE.encoder.get()).start_frame(put);
        }
    }

    unsafe fn flush() {
        // The console has no queue: a byte is out when the call is back.
    }

    unsafe fn release() {
        // SAFETY: defmt calls this after `acquire` only, hence inside the critical section.
        unsafe {
            (*STATE.encoder.get()).end_frame(put);
            let restore = *STATE.restore.get();
            STATE.taken.store(false, Ordering::Relaxed);
            critical_section::release(restore);
        }
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: defmt calls this between `acquire` and `release` only, as above.
        unsafe { (*STATE.encoder.get()).write(bytes, put) }
    }
}
