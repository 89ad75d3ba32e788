//! What would help where too much is lost, tried.

use anyhow::Result;
use hodoscope_compiler::quantise::{Activations, Options};
use hodoscope_program::Program;

use super::figures::Judge;
use super::{Figures, Limits, Over};

/// Quantises the network with other widths, or says why there is no such program.
pub type Again<'a> = dyn Fn(&Options) -> Result<Program> + 'a;

/// What options of `compile` give.
#[derive(Clone, Debug)]
pub struct Advice {
    /// `--weights 16`.
    pub options: String,
    /// What is then lost.
    pub outputs: Vec<Figures>,
    /// What is still over its limit.
    pub over: Vec<Over>,
    /// Why the network is refused with them, if it is.
    pub refused: Option<String>,
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
    let trial = |options: Options, name: &str| -> Result<Advice> {
        let program = match again(&options) {
            Ok(program) => program,
            Err(error) => {
                return Ok(Advice {
                    options: name.to_owned(),
                    outputs: vec![],
                    over: vec![],
                    refused: Some(format!("{error:#}")),
                });
            }
        };
        let outputs = judge.figures(&program)?;
        Ok(Advice {
            options: name.to_owned(),
            over: limits.over(&outputs),
            outputs,
            refused: None,
        })
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
        [(wider, name)] => Some(trial(*wider, name)?),
        _ => Some(trial(both, "--weights 16 --activations 16")?),
    };
    let mut advice: Vec<Advice> = widest.into_iter().collect();
    // One of both may have a form where together they have none.
    let worthwhile = |advice: &Advice| advice.helps() || advice.refused.is_some();
    if single.len() > 1 && advice.iter().any(worthwhile) {
        let mut cheaper = vec![];
        for (wider, name) in single {
            cheaper.extend(Some(trial(wider, name)?).filter(Advice::helps));
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
                refused: None,
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
        self.over.is_empty() && self.refused.is_none()
    }
}
