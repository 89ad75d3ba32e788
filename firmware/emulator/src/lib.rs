//! An emitted crate behind a C interface: one table of functions, which whoever loads the library asks for.
//!
//! `include/hodoscope/emulator.h` is the same for people who write C; it has the units and the rules. Nothing here
//! allocates, keeps state or starts a thread. `unsafe` is what a C interface needs: the caller's pointers are read and
//! written ([`reader`], [`calls`]), and pointers to statics lie in statics ([`table`]).
//!
//! Words are made from floating-point numbers with integers alone ([`soft`]), wherever the processor's rounding mode
//! or its flushing of small numbers could be seen in the result.
#![no_std]

pub mod calls;
pub mod field;
pub mod reader;
pub mod soft;
pub mod table;

pub use hodoscope_kernels::model::Model;
pub use hodoscope_kernels::set::Hardest;
pub use reader::{Reader, Stored};
pub use table::{Field, Input, Output, Status, Table, Text};

/// What a generated library says of its model, and how it computes an event.
pub trait Emulated {
    /// The raws of an event: all outputs, one after the other.
    type Raws: AsRef<[i64]>;

    /// The inputs, in the program's order.
    const INPUTS: &'static [Input];
    /// The outputs, in the program's order.
    const OUTPUTS: &'static [Output];
    /// Largest multiplicity that is computed; 0 for a model without a set.
    const CAPACITY: usize;

    /// Computes the event that `reader` stands at; `rows` rows of its set are filled.
    ///
    /// # Errors
    /// [`Status::NOT_FINITE`] where a value has no word.
    fn event(reader: &mut Reader<'_>, rows: usize) -> Result<Self::Raws, Status>;
}

/// Whether a hash is the one that these hexadecimal digits say.
#[must_use]
pub const fn is_of(hash: &[u8; 32], digits: &str) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = digits.as_bytes();
    let mut index = 0;
    while index < hash.len() {
        let (high, low) = (hash[index] >> 4, hash[index] & 15);
        if digits[2 * index] != DIGITS[high as usize]
            || digits[2 * index + 1] != DIGITS[low as usize]
        {
            return false;
        }
        index += 1;
    }
    digits.len() == 2 * hash.len()
}

/// The constituents that are kept, one after the other.
#[inline]
pub fn kept<T: Copy, const P: usize>(held: &Hardest<T, P>) -> heapless::Vec<T, P> {
    held.iter().copied().collect()
}

/// Ends the process: what a panic does, which cannot cross into C. No code of a library is known that panics.
pub fn abort() -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    abort()
}
