//! Prices what the timing plugin recorded of any firmware with its two markers: `price ELF RECORDING CORE` writes
//! a line for every window, its instructions and its modelled cycles. Memory does not wait.
//!
//! `benches/peers` calls it, so that every engine is priced by the same table.

use std::path::Path;
use std::process::ExitCode;

use hodoscope_cost::{Core, Memory};
use hodoscope_sim::timing::{Lines, Recording, Timing};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [elf, recording, core] = &arguments[..] else {
        eprintln!("usage: price ELF RECORDING CORE");
        return ExitCode::from(2);
    };
    match price(Path::new(elf), Path::new(recording), core) {
        Ok(lines) => {
            print!("{lines}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("price: {error}");
            ExitCode::FAILURE
        }
    }
}

fn price(elf: &Path, recording: &Path, core: &str) -> Result<String, Box<dyn std::error::Error>> {
    let recording = Recording::parse(&std::fs::read(recording)?)?;
    let mut timing = Timing::new(elf, Core::named(core)?, Memory::default(), Lines::default())?;
    let prices = (0..recording.paths.len())
        .map(|path| timing.price(&recording, path))
        .collect::<Result<Vec<_>, _>>()?;
    let line = |path: &usize| {
        let total = prices[*path].total;
        format!("{} {}\n", total.instructions, total.cycles)
    };
    Ok(recording.events.iter().map(line).collect())
}
