//! Golden files, and the crates of the reference models that are committed in `firmware/models`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    WORKSPACES,
    models::{Hodoscope, Model},
    shell,
};

/// Writes all of it again. What changed is for the reader of the diff to judge.
pub fn run(only: &[&str]) -> Result<()> {
    for_each(only, |model, new| {
        let old = model.firmware();
        if old.exists() {
            fs::remove_dir_all(&old).with_context(|| old.display().to_string())?;
        }
        for (path, bytes) in new {
            let path = old.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            }
            fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        }
        eprintln!("wrote firmware/models/{}", model.name);
        Ok(())
    })?;
    if only.is_empty() {
        for manifest in WORKSPACES {
            shell::run(
                shell::cargo()
                    .args([
                        "test",
                        "--workspace",
                        "--quiet",
                        "--manifest-path",
                        manifest,
                    ])
                    // Snapshots are written instead of compared.
                    .env("INSTA_UPDATE", "always")
                    .envs(shell::cache()),
            )?;
        }
        eprintln!("snapshots are written; see `git diff`");
    }
    Ok(())
}

/// Compares the committed crates with what the compiler writes today.
///
/// # Errors
/// Names the first file of each model that differs.
pub fn check(only: &[&str]) -> Result<()> {
    let mut stale = Vec::new();
    for_each(only, |model, new| {
        let old = files(&model.firmware())?;
        let paths = old.keys().chain(new.keys());
        if let Some(path) = paths.clone().find(|path| old.get(*path) != new.get(*path)) {
            stale.push(format!("firmware/models/{}/{}", model.name, path.display()));
        }
        Ok(())
    })?;
    if !stale.is_empty() {
        bail!(
            "not what the compiler writes: {}; `cargo xtask bless` writes them again",
            stale.join(", ")
        );
    }
    Ok(())
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Compiles each model and hands over the files of its crate.
fn for_each(only: &[&str], mut work: impl FnMut(&Model, Files) -> Result<()>) -> Result<()> {
    let models = Model::all(only)?;
    let hodoscope = Hodoscope::of_tests()?;
    for model in models {
        let home = shell::target().join("bless");
        fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
        let directory = home.join(&model.name);
        shell::run(&mut model.compile(&hodoscope, &directory))?;
        let new = files(&directory.join("crate"))?;
        if new.is_empty() {
            bail!("{}: `hodoscope compile` wrote no crate", model.name);
        }
        work(&model, new)?;
    }
    Ok(())
}

/// All files below `directory`, without what cargo leaves there; none where there is no directory.
fn files(directory: &Path) -> Result<Files> {
    let mut found = Files::new();
    if !directory.exists() {
        return Ok(found);
    }
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    open.push(path);
                }
                continue;
            }
            if path.file_name().is_some_and(|name| name == "Cargo.lock") {
                continue;
            }
            let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
            let short = path.strip_prefix(directory).unwrap_or(&path).to_owned();
            found.insert(short, bytes);
        }
    }
    Ok(found)
}
