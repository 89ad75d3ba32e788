//! The `hodoscope` command, and what other programs call instead of it: [`compile`] and [`Model`].
//!
//! The functions here print nothing. What a command says on stdout is a [`Report`], and its notes and warnings are
//! [`noted`].

mod budget;
mod cli;
mod commands;
mod compiled;
mod digest;
mod draft;
mod execute;
mod exit;
mod extents;
mod fabric;
mod files;
mod float;
mod html;
mod layers;
mod library;
mod loss;
mod measure;
mod menu_dir;
mod menu_events;
mod model_dir;
mod notes;
mod own_boards;
mod place;
mod progress;
mod report;
mod writable;

pub use cli::main;
pub use commands::run::encoding;
pub use library::{Computed, Failure, Model, Place, compile};
pub use notes::noted;
pub use report::Report;
