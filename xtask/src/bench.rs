//! Benches of the host: interpreter and native code.

use anyhow::Result;

use crate::shell;

/// Runs them; figures of a loaded machine are worth little, so nothing is judged by them.
pub fn run(arguments: &[&str]) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["bench", "--package", "hodoscope", "--benches"]);
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    shell::run(&mut command)
}
