//! Native code of the host beside tract and onnxruntime: `benches/throughput`.

use anyhow::Result;

use crate::{built, peers, shell};

/// The crate that answers with tract; a workspace of its own.
pub const TRACT: &str = "benches/tract/Cargo.toml";

/// Brings both peers, runs the bench with them and prints the ratios.
pub fn run(arguments: &[&str]) -> Result<()> {
    let mut tract = shell::cargo();
    tract.args(["build", "--release", "--locked", "--manifest-path", TRACT]);
    let tract = built::executable(&mut tract)?;
    let python = peers::python()?;
    let mut command = shell::cargo();
    command
        .args(["bench", "--package", "hodoscope", "--bench", "throughput"])
        .env("HODOSCOPE_BENCH_TRACT", tract)
        .env("HODOSCOPE_BENCH_PYTHON", python);
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    shell::run(&mut command)
}
