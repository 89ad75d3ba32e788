//! Firmware into a board's flash.

mod image;
mod uf2;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::board::{Board, Flashing};
use super::{TargetError, files, tool};

pub use image::{Segment, segments};

const PROBE_RS: &str = "install it as https://probe.rs/docs/getting-started/installation says, or run: cargo install probe-rs-tools --locked";

/// Where the UF2 file of a firmware lies.
pub(super) fn uf2_path(elf: &Path) -> PathBuf {
    elf.with_extension("uf2")
}

/// Writes the UF2 file beside `elf`.
pub(super) fn write_uf2(elf: &Path, family: u32) -> Result<(), TargetError> {
    files::write(&uf2_path(elf), &uf2::encode(&segments(elf)?, family))
}

/// The file that a board's flash is written from, beside the ELF file `elf`.
#[must_use]
pub fn image(elf: &Path, flashing: &Flashing) -> PathBuf {
    match flashing {
        Flashing::Uf2 { .. } => uf2_path(elf),
        Flashing::ProbeRs { .. } => elf.to_owned(),
    }
}

/// The drive that a board in its boot loader shows: the first mounted one of that name with the file that all such drives have.
#[must_use]
pub fn drive(volume: &str) -> Option<PathBuf> {
    let below = |root: &str| {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let users = ["/media", "/run/media"].map(below).concat();
    let mut drives: Vec<PathBuf> = users.iter().map(|user| user.join(volume)).collect();
    drives.extend(["/media", "/mnt", "/Volumes"].map(|root| Path::new(root).join(volume)));
    drives.into_iter().find(|drive| is_drive(drive))
}

fn is_drive(path: &Path) -> bool {
    path.join("INFO_UF2.TXT").is_file()
}

/// Copies a UF2 file to a board's drive; the board starts it by itself.
///
/// # Errors
/// When it is no such drive, or cannot be written.
pub fn copy(image: &Path, drive: &Path, board: &Board) -> Result<(), TargetError> {
    if !is_drive(drive) {
        return Err(TargetError::Flash {
            board: board.name.clone(),
            message: format!(
                "{} is no drive of a boot loader: it has no INFO_UF2.TXT",
                drive.display()
            ),
        });
    }
    let name = image.file_name().unwrap_or_default();
    let bytes = fs::read(image).map_err(TargetError::io("read", image))?;
    let to = drive.join(name);
    fs::write(&to, bytes).map_err(TargetError::io("write", &to))
}

/// What `probe-rs` is called with, call after call.
#[must_use]
pub fn probe_rs(elf: &Path, chip: &str) -> [Vec<String>; 2] {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let elf = elf.to_string_lossy();
    [
        words(&["download", "--chip", chip, "--verify", &elf]),
        words(&["reset", "--chip", chip]),
    ]
}

/// Calls `probe-rs`: writes, reads back, restarts.
///
/// # Errors
/// When it is not installed, or fails.
pub fn through_debugger(elf: &Path, chip: &str, board: &Board) -> Result<(), TargetError> {
    let program = tool::find("probe-rs", PROBE_RS)?;
    for arguments in probe_rs(elf, chip) {
        let output = Command::new(&program)
            .args(&arguments)
            .output()
            .map_err(TargetError::io("run", &program))?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(TargetError::Flash {
                board: board.name.clone(),
                message: format!(
                    "`probe-rs {}` failed:\n{}",
                    arguments.join(" "),
                    error.trim_end()
                ),
            });
        }
    }
    Ok(())
}
