//! `hodoscope cache`.

use anyhow::Result;
use hodoscope_sim::targets::{Cache, Cached, cached, clean};
use serde_json::json;

use crate::report::{Report, Table, thousands};

/// Show what builds keep, and remove it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope cache
  hodoscope cache --clean

The cache lies in $HODOSCOPE_CACHE, or else $XDG_CACHE_HOME/hodoscope or ~/.cache/hodoscope. What is removed is built again when it is
needed; cores of soft-cores that were fetched stay. What was built is run only while its SHA-256 is what it was.")]
pub struct Args {
    /// Show the size of each folder; so does the command without options
    #[arg(long)]
    size: bool,
    /// Remove what builds made, unless one is under way
    #[arg(long, conflicts_with = "size")]
    clean: bool,
}

pub fn cache(args: &Args) -> Result<Report> {
    let cache = Cache::from_env()?;
    let folders = match args.clean {
        true => clean(&cache)?.removed,
        false => cached(&cache)?,
    };
    let total: u64 = folders.iter().map(|folder| folder.bytes).sum();
    let mut table = Table::new(["folder", "files", "bytes"]);
    for Cached { name, files, bytes } in &folders {
        table.row([(*name).to_owned(), thousands(*files), thousands(*bytes)]);
    }
    let done = if args.clean { "removed from" } else { "in" };
    let root = cache.root().display().to_string();
    let text = match folders.is_empty() {
        true => format!("nothing is in {root}\n"),
        false => format!("{table}  {} bytes {done} {root}\n", thousands(total)),
    };
    let folders = folders.iter().map(
        |folder| json!({ "name": folder.name, "files": folder.files, "size_bytes": folder.bytes }),
    );
    let json = json!({
        "cache": root,
        "removed": args.clean,
        "size_bytes": total,
        "folders": folders.collect::<Vec<_>>(),
    });
    Ok(Report::new(text, json))
}
