//! Holds what was compiled to its budgets.

use std::path::Path;

use anyhow::{Result, bail};

use super::Args;
use super::write::pretty;
use crate::budget::{self, Budget, BudgetFile, Outcome, Recompile};
use crate::measure::{Measured, REPEATS};
use crate::model_dir::{ModelDir, put};
use crate::report::Report;

/// Budgets of the boards that have any, from the command line and from the file beside the model.
pub(super) fn budgets(args: &Args) -> Result<Vec<(String, Vec<Budget>)>> {
    let file = BudgetFile::read(&args.model.with_file_name(budget::FILE))?;
    if !args.budgets.is_empty() && args.boards.is_empty() {
        bail!("--budget: on which board? Name one with --board");
    }
    let mut names: Vec<&str> = file.boards().collect();
    if !args.budgets.is_empty() {
        names.extend(args.boards.iter().map(String::as_str));
    }
    names.sort_unstable();
    names.dedup();
    let all = names.into_iter().map(|name| {
        let mut budgets = file.of(name);
        if args.boards.iter().any(|board| board == name) {
            budgets.extend(args.budgets.iter().cloned());
        }
        (name.to_owned(), budgets)
    });
    Ok(all.collect())
}

/// Builds what was compiled, measures it, and holds it to its budgets; over budget, the directory is
/// marked in its report, and what would fit is looked for.
pub(super) fn gate(
    dir: &Path,
    budgets: &[(String, Vec<Budget>)],
    recompile: Recompile<'_>,
    report: Report,
) -> Result<Report> {
    let model = ModelDir::read(dir)?;
    let mut outcome = Outcome::default();
    for (board, budgets) in budgets {
        let measured = Measured::on(&model, board, &[], REPEATS)?;
        outcome.hold(&model, &measured, budgets, &[], Some(recompile))?;
    }
    let Report {
        text,
        mut json,
        failed,
    } = report;
    json["budgets"] = outcome.json();
    json["over_budget"] = (!outcome.met()).into();
    put(dir, "report.json", &pretty(&json)?)?;
    Ok(Report {
        text: text + &outcome.text(),
        json,
        failed: match (failed, outcome.failure()) {
            (Some(lost), Some(over)) => Some(format!("{lost}\n{over}")),
            (lost, over) => lost.or(over),
        },
    })
}
