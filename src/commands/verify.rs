//! `hodoscope verify`.

mod fabric;
pub mod own;
mod ways;

use std::path::PathBuf;

use anyhow::{Result, bail};
use hodoscope_program::Program;
use hodoscope_sim::encode::Events;
use hodoscope_sim::targets::BuildOptions;
use hodoscope_sim::targets::board::Runner;
use serde_json::{Value, json};

use crate::commands::trace::{self, FirstLayer};
use crate::execute::{self, Answers, Deployed, OutputSlice};
use crate::files::Columns;
use crate::model_dir::ModelDir;
use crate::notes;
use crate::place::Place;
use crate::report::{Report, thousands};

/// Compare every output of every event with the interpreter, bit for bit
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope verify pfn-qg --inputs models/pfn-qg/test.npz --on native mps2-an386 virt-rv32

Besides the given events, events of its own are compared: every limit of every field, masks, empty and overflowing sets, and words that are
searched for to reach table entries, saturations and branches. What all of them reached is reported, with a warning where that is little.
`native` computes in this process, `native-board` (and either with --checked) as a board does. There `push` and `finish`, `accepts` and `decide` are compared, too.

On a difference the exit code is 1, and output, event and the first layer that differs are named.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Events: arrays named by the model's inputs, first axis = events; npz, npy, parquet or HDF5 (FILE:GROUP); without
    /// them only events of its own
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    #[command(flatten)]
    columns: Columns,
    /// native, native-board, boards, or `fabric`: the Verilog that `hodoscope rtl DIR` wrote
    #[arg(long, value_name = "WHERE", required = true, num_args = 1.., value_delimiter = ',')]
    on: Vec<Place>,
    /// Where the Verilog is that `fabric` stands for [default: DIR/rtl]
    #[arg(long, value_name = "OUT")]
    rtl: Option<PathBuf>,
    /// Events of its own, 0 for none [default: 256; on soft-cores the first 16 of them]
    #[arg(long, value_name = "N")]
    own: Option<usize>,
    /// What the random words of its own events begin with [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A warning is a failed check
    #[arg(long)]
    strict: bool,
    /// Build crate and firmware with overflow checks, little optimised
    #[arg(long)]
    checked: bool,
}

/// Events of its own where nothing is said.
const OWN: usize = 256;
/// Of these on RTL, which simulates some hundred thousand cycles a second.
const OWN_ON_RTL: usize = 16;

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
    let count = args.own.unwrap_or(OWN);
    if args.inputs.is_none() && count == 0 {
        bail!("there is nothing to compare: give events with --inputs, or leave out --own 0");
    }
    if count == 0 && args.seed.is_some() {
        bail!("--seed: it is that of events of its own, and --own 0 makes none");
    }
    args.columns
        .unless_of_none(args.inputs.is_none(), "--inputs")?;
    let model = ModelDir::read(&args.dir)?;
    let program = &model.program;
    let given = match &args.inputs {
        Some(path) => execute::events(program, &args.columns.read(path)?)?,
        None => Events::of_words(program, &[]),
    };
    let vectors = own::vectors(program, given, count, args.seed.unwrap_or(1))?;
    let options = BuildOptions {
        checked: args.checked,
        ..BuildOptions::default()
    };
    let mut targets = Vec::new();
    let mut ways = None;
    if args.checked && names.iter().all(|name| *name == crate::fabric::NAME) {
        bail!("--checked: nothing is built for `fabric` that could have overflow checks");
    }
    if args.rtl.is_some() && !names.iter().any(|name| *name == crate::fabric::NAME) {
        bail!("--rtl: it is of use only with --on fabric");
    }
    for name in names {
        if name == crate::fabric::NAME {
            let rtl = args.rtl.as_deref();
            targets.push(fabric::target(
                &model,
                rtl,
                &vectors,
                args.seed.unwrap_or(1),
            )?);
            continue;
        }
        let deployed = Deployed::build(&model, name, &options)?;
        let mut target = Target::new(name, deployed.source());
        target.is_logic = deployed.board.has_network();
        let slow = matches!(deployed.board.runner, Runner::Rtl(_)) && args.own.is_none();
        for group in &vectors.groups {
            let few = match group.is_own && slow {
                true => group.first(program, OWN_ON_RTL),
                false => None,
            };
            let group = few.as_ref().unwrap_or(group);
            if group.events.is_empty() {
                continue;
            }
            let answers = deployed.run(&group.events, false)?;
            let has_first = target.first.is_some();
            compare(program, &mut target, group, &answers);
            // Where the network is an instruction there is no layer to be seen.
            let shows = !has_first && !target.is_logic;
            if let Some(first) = target.first.as_mut().filter(|_| shows) {
                first.layer = first_layer(&model, name, &options, &group.events, first.event)?;
            }
        }
        if matches!(deployed.board.runner, Runner::Native) && ways.is_none() {
            ways = Some(ways::compare(
                &model,
                &deployed.board,
                &options,
                &vectors.groups,
            )?);
        }
        targets.push(target);
    }
    Ok(report(
        &model,
        &vectors,
        &targets,
        ways.as_ref(),
        args.strict,
    ))
}

/// What one target computed.
struct Target {
    name: String,
    source: &'static str,
    events: usize,
    bits: u64,
    bits_different: u64,
    raws_different: u64,
    events_different: u64,
    first: Option<First>,
    /// Whether layers are logic, and cannot be shown.
    is_logic: bool,
    fabric: Option<fabric::Figures>,
}

/// The first difference.
struct First {
    is_own: bool,
    event: usize,
    output: String,
    channel: usize,
    expected: i64,
    got: Option<i64>,
    layer: Option<FirstLayer>,
}

impl Target {
    fn new(name: &str, source: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            source,
            events: 0,
            bits: 0,
            bits_different: 0,
            raws_different: 0,
            events_different: 0,
            first: None,
            is_logic: false,
            fabric: None,
        }
    }
}

fn compare(program: &Program, target: &mut Target, group: &own::Group, got: &Answers) {
    let outputs = execute::outputs(program);
    target.events += group.expected.len();
    for (event, expected) in group.expected.iter().enumerate() {
        let got = got.raws.event(event);
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
                        is_own: group.is_own,
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
}

/// Bits of the stored raw that differ; all of them where there is no answer.
pub fn different_bits(output: &OutputSlice, expected: i64, got: Option<i64>) -> u64 {
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

fn report(
    model: &ModelDir,
    vectors: &own::Vectors,
    targets: &[Target],
    ways: Option<&ways::Ways>,
    is_strict: bool,
) -> Report {
    let [given, own] = [false, true].map(|is_own| vectors.count(is_own));
    let mut text = format!(
        "{}: {} events and {} of its own, interpreter against each target\n",
        model.program.name,
        thousands(given as u64),
        thousands(own as u64)
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
        if target.events < given + own {
            text += &format!("    {} events only\n", thousands(target.events as u64));
        }
        if let Some(first) = &target.first {
            failures.push(failure(target, first));
        }
        if let Some(fabric) = &target.fabric {
            text += &fabric.text();
            failures.extend(fabric.failure());
        }
    }
    if let Some(ways) = ways {
        text += &ways.text();
        failures.extend(ways.failure());
    }
    text += &vectors.text();
    let warnings = vectors.warnings();
    for warning in &warnings {
        notes::say(format!("warning: {warning}"));
    }
    if is_strict && !warnings.is_empty() {
        failures.push(format!("--strict, and {} warnings", warnings.len()));
    }
    let json = json!({
        "model": model.program.name,
        "reference": "interpreter",
        "events": given,
        "own_events": own,
        "passed": failures.is_empty(),
        "targets": targets.iter().map(target_json).collect::<Vec<_>>(),
        "ways": ways.map(ways::Ways::json),
        "reached": vectors.json(),
        "warnings": warnings,
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
        "{}: {} events differ from the interpreter. First: {} {}, output `{}`, value {}: {} instead of {}",
        target.name,
        thousands(target.events_different),
        own::kind(first.is_own),
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
        None if target.is_logic => String::new(),
        None => ". A build that shows its layers does not differ in any".to_owned(),
    };
    text
}

fn target_json(target: &Target) -> Value {
    json!({
        "on": target.name,
        "source": target.source,
        "events": target.events,
        "bits_compared": target.bits,
        "bits_different": target.bits_different,
        "raws_different": target.raws_different,
        "events_different": target.events_different,
        "fabric": target.fabric.as_ref().map(fabric::Figures::json),
        "first_difference": target.first.as_ref().map(|first| json!({
            "is_own": first.is_own,
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
