//! The float reference: the model as it was given, run by the graph's executor.

use std::path::Path;

use anyhow::{Context, Result, bail};
use hodoscope_compiler::graph::{Executor, Graph, simplify};
use hodoscope_compiler::import;
use hodoscope_compiler::quantise::Score;
use hodoscope_program::{Encoding, Field, Program};
use hodoscope_sim::npz::{Array, Jagged, Npz, Values};

use crate::model_dir::ModelDir;
use crate::notes;
use crate::progress;

/// Reads a model, as it is.
pub fn imported(path: &Path, options: &import::Options) -> Result<Graph> {
    let named = || path.display().to_string();
    if !path.exists() {
        bail!("{}: no such file", named());
    }
    import::load_with(path, options).with_context(named)
}

/// Reads and simplifies a model.
pub fn load(path: &Path, options: &import::Options) -> Result<Graph> {
    let named = || path.display().to_string();
    simplify(&imported(path, options)?).with_context(named)
}

/// The values of each of the graph's inputs for all events: `(events, values)`, values in the
/// inputs' own units.
///
/// `fields` gives the fields of an input where they are stated: integers are its words, unless the compiler made the
/// words itself.
pub fn inputs(
    graph: &Graph,
    npz: &Npz,
    fields: impl Fn(&str) -> Vec<Field>,
) -> Result<(usize, Vec<Vec<f32>>)> {
    let mut first: Option<(&str, usize)> = None;
    let mut all = Vec::new();
    for input in graph.inputs() {
        let padded;
        let array = match npz.jagged(&input.name) {
            Some(jagged) => {
                padded = padded_rows(jagged, graph.elements(input.value), npz)?;
                &padded
            }
            None => npz.events(&input.name)?,
        };
        // The batch stays as axis 0, with extent 1.
        let shape = graph.shape(input.value);
        let elements = graph.elements(input.value);
        let matches = array.per_event() == elements
            && (array.shape().len() < 3 || shape.len() < 3 || array.shape()[1] == shape[1]);
        if !matches {
            let extents = shape.iter().skip(1).map(|extent| format!(", {extent}"));
            return Err(array
                .wrong_shape(&format!("(events{})", extents.collect::<String>()))
                .into());
        }
        let events = array.event_count();
        match first {
            Some((name, other)) if other != events => bail!(
                "{}: `{name}` has {other} events, `{}` has {events}",
                npz.path().display(),
                input.name
            ),
            _ => first = Some((&input.name, events)),
        }
        let mut values = floats(array, &fields(&input.name))?;
        let count = format!("{}.count", input.name);
        if npz.contains(&count) && shape.len() > 1 {
            clear_beyond(&mut values, npz.events(&count)?, events, shape[1])?;
        }
        all.push(values);
    }
    let Some((_, events)) = first else {
        bail!("the model has no inputs");
    };
    Ok((events, all))
}

/// Rows of events with different numbers of them, in the slots of an input with `elements`.
fn padded_rows(jagged: &Jagged, elements: usize, npz: &Npz) -> Result<Array> {
    let width = jagged.content().per_event().max(1);
    if !elements.is_multiple_of(width) {
        return Err(jagged
            .wrong_shape(&format!("rows that fill an input of {elements} values"))
            .into());
    }
    let slots = elements / width;
    let (padded, beyond) = jagged.padded_to(slots);
    if beyond > 0 {
        notes::say(format!(
            "warning: {}: {beyond} rows of `{}` are beyond the {slots} slots of the float network, which takes the first ones of an event: sort them, hardest first",
            npz.path().display(),
            jagged.content().name()
        ));
    }
    Ok(padded)
}

/// Values as `f32`; words are decoded.
fn floats(array: &Array, fields: &[Field]) -> Result<Vec<f32>> {
    let values = array.floats()?;
    Ok(match array.values() {
        Values::Integer(_) if !fields.is_empty() => values
            .into_iter()
            .zip(fields.iter().cycle())
            .map(|(integer, field)| match field.encoding {
                Encoding::Calibrated => integer as f32,
                _ => ((integer - field.zero_point() as f64) * field.lsb.0) as f32,
            })
            .collect(),
        _ => values.into_iter().map(|value| value as f32).collect(),
    })
}

/// Empties the slots that the count says hold nothing.
fn clear_beyond(values: &mut [f32], count: &Array, events: usize, slots: usize) -> Result<()> {
    let counts = count.integers()?;
    if counts.len() != events {
        return Err(count.wrong_shape(&format!("({events},)")).into());
    }
    let per_event = values.len() / events;
    for (values, &count) in values.chunks_mut(per_event).zip(&counts) {
        let filled = usize::try_from(count).unwrap_or(0).min(slots);
        values[filled * (per_event / slots)..].fill(0.0);
    }
    Ok(())
}

/// A float output of all events.
#[derive(Debug)]
pub struct FloatOutput {
    /// Name, as in the program.
    pub name: String,
    /// Values per event.
    pub width: usize,
    /// Event after event.
    pub values: Vec<f64>,
}

/// Runs the model that DIR was compiled from.
pub fn outputs(model: &ModelDir, npz: &Npz) -> Result<Vec<FloatOutput>> {
    let graph = load(&model.onnx(), &model.import_options())?;
    let fields = |name: &str| fields(&model.program, name);
    let (events, inputs) = inputs(&graph, npz, fields)?;
    outputs_of(&graph, &inputs, events, model.score().as_ref())
}

/// Runs `graph` on `events` rows of each of its inputs, and adds the score that `compile --score` adds.
pub fn outputs_of(
    graph: &Graph,
    inputs: &[Vec<f32>],
    events: usize,
    score: Option<&Score>,
) -> Result<Vec<FloatOutput>> {
    let executor = Executor::new(graph)?;
    let mut workspace = executor.workspace();
    let mut outputs: Vec<FloatOutput> = graph
        .outputs()
        .iter()
        .map(|output| FloatOutput {
            name: output.name.clone(),
            width: graph.elements(output.value),
            values: Vec::new(),
        })
        .collect();
    let bar = progress::events("float", events);
    for event in 0..events {
        let rows: Vec<&[f32]> = inputs
            .iter()
            .map(|values| {
                let elements = values.len() / events;
                &values[event * elements..][..elements]
            })
            .collect();
        executor.run_all(&mut workspace, &rows)?;
        for (output, of) in outputs.iter_mut().zip(graph.outputs()) {
            let values = workspace.value(of.value).iter().map(|&v| f64::from(v));
            output.values.extend(values);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(score) = score {
        add_score(score, inputs, &mut outputs)?;
    }
    Ok(outputs)
}

/// The stated fields of an input; none for an input that the program does not have.
pub fn fields(program: &Program, name: &str) -> Vec<Field> {
    let input = program.inputs.iter().find(|input| input.name == name);
    input.map(|input| input.fields.clone()).unwrap_or_default()
}

/// Adds the score that `compile --score` added to the program.
fn add_score(score: &Score, inputs: &[Vec<f32>], outputs: &mut Vec<FloatOutput>) -> Result<()> {
    let of = |index: usize| outputs.get(index).context("the model has no such output");
    let rows = |output: &FloatOutput| output.values.chunks(output.width.max(1)).len();
    let values: Vec<f64> = match score {
        Score::Output(_) => return Ok(()),
        // An output whose own name ends so.
        Score::Channel(..) if outputs.iter().any(|o| o.name == score.to_string()) => return Ok(()),
        Score::Channel(name, channel) => {
            let found = outputs.iter().find(|output| output.name == *name);
            let output = found.context("the model has no such output")?;
            let rows = output.values.chunks(output.width.max(1));
            let values = rows.map(|row| row.get(*channel).copied());
            let values: Option<Vec<f64>> = values.collect();
            values.with_context(|| format!("--score {score}: `{name}` has no such channel"))?
        }
        Score::Only(score) => return add_score(score, inputs, outputs),
        Score::SumSquares(name) => {
            let index = outputs.iter().position(|output| output.name == *name);
            let output = of(index.unwrap_or(usize::MAX))?;
            let rows = output.values.chunks(output.width);
            rows.map(|row| row.iter().map(|x| x * x).sum()).collect()
        }
        Score::Mse => {
            let output = of(0)?;
            let input = inputs
                .first()
                .filter(|input| input.len() == output.values.len());
            let input = input.context("--score mse: input and output differ in size")?;
            (0..rows(output))
                .map(|row| {
                    let range = row * output.width..(row + 1) * output.width;
                    let pairs = output.values[range.clone()].iter().zip(&input[range]);
                    let squares = pairs.map(|(a, &b)| (a - f64::from(b)).powi(2));
                    squares.sum::<f64>() / output.width as f64
                })
                .collect()
        }
    };
    outputs.insert(
        0,
        FloatOutput {
            name: "score".to_owned(),
            width: 1,
            values,
        },
    );
    Ok(())
}
