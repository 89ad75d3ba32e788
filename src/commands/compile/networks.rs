//! A network that is quantised already, or one that calibration events quantise.

use anyhow::{Context, Result, bail};
use hodoscope_compiler::exact::ExactError;
use hodoscope_compiler::graph::{Graph, simplify};
use hodoscope_compiler::import;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::Options;
use hodoscope_compiler::{Compiled as Made, Road, compile_for, compile_quantised, quantised};

use super::Args;
use super::args::{RescaleRule, name, score};
use super::targets::targets;
use crate::loss::{self, Loss};

/// A network that is quantised already.
pub(super) fn own_integers(args: &Args, graph: &Graph, spec: &InputsSpec) -> Result<Made> {
    let named = || args.model.display().to_string();
    if args.score.is_some() {
        bail!(
            "{}: --score adds no score to a quantised network; export the model with the score as an output",
            named()
        );
    }
    let given = [
        ("--calibration", args.is_calibrated()),
        ("--weights", args.weights.is_some()),
        ("--activations", args.activations.is_some()),
        ("--max-loss", !args.max_loss.is_empty()),
        ("--judge", !args.kinds.is_empty()),
    ];
    if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
        bail!(
            "{}: the network has its own quantisers: leave {option} out",
            named()
        );
    }
    compile_quantised(
        &targets(args)?,
        graph,
        &name(args)?,
        spec,
        args.rescale.into(),
    )
    .with_context(named)
}

/// A network whose quantisers, spelled in arithmetic, have no exact form for `reason`: as a float network, if there are
/// events for it.
pub(super) fn instead_of_own(
    args: &Args,
    graph: &Graph,
    spec: &InputsSpec,
    options: &Options,
    reason: ExactError,
) -> Result<Calibrated> {
    if !args.is_calibrated() {
        bail!(
            "{}: with the network's own quantisers: {reason}; or give events with --calibration X.npz, to quantise it as a float network",
            args.model.display()
        );
    }
    let mut calibrated = Calibrated::new(args, graph, spec, options)?;
    calibrated.made.road = Road::Inserted {
        instead: Some(reason.to_string()),
    };
    Ok(calibrated)
}

/// A float network that calibration events quantised.
pub(super) struct Calibrated {
    /// Program and crate.
    pub made: Made,
    graph: Graph,
    events: loss::Events,
}

impl Calibrated {
    /// Quantises the imported `graph`.
    pub fn new(args: &Args, graph: &Graph, spec: &InputsSpec, options: &Options) -> Result<Self> {
        let named = || args.model.display().to_string();
        let Some(events) = args.calibration_events()? else {
            bail!(
                "{}: the network is not quantised: give events with --calibration X.npz",
                named()
            );
        };
        if args.rescale != RescaleRule::Quotient {
            bail!(
                "{}: --rescale: the network is not quantised, and its own quantisers have scales of powers of two: leave it out",
                named()
            );
        }
        let graph = simplify(graph).with_context(named)?;
        let events = loss::Events::read(&graph, spec, events)?;
        let calibration = events.calibration(&graph)?;
        let (targets, name, score) = (targets(args)?, name(args)?, score(args));
        let score = score.as_ref();
        let made = compile_for(&targets, &graph, &name, spec, score, &calibration, options)
            .with_context(named)?;
        Ok(Self {
            made,
            graph,
            events,
        })
    }

    /// What its outputs lose, and what would help where that is too much.
    pub fn loss(
        &self,
        args: &Args,
        import_options: &import::Options,
        spec: &InputsSpec,
        options: &Options,
    ) -> Result<Loss> {
        let (name, score) = (name(args)?, score(args));
        let calibration = self.events.calibration(&self.graph)?;
        let again = |options: &Options| {
            let score = score.as_ref();
            let made = quantised(&self.graph, &name, spec, score, &calibration, options)?;
            Ok(made.0.program)
        };
        let terms = loss::Terms {
            limits: loss::Limits::new(&args.max_loss, options),
            given: &args.max_loss,
            kinds: &args.kinds,
            score: score.as_ref(),
            accepted: args.accept_loss,
            reach: (self.made.quantised.calibration.as_ref()).map(|report| report.reach),
            pair: import::load_pair(&args.model, import_options)
                .and_then(|pair| simplify(&pair).ok()),
        };
        let program = self.made.program();
        Loss::judge(program, &self.graph, &self.events, &terms, options, &again)
    }
}
