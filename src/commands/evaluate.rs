//! `hodoscope evaluate`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use hodoscope_sim::encode::{EncodeError, Events};
use hodoscope_sim::metrics::{
    Bootstrap, BootstrapOptions, Classes, DecisionOrdering, Deviation, Rejection, Threshold, auc,
    auc_difference, decision_ordering, deviation, rejection, threshold_for_rate,
};
use hodoscope_sim::npz::Npz;
use hodoscope_sim::targets::similar;
use serde_json::{Value, json};

use crate::commands::run::encoding;
use crate::execute::{self, Answers, OutputSlice};
use crate::files::Columns;
use crate::float;
use crate::model_dir::ModelDir;
use crate::place::Place;
use crate::report::{Report, number, thousands};

/// Signal efficiencies at which background rejection is given.
const EFFICIENCIES: [f64; 2] = [0.3, 0.5];

/// Judge a compiled model: AUC, 1/ε_B, decision ordering against float, thresholds for rates
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope evaluate pfn-qg --inputs models/pfn-qg/test.npz --bootstrap 200

1/ε_B is interpolated linearly in ε_S between the points of the curve. The decision ordering is the
mean over all signal × background pairs of 1 where float and fixed order the pair the same way, 0
where oppositely, ½ where either ties. A threshold is the least raw score at which no more than the
target fraction of background is accepted.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Events, with an array `labels` (0 or −1 background, 1 signal); npz, parquet or HDF5, of which FILE:GROUP names a group
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    #[command(flatten)]
    columns: Columns,
    /// What computes the fixed-point score: interpreter, native, a board, or `fabric`
    #[arg(long, value_name = "WHERE", default_value = "interpreter")]
    on: Place,
    /// The score, where it is not the first output's only value
    #[arg(long, value_name = "OUTPUT[:CHANNEL]")]
    score: Option<String>,
    /// Label of the signal; events with another label that is not 0 are left out
    #[arg(long, value_name = "LABEL")]
    signal: Option<i64>,
    /// Background fractions for which thresholds are given
    #[arg(
        long,
        value_name = "FRACTION",
        value_delimiter = ',',
        default_value = "0.1,0.01,0.001"
    )]
    acceptance: Vec<f64>,
    /// Replicas of a paired bootstrap of the AUC difference [default: 0, none]
    #[arg(long, value_name = "N")]
    bootstrap: Option<usize>,
    /// Seed of the bootstrap [default: 1]
    #[arg(long, value_name = "SEED", requires = "bootstrap")]
    seed: Option<u64>,
}

impl Args {
    fn check(&self) -> Result<()> {
        let bad = |fraction: &&f64| !(0.0..=1.0).contains(*fraction);
        if let Some(fraction) = self.acceptance.iter().find(bad) {
            bail!("--acceptance {fraction}: a fraction lies between 0 and 1");
        }
        if self.bootstrap == Some(1) {
            bail!("--bootstrap 1: a standard error needs at least two replicas");
        }
        Ok(())
    }
}

/// Everything that is judged, events that are left out already gone.
struct Scores {
    classes: Classes,
    float: Vec<f64>,
    raws: Vec<i64>,
    lsb: f64,
    left_out: usize,
}

struct Figures {
    auc: [f64; 2],
    rejections: Vec<[Rejection; 2]>,
    ordering: DecisionOrdering,
    deviation: Deviation,
    thresholds: Vec<Threshold>,
    bootstrap: Option<Bootstrap>,
}

pub fn evaluate(args: &Args) -> Result<Report> {
    let model = ModelDir::read(&args.dir)?;
    let npz = args.columns.read(&args.inputs)?;
    judge(args, &model, &npz, |events| {
        execute::run(&model, &args.on, events)
    })
}

/// Judges `model` by the events of `npz`, of which `run` computes the raws.
pub fn judge(
    args: &Args,
    model: &ModelDir,
    npz: &Npz,
    run: impl FnOnce(&Events) -> Result<Answers>,
) -> Result<Report> {
    args.check()?;
    let (output, channel) = chosen(model, args.score.as_deref())?;
    let labels = npz.events("labels")?;
    let signal = signal_of_events(labels, args.signal)?;
    let events = execute::events(&model.program, npz)?;
    if signal.len() != events.len() {
        return Err(EncodeError::Disagree {
            path: npz.path().into(),
            what: "events",
            first: model.program.inputs[0].name.clone(),
            first_extent: events.len(),
            second: "labels".to_owned(),
            second_extent: signal.len(),
        }
        .into());
    }
    let (float, float_source) = float_scores(model, npz, &output, channel, events.len())?;
    let answers = run(&events)?;
    let raws = answers.raws.iter().map(|raws| raws[output.start + channel]);
    let kept = |event: usize| signal[event].is_some();
    let scores = Scores {
        classes: Classes::new(signal.iter().copied().flatten().collect())
            .with_context(|| format!("{}: array `labels`", npz.path().display()))?,
        float: (0..float.len())
            .filter(|&e| kept(e))
            .map(|e| float[e])
            .collect(),
        raws: raws
            .enumerate()
            .filter(|&(e, _)| kept(e))
            .map(|(_, raw)| raw)
            .collect(),
        lsb: output.lsb(channel),
        left_out: signal.iter().filter(|signal| signal.is_none()).count(),
    };
    let figures = figures(&scores, args)?;
    let name = if output.width == 1 {
        output.name.clone()
    } else {
        format!("{}:{channel}", output.name)
    };
    let text = text(&scores, &figures, &name, float_source, answers.source);
    let mut json = json(&scores, &figures);
    json["model"] = json!(model.program.name);
    json["score"] = json!(name);
    json["float_source"] = json!(float_source);
    json["fixed_source"] = json!(answers.source);
    json["on"] = json!(args.on.to_string());
    json["encoding"] = encoding(events.report());
    Ok(Report::new(text, json))
}

/// The output and channel that are the score.
fn chosen(model: &ModelDir, wanted: Option<&str>) -> Result<(OutputSlice, usize)> {
    let outputs = execute::outputs(&model.program);
    let list = || {
        let all = outputs
            .iter()
            .map(|o| format!("`{}` ({} values)", o.name, o.width));
        all.collect::<Vec<_>>().join(", ")
    };
    let find = |name: &str| outputs.iter().find(|output| output.name == name);
    let Some(wanted) = wanted else {
        return match outputs.first() {
            Some(first) if first.width == 1 => Ok((first.clone(), 0)),
            _ => bail!(
                "the first output is no single value; name one with --score OUTPUT[:CHANNEL], or compile with --score mse or sum-squares:OUTPUT: {}",
                list()
            ),
        };
    };
    if let Some(output) = find(wanted) {
        if output.width != 1 {
            bail!(
                "--score {wanted}: it has {} values; add :CHANNEL",
                output.width
            );
        }
        return Ok((output.clone(), 0));
    }
    let (name, channel) = wanted.rsplit_once(':').unwrap_or((wanted, "0"));
    let output = find(name).with_context(|| {
        let names = outputs.iter().map(|output| output.name.as_str());
        let meant = similar::told(name, names);
        format!("--score {wanted}{meant}: the outputs are {}", list())
    })?;
    match channel.parse::<usize>() {
        Ok(channel) if channel < output.width => Ok((output.clone(), channel)),
        _ => bail!("--score {wanted}: channels are 0 to {}", output.width - 1),
    }
}

/// Whether each event is signal; none for one that is left out.
fn signal_of_events(
    labels: &hodoscope_sim::npz::Array,
    signal: Option<i64>,
) -> Result<Vec<Option<bool>>> {
    if labels.per_event() != 1 {
        return Err(labels.wrong_shape("(events,)").into());
    }
    let labels_of_events = labels.integers()?;
    // As some frameworks have them: −1 is background, and 1 is signal.
    let is_signed = labels_of_events.contains(&-1)
        && labels_of_events.iter().all(|&label| label.abs() == 1)
        && signal.is_none_or(|signal| signal == 1);
    let of = |(event, label): (usize, i64)| {
        match (label, signal) {
        (-1, _) if is_signed => Ok(Some(false)),
        (0, _) => Ok(Some(false)),
        (label, Some(signal)) => Ok((label == signal).then_some(true)),
        (1, None) => Ok(Some(true)),
        (other, None) => Err(labels
            .bad_value(
                event,
                format!("label {other} is neither 0 (background) nor 1 (signal), nor are all −1 and 1; name the signal with --signal {other}"),
            )
            .into()),
    }
    };
    labels_of_events.into_iter().enumerate().map(of).collect()
}

/// The float score: the array `OUTPUT.float` where the file has it, else the graph computes it.
fn float_scores(
    model: &ModelDir,
    npz: &Npz,
    output: &OutputSlice,
    channel: usize,
    events: usize,
) -> Result<(Vec<f64>, &'static str)> {
    let name = format!("{}.float", output.name);
    let (values, width, source) = if npz.contains(&name) {
        let array = npz.events(&name)?;
        if array.event_count() != events || array.per_event() != output.width {
            return Err(array
                .wrong_shape(&format!("({events}, {})", output.width))
                .into());
        }
        (
            array.floats()?,
            output.width,
            "OUTPUT.float of the inputs file",
        )
    } else {
        let outputs = float::outputs(model, npz)?;
        let found = outputs.into_iter().find(|float| float.name == output.name);
        let found =
            found.with_context(|| format!("the float model has no output `{}`", output.name))?;
        (found.values, found.width, "float graph")
    };
    let score = values.chunks(width).map(|row| row[channel]).collect();
    Ok((score, source))
}

fn figures(scores: &Scores, args: &Args) -> Result<Figures> {
    let Scores {
        classes,
        float,
        raws,
        ..
    } = scores;
    let fixed: Vec<f64> = raws.iter().map(|&raw| raw as f64 * scores.lsb).collect();
    let rejections = EFFICIENCIES
        .iter()
        .map(|&at| {
            Ok([
                rejection(float, classes, at)?,
                rejection(raws, classes, at)?,
            ])
        })
        .collect::<Result<_>>()?;
    let thresholds = args
        .acceptance
        .iter()
        .map(|&target| Ok(threshold_for_rate(raws, classes, target)?))
        .collect::<Result<_>>()?;
    let options = BootstrapOptions {
        replicas: args.bootstrap.unwrap_or(0),
        seed: args.seed.unwrap_or(1),
    };
    let bootstrap = match args.bootstrap.unwrap_or(0) {
        0 => None,
        _ => Some(auc_difference(raws, float, classes, options)?),
    };
    Ok(Figures {
        auc: [auc(float, classes)?, auc(raws, classes)?],
        rejections,
        ordering: decision_ordering(float, raws, classes)?,
        deviation: deviation(&fixed, float),
        thresholds,
        bootstrap,
    })
}

fn text(scores: &Scores, figures: &Figures, name: &str, float: &str, fixed: &str) -> String {
    let mut lines = vec![
        format!(
            "score {name}: {} signal and {} background events{}",
            thousands(scores.classes.signals() as u64),
            thousands(scores.classes.backgrounds() as u64),
            match scores.left_out {
                0 => String::new(),
                n => format!(", {} of other labels left out", thousands(n as u64)),
            }
        ),
        format!("  float from: {float}; fixed from: {fixed}"),
        format!(
            "  AUC                 float {:.5}   fixed {:.5}   difference {:+.5}",
            figures.auc[0],
            figures.auc[1],
            figures.auc[1] - figures.auc[0]
        ),
    ];
    if figures.auc[1] < 0.5 && figures.auc[0] < 0.5 {
        lines.push(format!(
            "  the AUC is below ½: larger values of {name} are background's here; is it a probability of background, or does `labels` count signal as 0? A trigger on it accepts background"
        ));
    }
    if let Some(b) = &figures.bootstrap {
        lines.push(format!(
            "  AUC fixed − float   {:+.5} ± {:.5}, 95 % in [{:+.5}, {:+.5}] ({} replicas, seed {})",
            b.difference, b.standard_error, b.lower, b.upper, b.options.replicas, b.options.seed
        ));
    }
    for [float, fixed] in &figures.rejections {
        lines.push(format!(
            "  1/ε_B at ε_S = {:.0} %  float {}   fixed {}",
            100.0 * float.signal_efficiency,
            rejected(float),
            rejected(fixed)
        ));
    }
    let ordering = &figures.ordering;
    lines.push(format!(
        "  decision ordering   {:.5} over {} pairs, ties {:.3} %",
        ordering.ordering,
        thousands(ordering.pairs),
        100.0 * ordering.tie_fraction
    ));
    let d = &figures.deviation;
    lines.push(format!(
        "  fixed − float       largest {:.3e} (judged event {}), rms {:.3e}, mean {:+.3e}; one count is {:.3e}",
        d.largest, d.at, d.rms, d.mean, scores.lsb
    ));
    for t in &figures.thresholds {
        lines.push(format!(
            "  accept {:>8} of background: raw ≥ {} (value ≥ {:.6}), then ε_B = {:.5}, ε_S = {:.5}",
            t.target,
            t.raw,
            t.raw as f64 * scores.lsb,
            t.background_efficiency,
            t.signal_efficiency
        ));
    }
    lines.join("\n") + "\n"
}

fn rejected(rejection: &Rejection) -> String {
    match (rejection.rejection, rejection.standard_error) {
        (Some(value), Some(error)) => format!("{value:.1} ± {error:.1}"),
        _ => "∞ (no background passes)".to_owned(),
    }
}

fn json(scores: &Scores, figures: &Figures) -> Value {
    let rejection = |r: &Rejection| {
        json!({
            "rejection": r.rejection,
            "standard_error": r.standard_error,
            "background_efficiency": r.background_efficiency,
        })
    };
    let ordering = &figures.ordering;
    json!({
        "signal_events": scores.classes.signals(),
        "background_events": scores.classes.backgrounds(),
        "left_out_events": scores.left_out,
        "auc_float": figures.auc[0],
        "auc_fixed": figures.auc[1],
        "auc_difference": figures.auc[1] - figures.auc[0],
        "bootstrap": figures.bootstrap.as_ref().map(|b| json!({
            "auc_difference": b.difference,
            "standard_error": number(b.standard_error),
            "lower_95_percent": b.lower,
            "upper_95_percent": b.upper,
            "replicas": b.options.replicas,
            "seed": b.options.seed,
        })),
        "background_rejection": figures.rejections.iter().map(|[float, fixed]| json!({
            "signal_efficiency": float.signal_efficiency,
            "float": rejection(float),
            "fixed": rejection(fixed),
        })).collect::<Vec<_>>(),
        "decision_ordering": ordering.ordering,
        "tie_fraction": ordering.tie_fraction,
        "pairs": ordering.pairs,
        "pairs_ordered_oppositely": ordering.opposite,
        "largest_deviation": number(figures.deviation.largest),
        "rms_deviation": number(figures.deviation.rms),
        "mean_deviation": number(figures.deviation.mean),
        "value_of_one_count": scores.lsb,
        "thresholds": figures.thresholds.iter().map(|t| json!({
            "target_background_efficiency": t.target,
            "threshold_raw": t.raw,
            "threshold_value": t.raw as f64 * scores.lsb,
            "background_efficiency": t.background_efficiency,
            "signal_efficiency": t.signal_efficiency,
        })).collect::<Vec<_>>(),
    })
}
