//! Files and exit of the emulator (Semihosting for AArch32 and AArch64, operations 0x01 to 0x18; RISC-V
//! Semihosting, version 0.3, has the same operations).

use core::arch::asm;
use core::ffi::CStr;

/// Mode `rb`.
pub(crate) const READ: usize = 1;
/// Mode `wb`.
pub(crate) const WRITE: usize = 5;

/// An open file.
pub(crate) struct File(usize);

impl File {
    /// Opens a file in the emulator's working directory, or ends the emulator.
    pub(crate) fn open(name: &CStr, mode: usize) -> Self {
        let block = [name.as_ptr().expose_provenance(), mode, name.to_bytes().len()];
        match call(0x01, block.as_ptr().expose_provenance()) {
            usize::MAX => crate::failed(),
            handle => Self(handle),
        }
    }

    /// Whether a whole `bytes` could be read.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> bool {
        let block = [self.0, bytes.as_mut_ptr().expose_provenance(), bytes.len()];
        call(0x06, block.as_ptr().expose_provenance()) == 0
    }

    /// Writes all `bytes`, or ends the emulator.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let block = [self.0, bytes.as_ptr().expose_provenance(), bytes.len()];
        if call(0x05, block.as_ptr().expose_provenance()) != 0 {
            crate::failed();
        }
    }
}

/// Ends the emulator.
pub(crate) fn exit(well: bool) -> ! {
    // ADP_Stopped_ApplicationExit, or ADP_Stopped_RunTimeErrorUnknown.
    let reason = if well { 0x20026 } else { 0x20023 };
    loop {
        call(0x18, reason);
    }
}

fn call(operation: usize, parameter: usize) -> usize {
    let mut result = operation;
    // SAFETY: the host reads and writes only the memory that the parameter block names, which the
    // callers above borrowed for as long.
    #[cfg(target_arch = "arm")]
    unsafe {
        asm!("bkpt #0xab", inout("r0") result, in("r1") parameter)
    };
    // SAFETY: as above. The three instructions are one call, none of them compressed.
    #[cfg(target_arch = "riscv32")]
    unsafe {
        asm!(
            ".balign 16",
            ".option push",
            ".option norvc",
            "slli zero, zero, 0x1f",
            "ebreak",
            "srai zero, zero, 7",
            ".option pop",
            inout("a0") result,
            in("a1") parameter,
        )
    };
    result
}
