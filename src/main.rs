//! The `hodoscope` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    hodoscope::main()
}
