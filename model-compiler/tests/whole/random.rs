//! Random graphs with choices, bounds, roundings, comparisons, order and computed indices, compiled at 16 bits and held to
//! the float executor at every output.
//!
//! `HODOSCOPE_RANDOM_GRAPHS=1000` tries so many, from `HODOSCOPE_RANDOM_FIRST` on; a single one is shown.

use crate::graphs;
use crate::judge::{self, Verdict};

/// Graphs of a usual run.
const GRAPHS: u64 = 500;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn random_graphs_keep_to_the_floats() {
    let first = number("HODOSCOPE_RANDOM_FIRST", 0);
    let graphs = number("HODOSCOPE_RANDOM_GRAPHS", GRAPHS);
    let (mut wrong, mut refused, mut outputs, mut unjudged) = (vec![], vec![], 0, 0);
    let mut misnamed = vec![];
    for seed in first..first + graphs {
        let case = graphs::case(seed);
        if graphs == 1 {
            println!("{}", graphs::listing(&case.graph));
        }
        let found = judge::judge(&case);
        match found {
            Err(reason) => refused.push(format!("{seed}: {reason}")),
            Ok(judgement) => {
                let values = judgement.misnamed.into_iter();
                misnamed.extend(values.map(|value| format!("{seed}, value {value}")));
                for (index, verdict) in judgement.outputs.into_iter().enumerate() {
                    outputs += 1;
                    match verdict {
                        Verdict::Holds => {}
                        Verdict::Unjudged => unjudged += 1,
                        Verdict::Wrong(reason) => {
                            wrong.push(format!("{seed}, output {index}: {reason}"));
                        }
                    }
                }
            }
        }
    }
    println!(
        "{graphs} graphs, {outputs} outputs: {} wrong, {} graphs refused, {unjudged} outputs beside steps",
        wrong.len(),
        refused.len()
    );
    for line in wrong.iter().chain(&refused).chain(&misnamed) {
        println!("{line}");
    }
    assert!(misnamed.is_empty(), "{misnamed:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(refused.len() as u64 * 20 <= graphs, "{refused:#?}");
    assert!(unjudged * 5 <= outputs, "{unjudged} of {outputs} unjudged");
}
