//! Execution targets: builds a compiled model for a board, runs it there, and speaks with it.
//!
//! ```no_run
//! # fn main() -> Result<(), hodoscope_sim::targets::TargetError> {
//! use hodoscope_sim::targets::{BuildOptions, Cache, Session, SessionOptions, board, build};
//!
//! let cache = Cache::from_env()?;
//! let board = board::find("mps2-an386", &[])?;
//! let built = build("compiled".as_ref(), &board, &BuildOptions::default(), &cache)?;
//! let mut session = Session::start(&board, &built, &SessionOptions::default())?;
//! let answer = session.infer(&[0; 12])?;
//! println!("{:?}", answer.raws);
//! session.finish()?;
//! # Ok(())
//! # }
//! ```

pub mod board;
mod build;
mod cached;
mod cargo;
mod error;
mod files;
pub mod flash;
mod host;
mod library;
mod manifest;
mod menu;
mod options;
mod protocol;
pub mod replay;
pub mod rtl;
mod runner;
mod seal;
mod session;
pub mod similar;
pub mod sources;
mod stack;
pub mod timed;
pub(crate) mod tool;
pub mod ways;
mod workshop;

pub use board::Board;
pub use build::{Built, ProgramIdentity, build, build_host};
pub use cached::{Cached, Cleaned, cached, clean};
pub use error::TargetError;
pub use hodoscope_wire::{Counters, Health, Part, Reset};
pub use host::{FileError, Host, HostError};
pub use library::{Library, LibraryOptions, build_library, library_header, library_targets};
pub use menu::{MenuBuild, build_menu};
pub use options::{BuildOptions, SessionOptions};
pub use protocol::Identity;
pub(crate) use runner::MARKERS;
pub use session::{Answer, Layer, RunReport, Session};
pub use sources::Cache;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
