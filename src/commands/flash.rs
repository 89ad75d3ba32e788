//! `hodoscope flash`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_sim::elf::Elf;
use hodoscope_sim::targets::board::Flashing;
use hodoscope_sim::targets::{Board, Built, TargetError, flash as flashing};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::execute;
use crate::menu_dir::{self, MenuDir};
use crate::model_dir::ModelDir;
use crate::own_boards;
use crate::report::{Report, hex, thousands};

/// Build a model's firmware for a real board, and write it into the board's flash
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope flash ae-qcd --on pico --dry-run
  hodoscope flash ae-qcd --on nucleo-f446re

A board with a boot loader takes a UF2 file on the drive that it shows; others are written by `probe-rs`, which must be installed. The
firmware bears the program's hash, the board and a version, and answers with them: `hodoscope replay … --port` checks them first.

The exit code is 3 when there is no board, no drive or no tool.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it, or a menu of several, menu.toml
    dir: PathBuf,
    /// The board
    #[arg(long, value_name = "BOARD")]
    on: String,
    /// Build, check and write the image, say each step, and leave the board alone
    #[arg(long)]
    dry_run: bool,
    /// Write the image here, too: UF2 or ELF, as the board takes it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The drive that the board shows [default: the mounted one of its name]
    #[arg(long, value_name = "PATH")]
    drive: Option<PathBuf>,
}

pub fn flash(args: &Args) -> Result<Report> {
    let subject = Of::read(&args.dir)?;
    let board = own_boards::find(&args.on)?;
    let Some(method) = board.flashing.clone() else {
        bail!(
            "{} has no flash to write: `hodoscope replay {} --on {}` starts it",
            board.name,
            args.dir.display(),
            board.name
        );
    };
    if args.drive.is_some() && !matches!(method, Flashing::Uf2 { .. }) {
        bail!("--drive: {} is written through a debugger", board.name);
    }
    if let Some(path) = &args.output {
        check_output(path)?;
    }
    let built = subject.build(&board)?;
    let sizes = Elf::read(&built.elf)?.sizes();
    fits(&board, sizes.flash(), sizes.ram())?;

    let cached = flashing::image(&built.elf, &method);
    let bytes = fs::read(&cached).with_context(|| format!("cannot read {}", cached.display()))?;
    let image = match &args.output {
        Some(path) => {
            fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
            path.clone()
        }
        None => cached,
    };
    let steps = steps(&board, &method, &image, bytes.len(), args.drive.as_deref());
    if !args.dry_run {
        write(&board, &method, &image, args.drive.as_deref())?;
    }

    let program = hex(&built.identity.program[..6]);
    let of = |limit: Option<u64>| limit.map_or("?".to_owned(), thousands);
    let mut text = format!(
        "{} for {}: app {}, program {program}…\n  {} of {} bytes of flash, {} of {} bytes of RAM without stack\n",
        subject.name(),
        board.name,
        board.app,
        thousands(sizes.flash()),
        of(board.flash),
        thousands(sizes.ram()),
        of(board.ram),
    );
    for (number, step) in (1..).zip(&steps) {
        text += &format!("  {number}. {step}\n");
    }
    let done = if args.dry_run {
        "a dry run: only the image was written"
    } else {
        "done"
    };
    text += &format!(
        "  {done}; then: hodoscope replay {} --inputs X.npz --on {} --port PORT\n",
        args.dir.display(),
        board.name
    );
    let json = json!({
        "model": subject.name(),
        "board": board.name,
        "app": board.app,
        "program_sha256": hex(&built.identity.program),
        "image": image.display().to_string(),
        "image_sha256": hex(&Sha256::digest(&bytes)),
        "image_bytes": bytes.len(),
        "flash_bytes": sizes.flash(),
        "ram_bytes_without_stack": sizes.ram(),
        "steps": steps,
        "written": !args.dry_run,
    });
    Ok(Report::new(text, json))
}

/// What a firmware is of.
enum Of {
    Model(Box<ModelDir>),
    Menu(Box<MenuDir>),
}

impl Of {
    fn read(path: &Path) -> Result<Self> {
        Ok(if menu_dir::is_menu(path) {
            Self::Menu(Box::new(MenuDir::read(path)?))
        } else {
            Self::Model(Box::new(ModelDir::read(path)?))
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::Model(model) => &model.program.name,
            Self::Menu(menu) => &menu.menu.name,
        }
    }

    fn build(&self, board: &Board) -> Result<Built> {
        match self {
            Self::Menu(menu) => menu.build(board),
            Self::Model(model) => execute::firmware(model, board),
        }
    }
}

/// An image that is there may be replaced by another one; nothing else may.
fn check_output(path: &Path) -> Result<()> {
    match fs::read(path) {
        Ok(old) if old.starts_with(b"UF2\n") || old.starts_with(b"\x7fELF") => Ok(()),
        Ok(_) => bail!(
            "{}: exists and is no image; nothing was written",
            path.display()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{}", path.display())),
    }
}

fn fits(board: &Board, flash: u64, ram: u64) -> Result<()> {
    for (what, needed, there) in [("flash", flash, board.flash), ("RAM", ram, board.ram)] {
        if let Some(there) = there.filter(|there| needed > *there) {
            return Err(TargetError::Flash {
                board: board.name.clone(),
                message: format!(
                    "the firmware takes {} bytes of {what}, and there are {}",
                    thousands(needed),
                    thousands(there)
                ),
            }
            .into());
        }
    }
    Ok(())
}

/// What is done, one after the other.
fn steps(
    board: &Board,
    method: &Flashing,
    image: &Path,
    bytes: usize,
    drive: Option<&Path>,
) -> Vec<String> {
    let size = thousands(bytes as u64);
    match method {
        Flashing::Uf2 { volume, .. } => vec![
            format!("the image, {size} bytes of UF2: {}", image.display()),
            format!(
                "hold the button BOOTSEL while {} is plugged in: it shows a drive {volume}",
                board.name
            ),
            match drive {
                Some(drive) => format!("copy the image to {}; the board restarts", drive.display()),
                None => format!("copy the image to the drive {volume}; the board restarts"),
            },
        ],
        Flashing::ProbeRs { chip } => {
            let mut steps = vec![format!(
                "the image, {size} bytes of ELF: {}",
                image.display()
            )];
            let calls = flashing::probe_rs(image, chip);
            steps.extend(calls.map(|arguments| format!("probe-rs {}", arguments.join(" "))));
            steps
        }
    }
}

fn write(board: &Board, method: &Flashing, image: &Path, drive: Option<&Path>) -> Result<()> {
    match method {
        Flashing::Uf2 { volume, .. } => {
            let found = drive
                .map(Path::to_owned)
                .or_else(|| flashing::drive(volume));
            let Some(drive) = found else {
                return Err(TargetError::Flash {
                    board: board.name.clone(),
                    message: format!(
                        "no drive {volume} is mounted; hold BOOTSEL while the board is plugged in and run this again, name it with --drive, or copy {} there",
                        image.display()
                    ),
                }
                .into());
            };
            flashing::copy(image, &drive, board)?;
        }
        Flashing::ProbeRs { chip } => flashing::through_debugger(image, chip, board)?,
    }
    Ok(())
}
