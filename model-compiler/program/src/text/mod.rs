//! The text form of a program.
//!
//! ```text
//! hodoscope-program 1
//! program tiny
//! set constituents capacity 4
//! input x set constituents channels 2
//!   field pt unit "GeV" lsb 0.25 range 0 255 saturate empty 0
//!   field deta unit "" lsb 0.01 range -64 63 saturate empty 0
//! live constituents x[0] above 0
//! order constituents x[0]
//! constant w i8 [1, 2]
//!   3 -4
//! constant b i32 [1]
//!   7
//! value words [constituents, 2] i9 lsb 0.25 0.01 = input x
//! value dense [constituents, 1] i32 frac 5 = dense words weights w bias b
//! value pooled [1] i32 frac 5 = sum dense
//! output score = pooled
//! ```
//!
//! Words are separated by white space, `#` starts a comment, lines mean nothing. Integers are
//! decimal and exact; an LSB is the shortest decimal that reads back as the same double.

mod lex;
mod names;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;

/// Version of the text form: the number in its first line.
pub const FORMAT_VERSION: u32 = 1;

/// Where a text is not a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TextError {
    /// Line, from 1.
    pub line: usize,
    /// What was expected.
    pub reason: String,
}
