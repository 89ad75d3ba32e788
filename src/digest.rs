//! What names a program for ever.

use hodoscope_program::Program;
use sha2::{Digest as _, Sha256};

use crate::report::hex;

/// SHA-256 of a program's text.
pub fn sha256(program: &Program) -> String {
    hex(&Sha256::digest(program.to_text()))
}
