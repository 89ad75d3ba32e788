//! `hodoscope verify`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use hodoscope_program::Program;
use hodoscope_sim::encode::Events;
use hodoscope_sim::npz::Npz;
use hodoscope_sim::targets::BuildOptions;
use serde_json::{Value, json};

use crate::commands::trace::{self, FirstLayer};
use crate::execute::{self, Answers, Deployed, OutputSlice};
use crate::model_dir::ModelDir;
use crate::place::Place;
use crate::report::{Report, thousands};

/// Compare every output of every event with the interpreter, bit for bit
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope verify pfn-qg --inputs models/pfn-qg/test.npz --on native mps2-an386 virt-rv32

On a difference the exit code is 1, and output, event and the first layer that differs are named.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Events: arrays named by the model's inputs, first axis = events
    #[arg(long, value_name = "X.npz")]
    inputs: PathBuf,
    /// native, or boards
    #[arg(long, value_name = "WHERE", required = true, num_args = 1.., value_delimiter = ',')]
    on: Vec<Place>,
    /// Build with overflow checks, little optimised
    #[arg(long)]
    checked: bool,
}

pub fn verify(args: &Args) -> Result<Report> {
    let mut names = Vec::new();
    for place in &args.on {
        match place {
            Place::Board(name) => names.push(name),
            _ => bail!(
                "--on {place}: every target is compared with the interpreter; name `native` or a board"
            ),
        }
    }
    let model = ModelDir::read(&args.dir)?;
    let npz = Npz::read(&args.inputs)?;
    let events = execute::events(&model.program, &npz)?;
    let expected = execute::interpret(&model.program, &events)?;
    let options = BuildOptions {
        checked: args.checked,
        ..BuildOptions::default()
    };
    let mut targets = Vec::new();
    for name in names {
        let deployed = Deployed::build(&model, name, &options)?;
        let answers = deployed.run(&events, false)?;
        let mut target = compare(&model.program, name, &expected, &answers);
        if let Some(first) = &mut target.first {
            first.layer = first_layer(&model, name, &options, &events, first.event)?;
        }
        targets.push(target);
    }
    Ok(report(&model, events.len(), &targets))
}

/// What one target computed.
struct Target {
    name: String,
    source: &'static str,
    bits: u64,
    bits_different: u64,
    raws_different: u64,
    events_different: u64,
    first: Option<First>,
}

/// The first difference.
struct First {
    event: usize,
    output: String,
    channel: usize,
    expected: i64,
    got: Option<i64>,
    layer: Option<FirstLayer>,
}

fn compare(program: &Program, name: &str, expected: &Answers, got: &Answers) -> Target {
    let outputs = execute::outputs(program);
    let mut target = Target {
        name: name.to_owned(),
        source: got.source,
        bits: 0,
        bits_different: 0,
        raws_different: 0,
        events_different: 0,
        first: None,
    };
    for (event, expected) in expected.raws.iter().enumerate() {
        let got = got.raws.get(event).map_or(&[][..], Vec::as_slice);
        let before = target.raws_different;
        for output in &outputs {
            for channel in 0..output.width {
                let index = output.start + channel;
                let (expected, got) = (expected[index], got.get(index).copied());
                let different = different_bits(output, expected, got);
                target.bits += u64::from(output.bits);
                target.bits_different += different;
                target.raws_different += u64::from(different > 0);
                if different > 0 && target.first.is_none() {
                    target.first = Some(First {
                        event,
                        output: output.name.clone(),
                        channel,
                        expected,
                        got,
                        layer: None,
                    });
                }
            }
        }
        target.events_different += u64::from(target.raws_different > before);
    }
    target
}

/// Bits of the stored raw that differ; all of them where there is no answer.
fn different_bits(output: &OutputSlice, expected: i64, got: Option<i64>) -> u64 {
    let Some(got) = got else {
        return output.bits.into();
    };
    let stored = u64::MAX >> (64 - output.bits);
    let bits = ((expected ^ got) as u64 & stored).count_ones();
    // Raws that differ only beyond their type differ all the same.
    u64::from(bits).max(u64::from(expected != got))
}

/// The first layer that differs, seen by a trace build.
fn first_layer(
    model: &ModelDir,
    name: &str,
    options: &BuildOptions,
    events: &Events,
    event: usize,
) -> Result<Option<FirstLayer>> {
    let options = BuildOptions {
        trace: true,
        ..*options
    };
    let payload = std::iter::once(events.payload(event));
    let layers = Deployed::build(model, name, &options)?
        .trace(payload)?
        .concat();
    let expected = execute::interpreter(&model.program)?.trace(&events.event(event))?;
    Ok(trace::first_layer(&model.program, &expected, &layers))
}

fn report(model: &ModelDir, events: usize, targets: &[Target]) -> Report {
    let mut text = format!(
        "{}: {} events, interpreter against each target\n",
        model.program.name,
        thousands(events as u64)
    );
    let mut failures = Vec::new();
    for target in targets {
        text += &format!(
            "  {} ({}): {} bits compared, {} different\n",
            target.name,
            target.source,
            thousands(target.bits),
            thousands(target.bits_different)
        );
        if let Some(first) = &target.first {
            failures.push(failure(target, first));
        }
    }
    let json = json!({
        "model": model.program.name,
        "reference": "interpreter",
        "events": events,
        "passed": failures.is_empty(),
        "targets": targets.iter().map(target_json).collect::<Vec<_>>(),
    });
    Report {
        text,
        json,
        failed: (!failures.is_empty()).then(|| failures.join("\n")),
    }
}

fn failure(target: &Target, first: &First) -> String {
    let got = first
        .got
        .map_or("no answer".to_owned(), |got| got.to_string());
    let mut text = format!(
        "{}: {} events differ from the interpreter. First: event {}, output `{}`, value {}: {} instead of {}",
        target.name,
        thousands(target.events_different),
        first.event,
        first.output,
        first.channel,
        got,
        first.expected
    );
    text += &match &first.layer {
        Some(layer) => format!(
            ". The first layer that differs is `{}` (row {}, channel {}): {} instead of {}",
            layer.name, layer.row, layer.channel, layer.got, layer.expected
        ),
        None => ". A build that shows its layers does not differ in any".to_owned(),
    };
    text
}

fn target_json(target: &Target) -> Value {
    json!({
        "on": target.name,
        "source": target.source,
        "bits_compared": target.bits,
        "bits_different": target.bits_different,
        "raws_different": target.raws_different,
        "events_different": target.events_different,
        "first_difference": target.first.as_ref().map(|first| json!({
            "event": first.event,
            "output": first.output,
            "channel": first.channel,
            "expected_raw": first.expected,
            "got_raw": first.got,
            "layer": first.layer.as_ref().map(|layer| json!({
                "name": layer.name,
                "row": layer.row,
                "channel": layer.channel,
                "expected_raw": layer.expected,
                "got_raw": layer.got,
            })),
        })),
    })
}
