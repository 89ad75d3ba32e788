//! What would fit: found by building it and measuring again, never by a rule of thumb.

use std::path::{Path, PathBuf};

use anyhow::Result;
use hodoscope_compiler::plan::{Isa, Layouts, PlanError};
use hodoscope_compiler::{Target, emit_program};
use hodoscope_program::{Live, Program};
use serde_json::{Value, json};

use super::{Budget, Checked, Limit, check};
use crate::measure::{Measured, REPEATS};
use crate::model_dir::{self, ModelDir};
use crate::own_boards;

/// Multiplicities that are tried before it is given up: an event of as many constituents takes about
/// the same whatever the capacity is.
const TRIES: usize = 3;

/// Something that fits.
#[derive(Debug)]
pub struct Advice {
    /// What to do.
    pub what: String,
    /// What it then takes.
    pub checked: Vec<Checked>,
}

impl Advice {
    /// For the terminal.
    pub fn text(&self) -> String {
        let found: Vec<String> = self.checked.iter().map(Checked::text).collect();
        format!("{}: {}", self.what, found.join("; "))
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "advice": self.what,
            "measured": self.checked.iter().map(Checked::json).collect::<Vec<_>>(),
        })
    }
}

/// Compiles the model again, with 8 bits for weights and activations, into the directory; nothing
/// where that is what it has.
pub type Recompile<'a> = &'a dyn Fn(&Path) -> Result<Option<ModelDir>>;

/// Looks for what brings `measured` within `budgets`.
///
/// Everything that is returned was built and measured. A try that fails for want of a tool is no
/// advice, and no error.
///
/// # Errors
/// When a directory cannot be written.
pub fn advise(
    model: &ModelDir,
    measured: &Measured,
    budgets: &[Budget],
    cores: &[String],
    recompile: Option<Recompile<'_>>,
) -> Result<Vec<Advice>> {
    let temporary = tempfile::tempdir()?;
    let mut all = Vec::new();
    let fits = |model: &ModelDir, board: &str, cores: &[String]| {
        let measured = Measured::on(model, board, cores, REPEATS).ok()?;
        let checked = check(budgets, &measured).ok()?;
        checked.iter().all(Checked::met).then_some(checked)
    };
    if let Some(recompile) = recompile
        && let Some(narrow) = recompile(&temporary.path().join("bits"))?
        && let Some(checked) = fits(&narrow, &measured.board, cores)
    {
        all.push(Advice {
            what: "--weights 8 --activations 8".to_owned(),
            checked,
        });
    }
    if let Some((layouts, checked)) = smaller_layouts(
        model,
        measured,
        budgets,
        &|model| fits(model, &measured.board, cores),
        temporary.path(),
    )? {
        all.push(Advice {
            what: format!("--layouts {layouts}"),
            checked,
        });
    }
    for n in multiplicities(model, measured, budgets) {
        let dir = temporary.path().join(format!("multiplicity-{n}"));
        let fewer = with_capacity(model, &measured.board, n, &dir)?;
        if let Some(checked) = fits(&fewer, &measured.board, cores) {
            all.push(Advice {
                what: format!("--multiplicity {n}"),
                checked,
            });
            break;
        }
    }
    for name in own_boards::names()
        .iter()
        .filter(|name| **name != measured.board)
    {
        let other = own_boards::find(name)?;
        // Soft-cores are simulated from their Verilog, which is slow: whoever wants one names it.
        if !other.counts_instructions() || other.cost.is_none() {
            continue;
        }
        if let Some(checked) = fits(model, name, &[]) {
            all.push(Advice {
                what: format!("--board {name}"),
                checked,
            });
        }
    }
    Ok(all)
}

/// The layouts of dense layers that bring the firmware within its budgets of flash.
fn smaller_layouts(
    model: &ModelDir,
    measured: &Measured,
    budgets: &[Budget],
    fits: &dyn Fn(&ModelDir) -> Option<Vec<Checked>>,
    temporary: &Path,
) -> Result<Option<(Layouts, Vec<Checked>)>> {
    let limits = budgets.iter().filter_map(|budget| match budget.limit {
        Limit::Flash(limit) => Some(limit),
        _ => None,
    });
    let Some(limit) = limits.min() else {
        return Ok(None);
    };
    let isa = own_boards::find(&measured.board)?.isa;
    let now = plan_of(model, isa).and_then(|plan| plan["layout_bytes"].as_u64());
    let excess = measured.sizes.flash().saturating_sub(limit);
    let Some(now) = now.filter(|_| excess > 0) else {
        return Ok(None);
    };
    // Layouts of two kinds call routines of two kinds: what their code takes is found by trying.
    let within = [0, 512].map(|routines| now.checked_sub(excess + routines).map(Layouts::Within));
    let tries = within.into_iter().flatten().chain([Layouts::Smallest]);
    for (number, layouts) in tries.enumerate() {
        let target = Target {
            isa,
            table_bytes: table_bytes(model, isa),
            layouts,
        };
        let files = match emit_program(&model.program, &[target]) {
            Err(PlanError::LayoutBytes { .. }) => continue,
            files => files?,
        };
        let dir = temporary.join(format!("layouts-{number}"));
        model_dir::write_crate(&dir, &model.program.to_text(), &files)?;
        let smaller = ModelDir {
            dir,
            program: model.program.clone(),
            report: model.report.clone(),
        };
        if let Some(checked) = fits(&smaller) {
            return Ok(Some((layouts, checked)));
        }
    }
    Ok(None)
}

/// The largest multiplicities that are within the budgets now, the largest first.
fn multiplicities(model: &ModelDir, measured: &Measured, budgets: &[Budget]) -> Vec<usize> {
    let masked = |set: &hodoscope_program::Set| !matches!(set.live, Live::Always);
    let Some((_, cycles)) = measured.cycles() else {
        return vec![];
    };
    if !model.program.sets.iter().all(masked) {
        return vec![];
    }
    let within = |n: &usize| {
        let slower = cycles[..=*n].iter().copied().max().unwrap_or(0);
        budgets.iter().all(|budget| budget.allows(measured, slower))
    };
    let smaller = 1..cycles.len().saturating_sub(1);
    smaller.rev().filter(within).take(TRIES).collect()
}

/// What the model's report says of its plan for `isa`.
fn plan_of(model: &ModelDir, isa: Isa) -> Option<&Value> {
    let mut plans = model.report["plans"].as_array().into_iter().flatten();
    plans.find(|plan| plan["isa"] == isa.to_string())
}

/// Bytes of tables over the detector's grid that the model's plan for `isa` has.
fn table_bytes(model: &ModelDir, isa: Isa) -> u64 {
    let plan = plan_of(model, isa).into_iter();
    plan.flat_map(|plan| plan["tables"].as_array().into_iter().flatten())
        .filter_map(|table| table["bytes"].as_u64())
        .sum()
}

/// What the model's layouts were chosen for.
fn layouts(model: &ModelDir) -> Layouts {
    let text = model.report["options"]["layouts"].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The model with room for `n` constituents, emitted into `dir`.
fn with_capacity(model: &ModelDir, board: &str, n: usize, dir: &Path) -> Result<ModelDir> {
    let mut program: Program = model.program.clone();
    for set in &mut program.sets {
        set.capacity = set.capacity.min(n);
    }
    let isa = own_boards::find(board)?.isa;
    let target = Target {
        isa,
        table_bytes: table_bytes(model, isa),
        layouts: layouts(model),
    };
    let files = emit_program(&program, &[target])?;
    model_dir::write_crate(dir, &program.to_text(), &files)?;
    Ok(ModelDir {
        dir: PathBuf::from(dir),
        program,
        report: model.report.clone(),
    })
}
