//! Area and clock of a soft-core on an FPGA, by yosys and nextpnr.
//!
//! The core and the system of `sim/rtl` are placed and routed with the memory of `sim/rtl/fpga`, once
//! per seed: placement is a search, and one seed's clock is chance. Figures go into `board.toml`, with
//! the tools' versions, and give a soft-core's cycles a time.

mod device;
mod flow;
mod report;

pub use device::Device;
pub use flow::{MEMORY_BYTES, synthesise};
pub use report::{Cells, Figures};
