//! `hodoscope boards`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::own_boards;
use crate::report::{Report, Table};

/// List the boards that --on takes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hodoscope boards")]
pub struct Args {}

pub fn boards(_: &Args) -> Result<Report> {
    let boards = own_boards::names()
        .iter()
        .map(|name| own_boards::find(name))
        .collect::<Result<Vec<_>, _>>()?;
    let mut table = Table::new(["board", "processor", "clock", "flash", "RAM", "target"]);
    let size = |bytes: Option<u64>| match bytes {
        Some(bytes) => format!("{} KiB", bytes / 1024),
        None => "–".to_owned(),
    };
    for board in &boards {
        let clock = board.clock_hz.map(|hz| format!("{} MHz", hz as f64 / 1e6));
        table.row([
            board.name.clone(),
            board.cpu.clone(),
            clock.unwrap_or_else(|| "–".to_owned()),
            size(board.flash),
            size(board.ram),
            board
                .target
                .clone()
                .unwrap_or_else(|| "this machine".to_owned()),
        ]);
    }
    let json: Vec<Value> = boards
        .iter()
        .map(|board| {
            json!({
                "name": board.name,
                "description": board.description,
                "cpu": board.cpu,
                "target": board.target,
                "clock_hz": board.clock_hz,
                "flash_bytes": board.flash,
                "ram_bytes": board.ram,
            })
        })
        .collect();
    Ok(Report::new(table.to_string(), json!({ "boards": json })))
}
