//! Clocks of the Verilog of a model.

use anyhow::Result;
use hodoscope_program::Program;
use hodoscope_sim::encode::Events;
use serde_json::json;

use crate::commands::verify::own;
use crate::fabric::{Fabric, SOURCE};
use crate::model_dir::ModelDir;
use crate::report::{Report, number, thousands};

/// Events that are timed.
const EVENTS: usize = 64;

/// Counts the clocks of some events, and compares them with those that were stated.
pub fn latency(model: &ModelDir) -> Result<Report> {
    let program = &model.program;
    let fabric = Fabric::read(program, &model.dir, None)?;
    let stated = fabric.stated()?;
    let clocks = counted(program, &fabric)?;
    let (least, most) = (clocks.iter().min(), clocks.iter().max());
    let (least, most) = (*least.unwrap_or(&stated), *most.unwrap_or(&stated));
    let options = &fabric.report["options"];
    let mut text = format!("{} in fabric: {SOURCE} (clocks)\n", program.name);
    text += &match fabric.circuit.stream {
        Some(_) => format!(
            "  {most} clocks from the last constituent to the outputs, n - 1 more from the first; one constituent each clock\n"
        ),
        None => format!("  {most} clocks per event, one event each clock\n"),
    };
    let nanoseconds = options["clock_mhz"]
        .as_f64()
        .map(|mhz| f64::from(most) * 1e3 / mhz);
    if let Some(ns) = nanoseconds {
        text += &format!(
            "  {ns:.1} ns at the {} MHz that it was cut for, if a placement reaches them\n",
            options["clock_mhz"]
        );
    }
    text += &format!("  counted on {} events\n", thousands(clocks.len() as u64));
    let failed = (least, most) != (stated, stated);
    let failed = failed
        .then(|| format!("fabric: events took {least} to {most} clocks, and {stated} were stated"));
    Ok(Report {
        text,
        json: json!({
            "source": SOURCE,
            "stated_latency_clocks": stated,
            "least_latency_clocks": least,
            "most_latency_clocks": most,
            "initiation_interval_clocks": 1,
            "one_each_clock": fabric.report["one_each_clock"],
            "events": clocks.len(),
            "ns_at_the_clock_it_was_cut_for": nanoseconds.map(number),
        }),
        failed,
    })
}

fn counted(program: &Program, fabric: &Fabric) -> Result<Vec<u32>> {
    let none = Events::of_words(program, &[]);
    let vectors = own::vectors(program, none, EVENTS, 1)?;
    let mut clocks = Vec::new();
    for group in vectors.groups.iter().filter(|g| !g.events.is_empty()) {
        let answered = fabric.run(&group.events, 1)?;
        clocks.extend(answered.into_iter().map(|a| a.clocks));
    }
    Ok(clocks)
}
