//! The network that stands behind a core's port for instructions: what `hodoscope rtl` wrote beside a compiled model.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hodoscope_compiler::emit;
use hodoscope_fabric::verilog::INSTRUCTION;
use hodoscope_program::Program;
use serde::Deserialize;

use super::super::{TargetError, files, hex};

/// Where it is in a compiled model.
pub const FOLDER: &str = "rtl";

/// Verilog of one program, and that program.
pub(in super::super) struct Network {
    program: Program,
    /// Text by file name.
    pub verilog: BTreeMap<String, Vec<u8>>,
}

/// What is read of `report.json`.
#[derive(Deserialize)]
struct Report {
    program_sha256: String,
}

impl Network {
    /// Reads what lies in the compiled model `dir`, whose program has the hash `program`.
    pub fn read(dir: &Path, program: [u8; 32]) -> Result<Self, TargetError> {
        let folder = dir.join(FOLDER);
        let wrong = |message: String| TargetError::Network {
            path: folder.clone(),
            message,
        };
        let write = |force: &str| format!("hodoscope rtl {}{force}", dir.display());
        if !folder.is_dir() {
            return Err(wrong(format!(
                "no Verilog there, and the network is part of the board; write it: {}",
                write("")
            )));
        }
        let again = || format!("write it again: {}", write(" --force"));
        let report = fs::read_to_string(folder.join("report.json"))
            .map_err(|error| wrong(format!("report.json: {error}; {}", again())))?;
        let report: Report = serde_json::from_str(&report)
            .map_err(|error| wrong(format!("report.json: {error}; {}", again())))?;
        if report.program_sha256 != hex(&program) {
            return Err(wrong(format!(
                "it was made from another program than {} has; {}",
                dir.display(),
                again()
            )));
        }
        let mut verilog = BTreeMap::new();
        for (path, content) in files::read_tree(&folder)? {
            let is_verilog = path.extension().is_some_and(|end| end == "v");
            let name = path.to_string_lossy().into_owned();
            if is_verilog && name != "testbench.v" {
                verilog.insert(name, content);
            }
        }
        if !verilog.contains_key(&format!("{INSTRUCTION}.v")) {
            return Err(wrong(format!("{INSTRUCTION}.v is not there; {}", again())));
        }
        let path = dir.join("program.txt");
        let text = fs::read_to_string(&path).map_err(TargetError::io("read", &path))?;
        let program = Program::from_text(&text)
            .map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        Ok(Self { program, verilog })
    }

    /// The firmware's `main.rs`.
    pub fn main(&self, board: &str) -> String {
        emit::main_of_network(&self.program, board)
    }
}
