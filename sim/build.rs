//! Embeds the sources of everything that runs on a target, so that an installed `hodoscope` builds
//! firmware without this repository.

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Embedded, relative to the repository.
const ROOTS: &[&str] = &[
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "firmware/Cargo.toml",
    "firmware/Cargo.lock",
    "firmware/emulator",
    "firmware/kernels",
    "firmware/menu",
    "firmware/wire",
    "firmware/trigger",
    "firmware/apps",
    "boards",
    "sim/rtl",
    "sim/timing-plugin",
];

/// Not embedded: what a build of the firmware does not read.
const SKIPPED: &[&str] = &[
    "target",
    "tests",
    "benches",
    "examples",
    "snapshots",
    "layouts",
];

fn main() -> Result<(), Box<dyn Error>> {
    let manifest_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("run by cargo")?);
    let repository = manifest_dir.parent().ok_or("sim lies in the repository")?;
    let mut files = Vec::new();
    for root in ROOTS {
        let path = repository.join(root);
        // A directory stands for everything in it, as cargo looks at modification times.
        println!("cargo::rerun-if-changed={}", path.display());
        if path.exists() {
            collect(&path, &mut files)?;
        }
    }
    // The order names the cache directory: it must not depend on the file system.
    files.sort();

    let mut generated = String::from("static FILES: &[(&str, &[u8])] = &[\n");
    for file in &files {
        let name: Vec<_> = file
            .strip_prefix(repository)?
            .iter()
            .map(OsStr::to_string_lossy)
            .collect();
        writeln!(
            generated,
            "    ({:?}, include_bytes!({:?})),",
            name.join("/"),
            file
        )?;
    }
    generated.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("run by cargo")?);
    fs::write(out.join("files.rs"), generated)?;
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !SKIPPED.contains(&&*name) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
