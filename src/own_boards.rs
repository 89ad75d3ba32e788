//! Boards: those that hodoscope brings, and the user's own.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use hodoscope_sim::targets::{Board, TargetError, board};

use crate::fabric;

/// Folders of the user's own boards. Said once, before the command starts.
static OWN: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// Takes the boards of these folders too.
///
/// # Errors
/// When one of them holds no board, or a wrong name.
pub fn look_in(folders: &[PathBuf]) -> Result<()> {
    let own = folders.iter().map(|folder| board::folders(folder));
    let own = own.collect::<Result<Vec<_>, _>>().context("--boards")?;
    OWN.get_or_init(|| own.concat());
    Ok(())
}

fn own() -> &'static [PathBuf] {
    OWN.get().map_or(&[], Vec::as_slice)
}

/// The board `name`.
///
/// # Errors
/// When there is none, or its file is wrong.
pub fn find(name: &str) -> Result<Board, TargetError> {
    if name == fabric::NAME {
        return Err(TargetError::Board {
            path: name.into(),
            message: "it is the Verilog of `hodoscope rtl`, which `run`, `evaluate`, `verify` and `latency` take; here a board is asked for".to_owned(),
        });
    }
    board::find(name, own())
}

/// The names of all boards: those of hodoscope, then the user's own.
pub fn names() -> Vec<String> {
    let own = own().iter().filter_map(|folder| folder.file_name());
    let own = own.map(|name| name.to_string_lossy().into_owned());
    board::names().into_iter().chain(own).collect()
}
