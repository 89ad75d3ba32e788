//! Exit codes: 0 done and every check held, 1 a check failed, 2 bad input or usage, 3 a tool,
//! build, emulator, board or link is missing or failed.

use std::process::ExitCode;

use hodoscope_sim::targets::TargetError;
use thiserror::Error;

/// A check failed; what was found is in the report.
pub const CHECK: u8 = 1;
/// Bad input or usage, and nothing was written.
pub const INPUT: u8 = 2;

/// A tool that is missing or failed, where no [`TargetError`] says so.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ToolError(pub String);

/// The exit code of an error: whatever does not say otherwise is bad input.
pub fn code(error: &anyhow::Error) -> u8 {
    error
        .chain()
        .find_map(|cause| {
            if let Some(target) = cause.downcast_ref::<TargetError>() {
                Some(target.exit_code())
            } else {
                cause.is::<ToolError>().then_some(3)
            }
        })
        .unwrap_or(INPUT)
}

/// For `main`.
pub fn exit(code: u8) -> ExitCode {
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn codes_survive_context() {
        let missing = TargetError::MissingTarget {
            triple: "thumbv7em-none-eabihf".to_owned(),
        };
        let error = Err::<(), _>(missing).context("on mps2-an386").expect_err("it is one");
        assert_eq!(code(&error), 3);
        let unknown = TargetError::UnknownBoard {
            name: "x".to_owned(),
            known: "y".to_owned(),
        };
        assert_eq!(code(&unknown.into()), 2);
        assert_eq!(code(&ToolError("x".to_owned()).into()), 3);
        assert_eq!(code(&anyhow::anyhow!("no such file")), 2);
    }
}
