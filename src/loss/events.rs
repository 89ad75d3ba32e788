//! Calibration events: which give formats, and which judge.

use anyhow::{Context, Result, bail};
use hodoscope_compiler::graph::{Graph, Kind};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::Calibration;
use hodoscope_compiler::quantise::Score;
use hodoscope_interpreter::Event;
use hodoscope_program::Program;
use hodoscope_sim::npz::{Npz, Values};

use crate::float::{self, FloatOutput};
use crate::notes;

/// With fewer events all give formats, and all judge.
const FEWEST: usize = 8;
/// Of at least so many events, formats of 8 bits are fitted to the first [`FITTED`], and those behind judge.
const MANY: usize = 512;
/// Events that 8-bit formats are fitted to, and the search for widths compares.
const FITTED: usize = 256;
/// Of fewer events every fourth judges, and gives no format.
const EVERY: usize = 4;
/// Multiply-accumulates of all events that judge, about.
const WORK: u64 = 1 << 28;
/// Events that judge, at most and (where they are there) at least.
const MOST: u64 = 2_048;
const LEAST: u64 = 64;

/// Calibration events of a float network.
#[derive(Debug)]
pub struct Events {
    path: String,
    count: usize,
    /// Names of the graph's inputs, in its order.
    names: Vec<String>,
    /// `[events, elements]` of each.
    values: Vec<Vec<f32>>,
    labels: Option<Vec<i64>>,
}

/// Which events judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Split {
    /// All, since there are few.
    All,
    /// Every fourth, from which no format is taken.
    EveryFourth,
    /// Those behind the ones that formats are fitted to.
    Behind,
}

/// The classes of the events, where the archive has any.
fn classes(npz: &Npz, count: usize) -> Result<Option<Vec<i64>>> {
    if !npz.contains("labels") {
        return Ok(None);
    }
    let mut labels = npz.events("labels")?.integers()?;
    // As some frameworks have them: −1 is background, and 1 is signal.
    if labels.contains(&-1) && labels.iter().all(|label| label.abs() == 1) {
        for label in &mut labels {
            *label = (*label).max(0);
        }
    }
    if labels.len() != count {
        bail!("they are {}, and the events {count}", labels.len());
    }
    if labels.iter().any(|label| *label < 0) {
        bail!(
            "a class is 0 for background, 1 for signal, or the number of a class, and never negative"
        );
    }
    // One class is none to tell apart, but right for an autoencoder: its score stays one.
    Ok(Some(labels))
}

impl Events {
    /// Reads the events of `graph`'s inputs, and labels where there is one for each.
    ///
    /// # Errors
    /// When an input is missing or of another shape.
    pub fn read(graph: &Graph, spec: &InputsSpec, npz: &Npz) -> Result<Self> {
        let fields = |name: &str| spec.get(name).map(|spec| spec.fields()).unwrap_or_default();
        let (count, values) = float::inputs(graph, npz, fields).context("calibration")?;
        for input in graph.inputs().iter().filter(|i| i.kind == Kind::Float) {
            let integers = npz.events(&input.name)?.values();
            if matches!(integers, Values::Integer(_)) && fields(&input.name).is_empty() {
                notes::say(format!(
                    "note: {}: `{}` holds integers, and no words are stated for it: they are taken as values; where they are words of a detector, state them in inputs.toml",
                    npz.path().display(),
                    input.name
                ));
            }
        }
        let inputs = graph.inputs().iter();
        let path = npz.path().display().to_string();
        let is_input = graph.inputs().iter().any(|input| input.name == "labels");
        let labels = match classes(npz, count) {
            _ if is_input => None,
            Ok(labels) => labels,
            Err(reason) => {
                notes::say(format!(
                    "warning: {path}: `labels` are not used, and no AUC is judged: {reason}"
                ));
                None
            }
        };
        Ok(Self {
            path,
            count,
            names: inputs.map(|input| input.name.clone()).collect(),
            values,
            labels,
        })
    }

    fn split(&self) -> Split {
        match self.count {
            n if n < FEWEST => Split::All,
            n if n < MANY => Split::EveryFourth,
            _ => Split::Behind,
        }
    }

    /// The events from which formats are taken.
    ///
    /// # Errors
    /// When there is none, or a value is not finite.
    pub fn calibration(&self, graph: &Graph) -> Result<Calibration> {
        let kept = |event: &usize| self.split() != Split::EveryFourth || event % EVERY != EVERY - 1;
        let rows = |input: usize| {
            let kept = (0..self.count).filter(kept);
            kept.flat_map(|event| self.row(input, event).iter().copied())
                .collect()
        };
        // Errors name an event by its place in the file.
        Calibration::new(graph, self.values.clone()).with_context(|| self.path.clone())?;
        let values = (0..self.values.len()).map(rows).collect();
        Calibration::new(graph, values).with_context(|| self.path.clone())
    }

    /// The events that judge `program`: fewer of a large one.
    pub fn judged(&self, program: &Program) -> Vec<usize> {
        let all: Vec<usize> = match self.split() {
            Split::All => (0..self.count).collect(),
            Split::EveryFourth => (0..self.count)
                .filter(|event| event % EVERY == EVERY - 1)
                .collect(),
            Split::Behind => (FITTED..self.count).collect(),
        };
        let sets = program.sets.iter().map(|set| set.capacity);
        let work = program.macs(sets.max().unwrap_or(0)).max(1);
        let room = (WORK / work).clamp(LEAST, MOST) as usize;
        let stride = all.len().div_ceil(room).max(1);
        all.into_iter().step_by(stride).collect()
    }

    /// Events of the whole file, four times as many as judge.
    pub fn sample(&self, judged: usize) -> Vec<usize> {
        let stride = self.count.div_ceil((4 * judged).max(1));
        (0..self.count).step_by(stride.max(1)).collect()
    }

    /// Which events judged, in words.
    pub fn which(&self, judged: usize) -> String {
        let of = format!("{judged} of {} calibration events", self.count);
        match self.split() {
            Split::All => format!(
                "{of}, the same that formats are taken from: give at least {FEWEST}, better hundreds"
            ),
            Split::EveryFourth => {
                format!("{of}: of every fourth, which give no format")
            }
            Split::Behind => format!(
                "{of}: of those behind the first {FITTED}, to which formats of 8 bits are fitted; ranges are those of all"
            ),
        }
    }

    /// What makes the events no basis for a judgement.
    pub fn notes(&self, graph: &Graph) -> Vec<String> {
        let mut notes = Vec::new();
        if self.count == 1 {
            notes.push(
                "a single calibration event: formats fit it alone, and nothing is judged; give hundreds"
                    .to_owned(),
            );
        }
        let zero = |values: &[f32]| values.iter().all(|value| *value == 0.0);
        for (input, values) in graph.inputs().iter().zip(&self.values) {
            if zero(values) {
                notes.push(format!(
                    "input `{}` is zero in every calibration event; give events as the detector has them",
                    input.name
                ));
            }
        }
        notes
    }

    /// Number of events in the file.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Labels of the chosen events.
    pub fn labels(&self, events: &[usize]) -> Option<Vec<i64>> {
        let labels = self.labels.as_ref()?;
        Some(events.iter().map(|&event| labels[event]).collect())
    }

    /// The values of an input in an event.
    pub(super) fn row(&self, input: usize, event: usize) -> &[f32] {
        let values = &self.values[input];
        let elements = values.len() / self.count;
        &values[event * elements..][..elements]
    }

    /// The values of the program's input of this name in an event.
    pub fn named(&self, name: &str, event: usize) -> Result<&[f32]> {
        let input = self.names.iter().position(|other| other == name);
        let input = input.with_context(|| format!("no calibration events of input `{name}`"))?;
        Ok(self.row(input, event))
    }

    /// The words of an event.
    ///
    /// # Errors
    /// When a value has none.
    pub fn words(&self, program: &Program, event: usize) -> Result<Event> {
        let mut words = Event::default();
        for input in &program.inputs {
            let values = self.named(&input.name, event)?;
            let encode = |(position, value): (usize, &f32)| {
                let field = input.field(position % input.channels);
                field.encode(f64::from(*value)).map(|encoded| encoded.word)
            };
            let row: Result<Vec<i64>, _> = values.iter().enumerate().map(encode).collect();
            let name = &input.name;
            words.inputs.push(row.map_err(|_| {
                anyhow::anyhow!("calibration: `{name}`, event {event}: a value has no word")
            })?);
        }
        Ok(words)
    }

    /// The float outputs of the chosen events, that of the score included.
    ///
    /// # Errors
    /// When the graph cannot be computed.
    pub fn float(
        &self,
        graph: &Graph,
        score: Option<&Score>,
        events: &[usize],
    ) -> Result<Vec<FloatOutput>> {
        let rows = |input: usize| {
            let rows = events.iter().flat_map(move |&event| self.row(input, event));
            rows.copied().collect()
        };
        let inputs: Vec<Vec<f32>> = (0..self.values.len()).map(rows).collect();
        float::outputs_of(graph, &inputs, events.len(), score)
    }

    /// The float outputs of the chosen events, once their values are rounded to detector words.
    ///
    /// # Errors
    /// As [`Self::float`] and [`Self::words`].
    pub fn float_of_words(
        &self,
        program: &Program,
        graph: &Graph,
        score: Option<&Score>,
        events: &[usize],
    ) -> Result<Vec<FloatOutput>> {
        let mut inputs: Vec<Vec<f32>> = vec![];
        for (index, name) in self.names.iter().enumerate() {
            let stated = program.inputs.iter().position(|input| input.name == *name);
            let mut values = vec![];
            for &event in events {
                match stated {
                    None => values.extend_from_slice(self.row(index, event)),
                    Some(place) => {
                        let input = &program.inputs[place];
                        let words = self.words(program, event)?;
                        let words = words.inputs[place].iter().enumerate();
                        values.extend(words.map(|(position, &word)| {
                            input.field(position % input.channels).decode(word) as f32
                        }));
                    }
                }
            }
            inputs.push(values);
        }
        float::outputs_of(graph, &inputs, events.len(), score)
    }
}
