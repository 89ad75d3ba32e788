//! The `hodoscope` command.

mod budget;
mod cli;
mod commands;
mod compiled;
mod draft;
mod execute;
mod exit;
mod extents;
mod fabric;
mod float;
mod html;
mod layers;
mod loss;
mod measure;
mod model_dir;
mod own_boards;
mod place;
mod progress;
mod report;
mod writable;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
