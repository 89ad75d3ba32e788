//! What would help where too much is lost, tried.

use anyhow::Result;
use hodoscope_compiler::quantise::{Activations, Options};
use hodoscope_program::Program;

use super::figures::Judge;
use super::{Figures, Limits, Over};

/// Quantises the network with other widths; nothing where that fails.
pub type Again<'a> = dyn Fn(&Options) -> Option<Program> + 'a;

/// What options of `compile` give.
#[derive(Clone, Debug)]
pub struct Advice {
    /// `--weights 16`.
    pub options: String,
    /// What is then lost.
    pub outputs: Vec<Figures>,
    /// What is still over its limit.
    pub over: Vec<Over>,
}

/// Tries wider weights and activations for `program`. Where none helps, what the words alone lose is the last entry.
///
/// # Errors
/// When an event cannot be computed.
pub fn advise(
    judge: &Judge<'_>,
    limits: &Limits,
    program: &Program,
    options: &Options,
    again: &Again<'_>,
) -> Result<Vec<Advice>> {
    let trial = |options: Options, name: &str| -> Result<Option<Advice>> {
        let Some(program) = again(&options) else {
            return Ok(None);
        };
        let outputs = judge.figures(&program)?;
        Ok(Some(Advice {
            options: name.to_owned(),
            over: limits.over(&outputs),
            outputs,
        }))
    };
    let weights = Options {
        weights: 16,
        ..*options
    };
    let activations = Options {
        activations: Activations::Sixteen,
        ..*options
    };
    let both = Options {
        weights: 16,
        ..activations
    };
    let single: Vec<(Options, &str)> =
        [(weights, "--weights 16"), (activations, "--activations 16")]
            .into_iter()
            .filter(|(wider, _)| wider != options)
            .collect();
    // The widest first: where it does not help, less will not.
    let widest = match &single[..] {
        [] => None,
        [(wider, name)] => trial(*wider, name)?,
        _ => trial(both, "--weights 16 --activations 16")?,
    };
    let mut advice: Vec<Advice> = widest.into_iter().collect();
    if single.len() > 1 && advice.iter().any(Advice::helps) {
        let mut cheaper = vec![];
        for (wider, name) in single {
            cheaper.extend(trial(wider, name)?.filter(Advice::helps));
        }
        // What suffices alone makes both needless.
        if !cheaper.is_empty() {
            advice = cheaper;
        }
    }
    if !advice.iter().any(Advice::helps) {
        let outputs = judge.figures_of_words(program)?;
        let over = limits.over(&outputs);
        if !over.is_empty() {
            advice.push(Advice {
                options: Advice::WORDS.to_owned(),
                outputs,
                over,
            });
        }
    }
    Ok(advice)
}

impl Advice {
    /// In place of options: what float loses by the words alone.
    pub const WORDS: &'static str = "words";

    /// Whether everything is then within its limits.
    pub fn helps(&self) -> bool {
        self.over.is_empty()
    }
}
