//! Arrays of events, as NumPy's `.npz` archives have them.
//!
//! [`Npz::read`] takes every array of an archive into memory: floats as they are, in single or double precision, integers
//! and booleans as `i64`. Whatever is wrong with a file or an array is an [`NpzError`] that names it.

mod array;
mod error;
mod header;
mod jagged;
mod kinds;
mod read;
mod room;
mod stream;
mod write;

pub use array::{Array, Values};
pub use error::NpzError;
pub use jagged::Jagged;
pub use read::Npz;
pub use room::Room;
pub use stream::Stream;
pub use write::{OutputArrays, write_outputs, write_outputs_to, write_whole};

/// The variable that sets another limit of what arrays take in memory, in GiB.
const LIMIT_VARIABLE: &str = "HODOSCOPE_READ_GIB";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
