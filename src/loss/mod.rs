//! What a compiled network loses against its float original, on events from which no format was taken.
//!
//! Float is the network on the events as the calibration file has them; fixed is the program on their detector words. So
//! the rounding to words counts, too.

mod advice;
mod batch;
mod events;
mod figures;
mod kind;
mod limits;
mod quantities;
mod tails;
mod told;
mod words;

use anyhow::Result;
use hodoscope_compiler::graph::Graph;
use hodoscope_compiler::quantise::Score;
use hodoscope_compiler::quantise::{Options, Reach};
use hodoscope_program::Program;

use crate::notes;

pub use advice::Advice;
pub use events::Events;
pub use figures::Figures;
pub use kind::{Kind, StatedKind};
pub use limits::{Limit, Limits, Over, percent};
pub use words::Saturated;

/// What was asked for.
pub struct Terms<'a> {
    /// What may be lost.
    pub limits: Limits,
    /// Those of them that were stated.
    pub given: &'a [Limit],
    /// What outputs were said to be.
    pub kinds: &'a [StatedKind],
    /// What is decided on.
    pub score: Option<&'a Score>,
    /// Whether any loss is accepted.
    pub accepted: bool,
    /// What becomes of events beyond the calibration's.
    pub reach: Option<Reach>,
    /// The network for two events at once, where it has such a form.
    pub pair: Option<Graph>,
}

/// What was lost.
#[derive(Debug)]
pub struct Loss {
    /// Events that judged.
    pub events: usize,
    /// Which they are, in words.
    pub which: String,
    /// Of each output, in the program's order.
    pub outputs: Vec<Figures>,
    /// Of each input's field the live words that saturate.
    pub words: Vec<Saturated>,
    /// What is wrong with the calibration events themselves.
    pub notes: Vec<String>,
    /// What is over its limit.
    pub over: Vec<Over>,
    /// What wider formats would give, where something is over its limit.
    pub advice: Vec<Advice>,
    /// Whether any loss is accepted.
    pub accepted: bool,
}

impl Loss {
    /// Judges `program`; `again` quantises the network with other widths.
    ///
    /// # Errors
    /// When the program does not run on its calibration events, or an output that `--judge` names is none.
    pub fn judge(
        program: &Program,
        graph: &Graph,
        events: &Events,
        terms: &Terms<'_>,
        options: &Options,
        again: &advice::Again<'_>,
    ) -> Result<Self> {
        kind::check(terms.kinds, program)?;
        let judged = events.judged(program);
        let reference = events.float(graph, terms.score, &judged)?;
        let judge = figures::Judge::new(graph, events, &judged, &reference, terms);
        let outputs = judge.figures(program)?;
        let labels = events.labels(&judged).unwrap_or_default();
        let several = labels.iter().any(|label| *label != labels[0]);
        if several && outputs.iter().all(|figures| figures.auc.is_none()) {
            notes::say(
                "warning: calibration: no output has a column for each class of `labels`: no AUC is judged"
                    .to_owned(),
            );
        }
        for limit in Limits::without_figure(terms.given, &outputs) {
            notes::say(format!(
                "warning: --max-loss {limit}: no output is judged by it (auc needs `labels` of two classes in the calibration, relative --judge OUTPUT:regression)"
            ));
        }
        let over = terms.limits.over(&outputs);
        let mut notes = events.notes(graph);
        let constant = outputs.iter().filter(|figures| figures.constant);
        notes.extend(constant.map(|figures| {
            format!(
                "output `{}` is the same for all {} events: nothing can be said about it; give events that differ",
                figures.name, figures.events
            )
        }));
        if let Some(pair) = &terms.pair {
            let row = |input, event| events.row(input, event);
            notes.extend(batch::notes(pair, graph, events.len(), row)?);
        }
        if terms.reach.is_some_and(|reach| reach.lost.is_some()) {
            let sample = events.sample(judged.len());
            let floats = events.float(graph, terms.score, &sample)?;
            notes.extend(tails::notes(terms.reach.as_ref(), &floats));
            notes.extend(tails::saturating(terms.reach.as_ref(), &outputs, &floats));
        }
        let few = terms.limits.of_few(judged.len());
        let near = few.map(|few| few.over(&outputs)).unwrap_or_default();
        if let (true, Some(near)) = (over.is_empty(), near.first()) {
            notes.push(format!(
                "output `{}`: {} is below its limit, but {} events do not tell it from more: give 128 calibration events, or more",
                near.output,
                near.what(),
                judged.len()
            ));
        }
        let advice = match over.is_empty() {
            true => vec![],
            false => advice::advise(&judge, &terms.limits, program, options, again)?,
        };
        Ok(Self {
            events: judged.len(),
            which: events.which(judged.len()),
            words: words::saturated(program, events)?,
            outputs,
            notes,
            over,
            advice,
            accepted: terms.accepted,
        })
    }

    /// Whether a limit was not held, or could not be judged.
    pub fn is_over(&self) -> bool {
        !self.over.is_empty() || !self.notes.is_empty()
    }
}
