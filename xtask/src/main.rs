//! Set-up, demonstration and tests: `cargo xtask`.
//!
//! One file per step. Each step finds out by itself whether there is something to do, says what it
//! installs, and is quick when there is nothing.

mod bench;
mod bless;
mod built;
mod demo;
mod latency;
mod models;
mod peers;
mod programs;
mod python;
mod setup;
mod shell;
mod steps;
mod test;
mod throughput;

use std::process::ExitCode;

use anyhow::{Result, bail};

/// The two workspaces.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "firmware/Cargo.toml"];

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo            set-up, then two reference models from ONNX to emulated boards, with a report
  test            set-up, then every check that CI runs
  test TIER       only what is `quick` (unit tests, importer, program, interpreter), what builds and runs
                  `boards` in an emulator, or what simulates `rtl`
  test NAME...    every check, but only the steps whose name contains one of the words
  setup           targets, emulators and tools; installs what is missing and says so
  bless [MODEL]   writes the snapshots and firmware/models again
  fresh [MODEL]   checks that firmware/models is what the compiler writes today
  bench [ARGS]    the criterion benches; ARGS go to them
  latency [MODEL] the reference models on all boards; without MODEL docs/src/latency-table.md is written
  throughput [ARGS]  native code of the host beside tract and onnxruntime; ARGS go to criterion
  peers [ARGS]    this engine beside others, on an emulated core; `peers --help` names what ARGS can be

Set HODOSCOPE_WITHOUT_EMULATOR=1 to go on without QEMU, and HODOSCOPE_WITHOUT_RTL=1 to go on without
Verilator and the soft-cores, HODOSCOPE_WITHOUT_PYTHON=1 without the packages that the Python package is tested with: what needs them is then skipped, aloud.
";

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((&"demo", [])) => demo::run(),
        Some((&"test", only)) => test::run(only),
        Some((&"setup", [])) => setup::run(setup::Need::Everything),
        Some((&"bless", only)) => bless::run(only),
        Some((&"fresh", only)) => bless::check(only),
        Some((&"bench", arguments)) => bench::run(arguments),
        Some((&"throughput", arguments)) => throughput::run(arguments),
        Some((&"latency", only)) => latency::run(only),
        Some((&"peers", arguments)) => peers::run(arguments),
        None | Some((&("help" | "-h" | "--help"), _)) => {
            print!("{USAGE}");
            Ok(())
        }
        Some((first, rest)) => {
            eprint!("{USAGE}");
            bail!("no command `{}`", [&[*first], rest].concat().join(" "))
        }
    }
}
