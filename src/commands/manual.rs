//! `hodoscope completions` and `hodoscope man`: what a package of the command installs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use crate::report::Report;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope completions bash > ~/.local/share/bash-completion/completions/hodoscope
  hodoscope completions zsh > ~/.zfunc/_hodoscope
  hodoscope completions fish > ~/.config/fish/completions/hodoscope.fish")]
pub struct CompletionArgs {
    /// The shell
    shell: Shell,
}

/// Write the manual pages into a directory: one of the command, and one of each subcommand
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hodoscope man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Where they go; it is made. Pages of these names are replaced
    dir: PathBuf,
}

/// `definition` is the command's.
pub fn completions(args: &CompletionArgs, mut definition: Command) -> Result<Report> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition, "hodoscope", &mut script);
    let text = String::from_utf8(script).context("completions are no text")?;
    let json = json!({ "shell": args.shell.to_string(), "script": text });
    Ok(Report::new(text, json))
}

/// `definition` is the command's.
pub fn man(args: &ManArgs, mut definition: Command) -> Result<Report> {
    let dir = &args.dir;
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    // Options of all subcommands stand on each page.
    definition.build();
    let mut pages = vec![page(dir, definition.clone(), "hodoscope")?];
    for subcommand in definition.get_subcommands() {
        if subcommand.get_name() != "help" {
            let name = format!("hodoscope-{}", subcommand.get_name());
            pages.push(page(dir, subcommand.clone(), &name)?);
        }
    }
    let text = format!("{} pages written to {}\n", pages.len(), dir.display());
    Ok(Report::new(text, json!({ "written": pages })))
}

/// Writes the page of a command, and returns its path.
fn page(dir: &Path, command: Command, name: &str) -> Result<String> {
    let path = dir.join(format!("{name}.1"));
    let mut text = Vec::new();
    Man::new(command)
        .title(name)
        .render(&mut text)
        .context(name.to_owned())?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.display().to_string())
}
