//! The loss in words, and for programs.

use serde_json::{Value, json};

use super::limits::percent;
use super::{Advice, Figures, Kind, Loss, Over};
use crate::report::{Table, number};

impl Loss {
    /// For the terminal.
    pub fn text(&self) -> String {
        let mut text = format!("  loss against float, {}\n", self.which);
        let mut table = Table::new(Figures::HEADER);
        for figures in &self.outputs {
            table.row(figures.row());
        }
        text += &table.to_string();
        let saturated: Vec<String> = self
            .words
            .iter()
            .filter(|words| words.saturated > 0)
            .map(|words| {
                let shown = match words.fraction() {
                    small if small < 1e-5 => "< 0.001".to_owned(),
                    fraction => percent(fraction),
                };
                format!("{}.{} {shown} %", words.input, words.field)
            })
            .collect();
        text += &match saturated.len() {
            0 => "  no live word saturated\n".to_owned(),
            n if n > 8 => format!(
                "  live words that saturated: {} and {} fields more (report.json)\n",
                saturated[..8].join(", "),
                n - 8
            ),
            _ => format!("  live words that saturated: {}\n", saturated.join(", ")),
        };
        text += &self.of_classes();
        if self.accepted
            && let Some(found) = self.found()
        {
            text += &format!("  accepted by --accept-loss: {found}\n");
        }
        text
    }

    /// A classifier that gives the class first is triggered on its number, which nobody means.
    fn of_classes(&self) -> String {
        let (first, others) = match self.outputs.split_first() {
            Some((first, others)) if first.kind == Kind::Integers => (first, others),
            _ => return String::new(),
        };
        let likely = others.iter().find(|f| f.kind != Kind::Integers);
        likely.map_or_else(String::new, |likely| {
            format!(
                "  note: a trigger decides on the first output, and `{}` is a class; `--score {}:{}` makes a probability the score\n",
                first.name,
                likely.name,
                likely.width - 1
            )
        })
    }

    /// What is wrong and what helps, if something is.
    pub fn found(&self) -> Option<String> {
        if !self.is_over() {
            return None;
        }
        let mut found: Vec<String> = self
            .outputs
            .iter()
            .filter_map(|figures| {
                let of_it = self.over.iter().filter(|over| over.output == figures.name);
                let of_it: Vec<String> = of_it.map(Over::to_string).collect();
                (!of_it.is_empty())
                    .then(|| format!("output `{}`: {}", figures.name, of_it.join(", ")))
            })
            .collect();
        found.extend(self.notes.iter().cloned());
        Some(found.join("; "))
    }

    /// Why the exit code is 1, if it is.
    pub fn failure(&self) -> Option<String> {
        if self.accepted {
            return None;
        }
        let what = match self.over.is_empty() {
            true => "loss that cannot be judged",
            false => "loss over tolerance",
        };
        let mut message = format!("{what}: {}", self.found()?);
        for advice in &self.advice {
            message += &format!("\n  {}", self.advised(advice));
        }
        let refused = self.advice.iter().any(|advice| advice.refused.is_some());
        if !self.over.is_empty() && !refused && !self.advice.iter().any(Advice::helps) {
            message += "\n  wider weights and activations do not suffice";
        }
        if !self.over.is_empty() {
            message += "\n  `hodoscope trace DIR --inputs X.npz` shows the layer where it is lost";
        }
        if self.over.iter().any(Over::is_relative) {
            message += "\n  an output that is only compared with a threshold is judged by the order of events: --judge OUTPUT:score";
        }
        if self
            .over
            .iter()
            .any(|over| over.is_relative() && over.column.is_some())
        {
            message += "\n  a column whose values have many sizes keeps its small ones where the network gives their logarithm, or where its words have finer LSBs";
        }
        message +=
            "\n  the directory is written; --accept-loss ends with 0, --max-loss sets other limits";
        Some(message)
    }

    fn advised(&self, advice: &Advice) -> String {
        if let Some(reason) = &advice.refused {
            return format!("`{}` is refused: {reason}", advice.options);
        }
        let what = match advice.options.as_str() {
            Advice::WORDS => "rounding to detector words alone, in float,".to_owned(),
            options => format!("`{options}`"),
        };
        let gives = if advice.helps() {
            "gives"
        } else {
            "still gives"
        };
        // The outputs that were over, figure by figure.
        let outputs = advice.outputs.iter().filter(|figures| {
            self.over
                .iter()
                .chain(&advice.over)
                .any(|over| over.output == figures.name)
        });
        let outputs: Vec<String> = outputs
            .map(|figures| format!("`{}` {}", figures.name, figures.short()))
            .collect();
        let more = match advice.options.as_str() {
            Advice::WORDS => "; finer LSBs or wider ranges in inputs.toml help",
            _ => "",
        };
        format!("{what} {gives} {}{more}", outputs.join("; "))
    }

    /// For report.json.
    pub fn json(&self) -> Value {
        json!({
            "events": self.events,
            "which": self.which,
            "outputs": self.outputs.iter().map(Figures::json).collect::<Vec<_>>(),
            "live_words": self.words.iter().map(|words| json!({
                "input": words.input,
                "field": words.field,
                "live": words.live,
                "saturated": words.saturated,
                "saturated_percent": 100.0 * words.fraction(),
            })).collect::<Vec<_>>(),
            "notes": self.notes,
            "over": self.over.iter().map(Over::json).collect::<Vec<_>>(),
            "advice": self.advice.iter().map(|advice| json!({
                "options": advice.options,
                "helps": advice.helps(),
                "refused": advice.refused,
                "outputs": advice.outputs.iter().map(Figures::json).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "accepted": self.accepted,
        })
    }
}

/// A percentage, or a dash.
fn percents(fraction: Option<f64>) -> String {
    fraction.map_or_else(
        || "–".to_owned(),
        |fraction| format!("{} %", percent(fraction)),
    )
}

impl Figures {
    /// Names of the columns.
    pub const HEADER: [&'static str; 10] = [
        "output",
        "judged as",
        "ordering",
        "AUC float",
        "AUC fixed",
        "rms/range",
        "correlation",
        "relative p95",
        "ties",
        "saturated",
    ];

    /// The cells of a table.
    pub fn row(&self) -> [String; 10] {
        let auc = |which: usize| {
            self.auc
                .map_or_else(|| "–".to_owned(), |auc| format!("{:.5}", auc[which]))
        };
        let kind = match (self.kind, self.disagree) {
            (Kind::Integers, Some(differ)) => {
                format!("integers, {} % agree", percent(1.0 - differ))
            }
            (kind, _) => kind.name().to_owned(),
        };
        let relative = self.judged_relative().map(|(error, _)| error);
        [
            self.name.clone(),
            kind,
            self.disordered
                .map_or_else(|| "–".to_owned(), |d| format!("{:.5}", 1.0 - d)),
            auc(0),
            auc(1),
            percents(self.rms),
            self.correlation
                .map_or_else(|| "–".to_owned(), |(least, _)| format!("{least:.5}")),
            percents(relative),
            percents(self.ties),
            percents(self.saturated),
        ]
    }

    /// In a line.
    fn short(&self) -> String {
        if let Some(differ) = self.disagree {
            return format!("{} % of the numbers agree", percent(1.0 - differ));
        }
        let mut parts = vec![];
        parts.extend(
            self.rms
                .map(|rms| format!("rms {} % of the range", percent(rms))),
        );
        parts.extend(
            self.correlation
                .map(|(least, _)| format!("correlation {least:.4}")),
        );
        parts.extend(self.disordered.map(|d| format!("ordering {:.4}", 1.0 - d)));
        parts.extend(self.judged_relative().map(|(error, column)| {
            let column = column.map_or_else(String::new, |column| format!(" in column {column}"));
            format!("relative error {} %{column}", percent(error))
        }));
        parts.extend(self.auc.map(|auc| format!("AUC {:.5}", auc[1])));
        parts.join(", ")
    }

    /// For report.json.
    pub fn json(&self) -> Value {
        let figure = |figure: Option<f64>| figure.map_or(Value::Null, number);
        json!({
            "name": self.name,
            "judged_as": self.kind.name(),
            "values": self.width,
            "constant": self.constant,
            "rms_over_range": figure(self.rms),
            "least_correlation": figure(self.correlation.map(|(least, _)| least)),
            "least_correlated_column": self.correlation.map(|(_, column)| column),
            "relative_error_p95": figure(self.quantity.map_or(self.relative, |(error, _)| Some(error))),
            "relative_error_column": self.quantity.map(|(_, column)| column),
            "ordering": figure(self.disordered.map(|d| 1.0 - d)),
            "ties_fraction": figure(self.ties),
            "saturated_scores_fraction": figure(self.saturated),
            "auc_float": figure(self.auc.map(|auc| auc[0])),
            "auc_fixed": figure(self.auc.map(|auc| auc[1])),
            "agreement": figure(self.disagree.map(|d| 1.0 - d)),
        })
    }
}
