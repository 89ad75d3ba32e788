//! What can go wrong between a compiled model and an answer.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a target did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// No board of this name.
    #[error("unknown board `{name}`{}; known boards: {known}", super::similar::told(name, known.split(", ")))]
    UnknownBoard {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// A board.toml cannot be understood.
    #[error("{}: {message}", path.display())]
    Board {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A directory is not what `hodoscope compile` makes.
    #[error("{} is not a compiled model: {message}", path.display())]
    Model {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        message: String,
    },
    /// A build is under way in a folder that was to be removed.
    #[error("{path}: in use by another hodoscope; nothing was removed")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The Verilog of a model that is part of a board.
    #[error("{}: {message}", path.display())]
    Network {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A board whose network is an instruction cannot do this.
    #[error("{board}: {message}")]
    Instruction {
        /// The board.
        board: String,
        /// What it cannot do, and what to do instead.
        message: String,
    },
    /// A program is not installed.
    #[error("`{tool}` is not installed; {install}")]
    MissingTool {
        /// Its name.
        tool: String,
        /// What installs it.
        install: String,
    },
    /// The Rust toolchain has no core library for a target.
    #[error("the Rust target `{triple}` is not installed; run: rustup target add {triple}")]
    MissingTarget {
        /// The target.
        triple: String,
    },
    /// No library is made for a target.
    #[error(
        "no library is made for `{triple}`, only for {targets}; on another machine of one of these, or with --target"
    )]
    NoLibrary {
        /// The target.
        triple: String,
        /// Those for which one is made.
        targets: String,
    },
    /// A library was built, and does not load or compute.
    #[error(transparent)]
    Library(#[from] hodoscope_loader::LoadError),
    /// Cargo failed.
    #[error("building {what} failed:\n{stderr}")]
    Build {
        /// What was built.
        what: String,
        /// Cargo's messages.
        stderr: String,
    },
    /// A program ended or could not be started.
    #[error("{what} ended unexpectedly ({status}){}", after(log))]
    Ended {
        /// The program.
        what: String,
        /// How it ended.
        status: String,
        /// The end of what it wrote.
        log: String,
    },
    /// No answer came in time.
    #[error("no {wanted} from {what} within {limit:?}{}", after(log))]
    TimedOut {
        /// The program or board.
        what: String,
        /// What was waited for.
        wanted: String,
        /// How long.
        limit: Duration,
        /// The end of what the target wrote.
        log: String,
    },
    /// Something was answered that does not belong to the question.
    #[error("{what} broke the protocol: {message}")]
    Protocol {
        /// The program or board.
        what: String,
        /// What came.
        message: String,
    },
    /// The board found that its memory is not as it was.
    #[error(
        "{what} found that {part} changed, and decides nothing: {}; where that does not last, its memory fails",
        mended(*part)
    )]
    Damaged {
        /// The program or board.
        what: String,
        /// What has changed.
        part: hodoscope_wire::Part,
    },
    /// The board refused a request.
    #[error("{what} refused {request}: {reason}")]
    Refused {
        /// The program or board.
        what: String,
        /// What was asked.
        request: String,
        /// Its reason.
        reason: String,
    },
    /// The firmware is that of another program.
    #[error("{what} runs program {found}, not {expected}")]
    Identity {
        /// The program or board.
        what: String,
        /// Name and hash of the firmware's program.
        found: String,
        /// Name and hash of the model's program.
        expected: String,
    },
    /// An ELF file cannot be read.
    #[error("{}: {message}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A package with the Verilog of a core is not what it should be.
    #[error("{}: {message}", path.display())]
    Wheel {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A board that nothing emulates.
    #[error(
        "nothing emulates `{board}`: connect one, and name its port with --port where the command has that"
    )]
    NoEmulator {
        /// Its name.
        board: String,
    },
    /// Flashing failed.
    #[error("flashing {board}: {message}")]
    Flash {
        /// The board.
        board: String,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The port at which a board should be.
    #[error("{port}: {message}")]
    Port {
        /// Its name.
        port: String,
        /// What is wrong.
        message: String,
    },
    /// A file or directory cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What to do about a part that has changed.
fn mended(part: hodoscope_wire::Part) -> &'static str {
    use hodoscope_wire::Part;
    match part {
        Part::Menu => "start it again, with the menu that it was built with",
        Part::Seal | Part::Code | Part::Constants => "flash it again",
    }
}

fn after(log: &str) -> String {
    let log = log.trim_end();
    if log.is_empty() {
        String::new()
    } else {
        format!("; it wrote:\n{log}")
    }
}

impl TargetError {
    /// The command's exit code: 2 for bad input, 3 for a tool, build, emulator, board or link that
    /// is missing or failed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownBoard { .. }
            | Self::Board { .. }
            | Self::Model { .. }
            | Self::Network { .. }
            | Self::Instruction { .. }
            | Self::NoLibrary { .. } => 2,
            _ => 3,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
