//! ARMv6-M: Cortex-M0, M0+ and M1.
//!
//! Most instructions take the eight low registers only; `add` and `mov` take the high ones too, so
//! sums live there. The bodies here are whole functions in assembly: the compiler keeps two of the
//! low registers to itself.

pub mod byte_quads;
pub mod row_blocks;
