//! Exit codes: 0 done and every check held, 1 a check failed, 2 bad input or usage, 3 a tool,
//! build, emulator, board or link is missing or failed.

use std::process::ExitCode;

use hodoscope_sim::targets::TargetError;
use hodoscope_sim::timing::TimingError;

/// A check failed; what was found is in the report.
pub const CHECK: u8 = 1;
/// Bad input or usage, and nothing was written.
pub const INPUT: u8 = 2;

/// The exit code of an error: whatever does not say otherwise is bad input.
pub fn code(error: &anyhow::Error) -> u8 {
    error
        .chain()
        .find_map(|cause| {
            let target = cause.downcast_ref().map(TargetError::exit_code);
            target.or_else(|| cause.downcast_ref().map(TimingError::exit_code))
        })
        .unwrap_or(INPUT)
}

/// The whole story in one line: context before cause, nothing twice.
pub fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many errors quote their source in their own text.
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
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
        let error = Err::<(), _>(missing)
            .context("on mps2-an386")
            .expect_err("it is one");
        assert_eq!(code(&error), 3);
        let unknown = TargetError::UnknownBoard {
            name: "x".to_owned(),
            known: "y".to_owned(),
        };
        assert_eq!(code(&unknown.into()), 2);
        assert_eq!(code(&anyhow::anyhow!("no such file")), 2);
    }

    #[test]
    fn a_cause_is_told_once() {
        let quoted = std::io::Error::other("disk full");
        let error = anyhow::Error::from(TargetError::Io {
            action: "write",
            path: "x".into(),
            source: quoted,
        });
        let error = error.context("on native");
        assert_eq!(message(&error), "on native: cannot write x: disk full");
    }
}
