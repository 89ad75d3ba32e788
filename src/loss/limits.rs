//! What an output may lose.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use hodoscope_compiler::quantise::{Activations, Options};
use serde_json::{Value, json};

use super::Figures;
use crate::report::number;

/// A figure that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Pairs of events that float and fixed order differently.
    Ordering,
    /// Difference of the areas under the curve.
    Auc,
    /// rms error over the range of the float values.
    Rms,
    /// One less the least correlation of a column.
    Correlation,
    /// 95 % of the events have a smaller relative error.
    Relative,
    /// Whole numbers that differ.
    Agreement,
    /// Events that share the highest score, and do not in float.
    Saturated,
}

impl Figure {
    /// Name, usual limit, and the limit where weights and activations of 16 bits were asked for.
    const ALL: [(Self, &'static str, f64, f64); 7] = [
        (Self::Ordering, "ordering", 0.03, 0.015),
        (Self::Auc, "auc", 0.003, 0.001),
        (Self::Rms, "rms", 0.02, 0.003),
        (Self::Correlation, "correlation", 0.007, 0.001),
        (Self::Relative, "relative", 0.04, 0.01),
        (Self::Agreement, "agreement", 0.005, 0.005),
        (Self::Saturated, "saturated", 0.02, 0.02),
    ];

    /// Its name in `--max-loss`.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(figure, ..)| *figure == self);
        found.map_or("", |(_, name, ..)| name)
    }
}

/// `rms=3%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    figure: Figure,
    fraction: f64,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let names = Figure::ALL.map(|(_, name, ..)| name).join(", ");
            format!("`{text}` is not FIGURE=PERCENT, such as rms=3%; figures are {names}")
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let figure = Figure::ALL.iter().find(|(_, known, ..)| *known == name);
        let value = value.trim().trim_end_matches('%').trim();
        let percent: f64 = value.parse().map_err(|_| wrong())?;
        if !percent.is_finite() || percent < 0.0 {
            return Err(wrong());
        }
        Ok(Self {
            figure: figure.ok_or_else(wrong)?.0,
            fraction: percent / 100.0,
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}%", self.figure.name(), percent(self.fraction))
    }
}

/// A percentage with as many digits as it needs, three at most.
pub fn percent(fraction: f64) -> String {
    let percent = 100.0 * fraction;
    if percent > 0.0 && percent < 0.001 {
        return format!("{percent:.1e}");
    }
    let digits = if percent >= 10.0 { 1 } else { 3 };
    let text = format!("{percent:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Events that judge a loss as closely as a limit says.
const ENOUGH: usize = 32;

/// The limits of all figures.
#[derive(Clone, Debug)]
pub struct Limits([f64; 7]);

/// A figure over its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    /// The output.
    pub output: String,
    /// The figure.
    pub figure: Figure,
    /// The column that is worst, where there are several.
    pub column: Option<usize>,
    /// What was found, as a fraction.
    pub found: f64,
    /// What is allowed.
    pub limit: f64,
}

impl Limits {
    /// The usual ones of so many bits, but for those that were given.
    pub fn new(given: &[Limit], options: &Options) -> Self {
        let full = options.weights >= 16 && options.activations == Activations::Sixteen;
        let mut limits = Figure::ALL.map(|(.., usual, of_full)| match full {
            true => of_full,
            false => usual,
        });
        for limit in given {
            limits[limit.figure as usize] = limit.fraction;
        }
        Self(limits)
    }

    /// Refuses a limit that is given twice.
    ///
    /// # Errors
    /// Names its figure.
    pub fn check(given: &[Limit]) -> Result<()> {
        for (index, limit) in given.iter().enumerate() {
            if given[..index]
                .iter()
                .any(|other| other.figure == limit.figure)
            {
                bail!("--max-loss {limit}: {} is given twice", limit.figure.name());
            }
        }
        Ok(())
    }

    /// Limits that were given, and that no output has a figure for.
    pub fn without_figure(given: &[Limit], outputs: &[Figures]) -> Vec<String> {
        let judged = |figures: &Figures, limit: &Limit| {
            let mut found = found(figures).into_iter();
            found.any(|(figure, found)| figure == limit.figure && found.is_some())
        };
        let unjudged = |limit: &&Limit| !outputs.iter().any(|figures| judged(figures, limit));
        given
            .iter()
            .filter(unjudged)
            .map(Limit::to_string)
            .collect()
    }

    /// What so few events cannot tell from these limits, if they are few: figures scatter by the root of their number.
    pub fn of_few(&self, events: usize) -> Option<Self> {
        let part = (events as f64 / ENOUGH as f64).sqrt();
        (part < 1.0).then(|| Self(self.0.map(|limit| limit * part)))
    }

    /// What is over its limit.
    pub fn over(&self, outputs: &[Figures]) -> Vec<Over> {
        outputs.iter().flat_map(|f| self.over_of(f)).collect()
    }

    fn over_of(&self, figures: &Figures) -> Vec<Over> {
        let found = found(figures);
        let over = found.into_iter().filter_map(|(figure, found)| {
            let ((found, column), limit) = (found?, self.0[figure as usize]);
            // What is no number holds no limit.
            let held = found <= limit;
            (!held).then(|| Over {
                output: figures.name.clone(),
                figure,
                column,
                found,
                limit,
            })
        });
        over.collect()
    }
}

/// What was found, and in which column.
type Found = Option<(f64, Option<usize>)>;

/// What was found of each figure, and the column where there are several; none where it is not judged.
fn found(figures: &Figures) -> [(Figure, Found); 7] {
    let several = figures.width > 1;
    let correlation = figures
        .correlation
        .map(|(least, column)| (1.0 - least, several.then_some(column)));
    let auc = figures.auc.map(|[float, fixed]| (fixed - float).abs());
    let alone = |found: Option<f64>| found.map(|found| (found, None));
    [
        (Figure::Ordering, alone(figures.disordered)),
        (Figure::Auc, alone(auc)),
        (Figure::Rms, alone(figures.rms)),
        (Figure::Correlation, correlation),
        (Figure::Relative, figures.judged_relative()),
        (Figure::Agreement, alone(figures.disagree)),
        (Figure::Saturated, alone(figures.saturated)),
    ]
}

impl Over {
    /// Whether it is the relative error.
    pub fn is_relative(&self) -> bool {
        self.figure == Figure::Relative
    }

    /// What was found, in words.
    pub fn what(&self) -> String {
        let found = percent(self.found);
        let what = match self.figure {
            Figure::Ordering => format!("{found} % of the pairs of events are ordered differently"),
            Figure::Auc => format!("AUC differs by {:.5}", self.found),
            Figure::Rms => format!("rms error {found} % of the range"),
            Figure::Correlation => format!("correlation with float {:.4}", 1.0 - self.found),
            Figure::Relative => format!("relative error {found} % (95th percentile)"),
            Figure::Agreement => format!("{found} % of the whole numbers differ"),
            Figure::Saturated => {
                format!("{found} % of the events share the highest score, and do not in float")
            }
        };
        match self.column {
            Some(column) => format!("{what} in column {column}"),
            None => what,
        }
    }

    /// For report.json.
    pub fn json(&self) -> Value {
        json!({
            "output": self.output,
            "figure": self.figure.name(),
            "column": self.column,
            "found_percent": number(100.0 * self.found),
            "limit_percent": number(100.0 * self.limit),
        })
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (figure, limit) = (self.figure.name(), percent(self.limit));
        write!(f, "{} (--max-loss {figure}={limit}%)", self.what())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_events_hold_a_part_of_the_limits() {
        let limits = Limits::new(&[], &Options::default());
        let halves = limits.0.map(|limit| limit / 2.0);
        assert_eq!(limits.of_few(8).map(|few| few.0), Some(halves));
        assert!(limits.of_few(32).is_none() && limits.of_few(1000).is_none());
    }

    #[test]
    fn limits_are_read_and_stand_in_their_order() {
        let limit: Limit = "rms=3%".parse().expect("a limit");
        assert_eq!(limit.to_string(), "rms=3%");
        let options = Options::default();
        assert_eq!(
            Limits::new(&[limit], &options).0[Figure::Rms as usize],
            0.03
        );
        let full = Options {
            weights: 16,
            activations: Activations::Sixteen,
        };
        let half = Options { weights: 8, ..full };
        let rms = |given: &[Limit], options| Limits::new(given, options).0[Figure::Rms as usize];
        assert_eq!(rms(&[], &full), 0.003);
        assert_eq!(rms(&[limit], &full), 0.03);
        assert_eq!(rms(&[], &half), 0.02);
        assert_eq!("auc=0.25".parse::<Limit>().map(|l| l.fraction), Ok(0.0025));
        for (place, (figure, ..)) in Figure::ALL.iter().enumerate() {
            assert_eq!(*figure as usize, place);
        }
        for wrong in ["rms", "rms=", "rms=-1%", "rms=x", "mean=3%", "rms=inf"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
