//! What of `benches/peers` can be checked without the peers: they are measured too rarely to find out there
//! that something no longer compiles.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use super::{HOME, tests};
use crate::{
    shell,
    steps::Outcome::{self, Done, Skipped},
    throughput::TRACT,
};

/// The bench firmware.
const BARE: &str = "benches/peers/bare/Cargo.toml";

/// Templates of engines that need nothing but the bench.
const ALONE: [&str; 2] = ["nothing", "c"];

/// Python and templates are well-formed, the bench firmware compiles for both architectures, and so does an engine; the
/// unit tests pass, where their environment was made.
pub fn check() -> Result<Outcome> {
    if shell::find("python3").is_none() {
        return Ok(Skipped("there is no python3".to_owned()));
    }
    let home = shell::target().join(HOME);
    shell::run(shell::cargo().args(["fmt", "--check", "--manifest-path", TRACT]))?;
    shell::run(
        shell::at_root("python3")
            .args([
                "-m",
                "compileall",
                "-q",
                "benches/peers",
                "benches/throughput",
            ])
            // Not beside the sources.
            .env("PYTHONPYCACHEPREFIX", home.join("pycache")),
    )?;
    templates(&home)?;
    for target in ["thumbv7em-none-eabihf", "riscv32imac-unknown-none-elf"] {
        compiles(BARE.as_ref(), target, &home)?;
    }
    for name in ALONE {
        let package = engine(name, &home)?;
        compiles(&package, "thumbv7em-none-eabihf", &home)?;
    }
    let python = home.join("venv/bin/python");
    if !python.is_file() {
        return Ok(Done(
            "unit tests NOT run: `cargo xtask peers` makes their environment".to_owned(),
        ));
    }
    tests(&python)?;
    Ok(Done(String::new()))
}

fn compiles(manifest: &Path, target: &str, home: &Path) -> Result<()> {
    shell::run(
        shell::cargo()
            .args(["check", "--quiet", "--target", target, "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(home.join("check")),
    )
}

/// Every template is Rust once its places are filled in.
fn templates(home: &Path) -> Result<()> {
    let filled = home.join("templates");
    let folder = shell::root().join("benches/peers/engines");
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        // A name may stand where a number, a type or a list may.
        let text = fill(&text, |_| "x");
        let file = filled.join(path.file_name().unwrap_or_default());
        write(&file, &text)?;
        // From standard input: modules that are generated are not looked for.
        let text = fs::File::open(&file).with_context(|| file.display().to_string())?;
        shell::output(
            shell::at_root("rustfmt")
                .args(["--edition", "2024", "--quiet"])
                .stdin(text),
        )
        .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The package of an engine that needs nothing; its manifest.
fn engine(name: &str, home: &Path) -> Result<std::path::PathBuf> {
    let package = home.join("alone").join(name);
    let template = shell::root().join(format!("benches/peers/engines/{name}.rs"));
    let text = fs::read_to_string(&template).with_context(|| template.display().to_string())?;
    write(&package.join("src/main.rs"), &fill(&text, |_| "4"))?;
    let bare = shell::root().join("benches/peers/bare");
    let bare = bare.to_str().context("the path is no text")?;
    let manifest = package.join("Cargo.toml");
    write(
        &manifest,
        &format!(
            "[workspace]\n\n[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[[bin]]\nname = \"{name}\"\n\
             path = \"src/main.rs\"\ntest = false\n\n[dependencies]\nhodoscope-peers-bare = {{ path = {bare:?} }}\n"
        ),
    )?;
    Ok(manifest)
}

/// The text with something in the place of each `@NAME@`.
fn fill<'a>(text: &str, value: impl Fn(&str) -> &'a str) -> String {
    let mut parts = text.split('@');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut place = true;
    for part in parts {
        filled += if place { value(part) } else { part };
        place = !place;
    }
    filled
}

fn write(path: &Path, text: &str) -> Result<()> {
    let Some(folder) = path.parent() else {
        bail!("{} is no file", path.display());
    };
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    fs::write(path, text).with_context(|| path.display().to_string())
}
