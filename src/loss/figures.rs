//! Figures of each output: fixed against float.

use anyhow::{Context, Result};
use hodoscope_compiler::graph::{Graph, Op, Unary};
use hodoscope_interpreter::Interpreter;
use hodoscope_program::Program;
use hodoscope_sim::metrics::{Classes, auc};

use super::{Events, Kind, Terms, kind, quantities};
use crate::execute::{self, OutputSlice};
use crate::float::FloatOutput;

/// A column whose numbers do not change agrees where it misses less of the range.
const SAME: f64 = 1e-3;

/// How far an output is from float. Fractions are of one, not of a hundred.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The output.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its values per event.
    pub width: usize,
    /// Events that were compared.
    pub events: usize,
    /// Whether float gives the same for all of them.
    pub constant: bool,
    /// rms error over the range of the float values.
    pub rms: Option<f64>,
    /// Pearson's correlation of the column where it is least.
    pub correlation: Option<(f64, usize)>,
    /// The relative error that 95 % of the values do not exceed.
    pub relative: Option<f64>,
    /// The same of the column where it is largest, among those that hold quantities.
    pub quantity: Option<(f64, usize)>,
    /// Pairs of events that float orders and fixed orders otherwise; a tie counts half.
    pub disordered: Option<f64>,
    /// Pairs of events that float orders, and in fixed tie.
    pub ties: Option<f64>,
    /// Events that share the highest score, and have scores of their own in float.
    pub saturated: Option<f64>,
    /// Area under the curve of float and of fixed; of several classes where they differ most.
    pub auc: Option<[f64; 2]>,
    /// Whole numbers that differ.
    pub disagree: Option<f64>,
}

/// Judges programs by the same events.
pub struct Judge<'a> {
    pub graph: &'a Graph,
    pub events: &'a Events,
    pub judged: &'a [usize],
    reference: &'a [FloatOutput],
    labels: Option<Vec<i64>>,
    terms: &'a Terms<'a>,
}

impl Figures {
    /// The relative error that is judged, and its column where there are several.
    pub fn judged_relative(&self) -> Option<(f64, Option<usize>)> {
        match (self.quantity, self.kind) {
            (Some((error, column)), _) => Some((error, Some(column))),
            (None, Kind::Regression) => self.relative.map(|error| (error, None)),
            _ => None,
        }
    }
}

impl<'a> Judge<'a> {
    /// Compares with the outputs that float gives for the events `judged`.
    pub fn new(
        graph: &'a Graph,
        events: &'a Events,
        judged: &'a [usize],
        reference: &'a [FloatOutput],
        terms: &'a Terms<'a>,
    ) -> Self {
        Self {
            graph,
            events,
            judged,
            reference,
            labels: events.labels(judged),
            terms,
        }
    }

    /// Figures of each output of `program`.
    ///
    /// # Errors
    /// When an event cannot be computed.
    pub fn figures(&self, program: &Program) -> Result<Vec<Figures>> {
        let interpreter = Interpreter::new(program)?;
        let mut raws = Vec::with_capacity(self.judged.len());
        for &event in self.judged {
            raws.push(
                interpreter
                    .run(&self.events.words(program, event)?)?
                    .concat(),
            );
        }
        let outputs = execute::outputs(program);
        let figures = outputs.iter().enumerate().map(|(place, output)| {
            let rows = raws.iter().flat_map(|raws| {
                let row = raws[output.start..][..output.width].iter().enumerate();
                row.map(|(channel, &raw)| raw as f64 * output.lsb(channel))
            });
            let fixed: Vec<f64> = rows.collect();
            self.of_output(place, output, &fixed)
        });
        figures.collect()
    }

    /// Figures of what float gives on the words of `program`: what its words alone lose.
    ///
    /// # Errors
    /// When an event cannot be computed.
    pub fn figures_of_words(&self, program: &Program) -> Result<Vec<Figures>> {
        let rounded =
            self.events
                .float_of_words(program, self.graph, self.terms.score, self.judged)?;
        let outputs = execute::outputs(program);
        let figures = outputs.iter().enumerate().map(|(place, output)| {
            let found = rounded.iter().find(|float| float.name == output.name);
            let found = found.with_context(|| format!("no float output `{}`", output.name))?;
            self.of_output(place, output, &found.values)
        });
        figures.collect()
    }

    fn of_output(&self, place: usize, output: &OutputSlice, fixed: &[f64]) -> Result<Figures> {
        let found = self
            .reference
            .iter()
            .find(|float| float.name == output.name);
        let found = found.with_context(|| format!("no float output `{}`", output.name))?;
        let float = &found.values;
        let width = output.width.max(1);
        // float has no number for what is not finite: nothing to compare.
        let pairs: Vec<(f64, f64)> = float
            .iter()
            .zip(fixed)
            .filter(|(float, _)| float.is_finite())
            .map(|(float, fixed)| (*float, *fixed))
            .collect();
        let kind = self.kind(place, output, float);
        let range = range(float);
        let column = |values: &[f64], column: usize| -> Vec<f64> {
            values.iter().skip(column).step_by(width).copied().collect()
        };
        let mut figures = Figures {
            name: output.name.clone(),
            kind,
            width,
            events: self.judged.len(),
            constant: self.judged.len() > 1
                && (0..width).all(|c| self::range(&column(float, c)) == 0.0),
            rms: None,
            correlation: None,
            relative: None,
            quantity: None,
            disordered: None,
            ties: None,
            saturated: None,
            auc: None,
            disagree: None,
        };
        if pairs.is_empty() {
            return Ok(figures);
        }
        if kind == Kind::Integers {
            let differ = pairs.iter().filter(|(float, fixed)| float != fixed).count();
            figures.disagree = Some(differ as f64 / pairs.len() as f64);
            return Ok(figures);
        }
        let range = if range > 0.0 { range } else { 1.0 };
        figures.rms = Some(rms(&pairs) / range);
        figures.relative = Some(relative(&pairs));
        let pairs_of = |c: usize| -> Vec<(f64, f64)> {
            let of_column = column(float, c).into_iter().zip(column(fixed, c));
            of_column.filter(|(float, _)| float.is_finite()).collect()
        };
        if self.judged.len() > 2 {
            let correlations = (0..width).map(|c| (correlation(&pairs_of(c), range), c));
            figures.correlation = correlations.reduce(|a, b| if b.0 < a.0 { b } else { a });
        }
        let stated = kind == Kind::Regression && width > 1;
        if stated || kind == Kind::Values && self.holds_quantities(&output.name) {
            let errors = (0..width).filter_map(|c| {
                let pairs = pairs_of(c);
                let whole = (stated && !pairs.is_empty()).then(|| relative(&pairs));
                Some((whole.or_else(|| quantities::relative(&pairs))?, c))
            });
            figures.quantity = errors.reduce(|a, b| if b.0 > a.0 { b } else { a });
        }
        if width == 1 && pairs.len() > 1 {
            let (disordered, ties) = order(&pairs);
            figures.disordered = Some(disordered);
            figures.ties = Some(ties);
            figures.saturated = (kind == Kind::Score).then(|| crowded(&pairs));
        }
        if float.iter().all(|value| value.is_finite()) {
            figures.auc = self.auc(float, fixed, width);
        }
        Ok(figures)
    }

    /// What an output is: as stated, or as its place, its node and its numbers say.
    fn kind(&self, place: usize, output: &OutputSlice, float: &[f64]) -> Kind {
        let whole = |value: &f64| value.fract() == 0.0;
        let counts = (0..output.width).all(|channel| output.lsb(channel) == 1.0);
        if let Some(kind) = kind::stated(self.terms.kinds, &output.name) {
            return kind;
        }
        if counts && float.iter().all(whole) {
            return Kind::Integers;
        }
        if output.width != 1 {
            return Kind::Values;
        }
        let decided = place == 0 && (self.terms.score.is_some() || self.labels.is_some());
        let one_sign = float.iter().all(|v| *v >= 0.0) || float.iter().all(|v| *v <= 0.0);
        match decided || !one_sign || self.is_probability(&output.name) {
            true => Kind::Score,
            false => Kind::Regression,
        }
    }

    /// Whether the output is what a sigmoid or a softmax gives.
    fn is_probability(&self, name: &str) -> bool {
        let output = self.graph.outputs().iter().find(|o| o.name == name);
        let mut value = output.map(|output| output.value);
        while let Some(node) = value.and_then(|value| self.graph.producing_node(value)) {
            match &node.op {
                Op::Unary(Unary::Sigmoid) | Op::Softmax { .. } => return true,
                op if op.moves() => value = node.inputs.first().copied(),
                _ => return false,
            }
        }
        false
    }

    /// Whether the columns of an output may be quantities: no probabilities, logits or reconstructions.
    fn holds_quantities(&self, name: &str) -> bool {
        !self.is_probability(name) && !quantities::is_of_layer(self.graph, name)
    }

    /// Of classes that `labels` names: the score's own, or those of a column each.
    fn auc(&self, float: &[f64], fixed: &[f64], width: usize) -> Option<[f64; 2]> {
        let labels = self.labels.as_ref()?;
        let classes = match width {
            1 => vec![(1, 0)],
            _ => (0..width).map(|class| (class as i64, class)).collect(),
        };
        let known = if width == 1 { 2 } else { width as i64 };
        if labels.iter().any(|label| !(0..known).contains(label)) {
            return None;
        }
        let of = |(label, column): (i64, usize)| {
            let signal = labels.iter().map(|other| *other == label).collect();
            let classes = Classes::new(signal).ok()?;
            let area = |values: &[f64]| {
                let values: Vec<f64> = values.iter().skip(column).step_by(width).copied().collect();
                auc(&values, &classes).ok()
            };
            Some([area(float)?, area(fixed)?])
        };
        let areas = classes.into_iter().filter_map(of);
        let difference = |areas: &[f64; 2]| (areas[1] - areas[0]).abs();
        areas.max_by(|a, b| difference(a).total_cmp(&difference(b)))
    }
}

/// Largest less smallest of what is finite.
fn range(values: &[f64]) -> f64 {
    let finite = || values.iter().filter(|value| value.is_finite());
    let least = finite().copied().fold(f64::INFINITY, f64::min);
    let largest = finite().copied().fold(f64::NEG_INFINITY, f64::max);
    (largest - least).max(0.0)
}

fn rms(pairs: &[(f64, f64)]) -> f64 {
    let squares: f64 = pairs.iter().map(|(a, b)| (a - b) * (a - b)).sum();
    (squares / pairs.len() as f64).sqrt()
}

/// The 95th percentile of |fixed − float| / |float|.
fn relative(pairs: &[(f64, f64)]) -> f64 {
    let of = |(float, fixed): &(f64, f64)| (fixed - float).abs() / float.abs().max(1e-12);
    let mut errors: Vec<f64> = pairs.iter().map(of).collect();
    errors.sort_by(f64::total_cmp);
    errors[(errors.len() * 95).div_ceil(100).max(1) - 1]
}

/// Pearson's correlation; of a column that does not change, 1 or 0 as it agrees or not.
fn correlation(pairs: &[(f64, f64)], range: f64) -> f64 {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (a, b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum =
        |of: &dyn Fn(f64, f64) -> f64| -> f64 { pairs.iter().map(|(x, y)| of(x - a, y - b)).sum() };
    let (float, fixed) = (sum(&|x, _| x * x), sum(&|_, y| y * y));
    let changes = |of: fn(&(f64, f64)) -> f64| pairs.iter().any(|p| of(p) != of(&pairs[0]));
    if !changes(|pair| pair.0) || !changes(|pair| pair.1) {
        let near = pairs.iter().all(|(x, y)| (x - y).abs() <= SAME * range);
        return if near { 1.0 } else { 0.0 };
    }
    sum(&|x, y| x * y) / (float * fixed).sqrt()
}

/// Of the pairs that float orders: those that fixed orders otherwise, a tie by half; and the ties.
fn order(scores: &[(f64, f64)]) -> (f64, f64) {
    let (mut wrong, mut ties, mut pairs) = (0u64, 0u64, 0u64);
    for (i, a) in scores.iter().enumerate() {
        for b in &scores[..i] {
            if a.0 == b.0 {
                continue;
            }
            pairs += 1;
            if a.1 == b.1 {
                ties += 1;
            } else if (a.0 > b.0) != (a.1 > b.1) {
                wrong += 1;
            }
        }
    }
    let pairs = pairs.max(1) as f64;
    (
        (wrong as f64 + 0.5 * ties as f64) / pairs,
        ties as f64 / pairs,
    )
}

/// Events that share the highest score of fixed, less those that one score of float explains.
fn crowded(scores: &[(f64, f64)]) -> f64 {
    let top = scores
        .iter()
        .map(|pair| pair.1)
        .fold(f64::NEG_INFINITY, f64::max);
    let mut float: Vec<f64> = scores
        .iter()
        .filter(|pair| pair.1 == top)
        .map(|pair| pair.0)
        .collect();
    float.sort_by(f64::total_cmp);
    float.dedup();
    (float.len().max(1) - 1) as f64 / scores.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_counts_swapped_pairs_and_half_the_ties() {
        assert_eq!(order(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]), (0.0, 0.0));
        let (wrong, ties) = order(&[(1.0, 2.0), (2.0, 1.0), (3.0, 3.0)]);
        assert_eq!((wrong, ties), (1.0 / 3.0, 0.0));
        let (wrong, ties) = order(&[(1.0, 1.0), (2.0, 1.0), (3.0, 3.0)]);
        assert_eq!((wrong, ties), (0.5 / 3.0, 1.0 / 3.0));
        // What float does not order is no pair.
        assert_eq!(order(&[(1.0, 1.0), (1.0, 2.0)]), (0.0, 0.0));
    }

    #[test]
    fn a_column_that_stands_still_has_lost_what_float_shows() {
        let still = [(0.0, 0.5), (1.0, 0.5), (0.5, 0.5)];
        assert_eq!(correlation(&still, 1.0), 0.0);
        assert_eq!(correlation(&[(0.5, 0.5), (0.5, 0.5)], 1.0), 1.0);
        let near = correlation(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)], 2.0);
        assert!((near - 1.0).abs() < 1e-12, "{near}");
    }

    #[test]
    fn scores_that_saturate_share_the_top() {
        let ends = [(1.0, 1.0), (2.0, 2.0), (3.0, 2.0), (4.0, 2.0)];
        assert_eq!(crowded(&ends), 0.5);
        // So they do in float.
        assert_eq!(crowded(&[(1.0, 1.0), (4.0, 2.0), (4.0, 2.0)]), 0.0);
    }

    #[test]
    fn the_relative_error_is_that_of_the_95th_of_100() {
        let pairs: Vec<(f64, f64)> = (1..=100).map(|k| (1.0, 1.0 + f64::from(k))).collect();
        assert_eq!(relative(&pairs), 95.0);
        assert_eq!(relative(&[(0.0, 0.0)]), 0.0);
    }
}
