//! The integer program.
