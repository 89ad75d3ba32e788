//! From the program to the kernels of one core.
//!
//! A [`Plan`] says which kernel computes which value, in which order and in which accumulator, and
//! in which [`layout`] the weights of each dense layer are held: the cheapest on the core of those
//! that were proved exact. Every kernel has a portable body, so every plan runs on every machine.

mod accumulator;
mod arena;
mod blocks;
mod choice;
mod cost;
mod decision;
mod fuse;
mod grid;
mod isa;
mod kernel;
pub mod layout;
mod requantise;
mod rescale;
mod step;

use hodoscope_cost::CoreError;
use hodoscope_program::{ConstantId, Operation, Program, Proof, ValueId, VerifyError};

pub use accumulator::{Accumulator, storage_bits};
pub use arena::{Arena, Slot};
pub use blocks::Blocks;
pub use choice::{Choice, Layouts, UnknownLayouts};
use cost::Cost;
pub use decision::Decision;
pub use grid::{Axis, Grid};
pub use isa::Isa;

use layout::{Layer, Layout, Storage};
pub use requantise::{Folded, Reduction, Requantise};
pub use step::{Kernel, Pair, Stage, Step};

/// What runs where.
#[derive(Clone, Debug)]
pub struct Plan<'p> {
    /// The instruction set that it is for.
    pub isa: Isa,
    /// The program.
    pub program: &'p Program,
    /// What its verifier proved.
    pub proof: Proof,
    /// Computed for each live constituent.
    pub constituent: Vec<Step>,
    /// Sums and maxima over constituents.
    pub pooled: Vec<Pooled>,
    /// Computed once per event.
    pub event: Vec<Step>,
    /// How each value is stored.
    pub storage: Vec<Storage>,
    /// Whether constituents are computed two at a time.
    pub twins: bool,
    /// Values that are looked up in a table over the detector's grid, with the tables.
    pub grids: Vec<Grid>,
    /// The layouts that were considered for each dense layer, the one that was taken first.
    pub choices: Vec<Choice>,
    /// Dense layers before a squared error whose results are never there as a whole.
    pub blocks: Vec<Blocks>,
}

/// A sum or maximum over constituents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooled {
    /// The result.
    pub result: ValueId,
    /// What is pooled.
    pub x: ValueId,
    /// Type of the running sum or maximum.
    pub accumulator: Accumulator,
    /// Of a maximum: what an empty slot holds. None for a sum.
    pub empty: Option<ConstantId>,
}

/// Why a program has no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The program does not verify.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The cost table of a core is wrong.
    #[error(transparent)]
    Cost(#[from] CoreError),
    /// A value that no kernel computes.
    #[error("value '{value}' ({operation}): {reason}")]
    Value {
        /// Its name.
        value: String,
        /// Its operation.
        operation: &'static str,
        /// What no kernel does.
        reason: String,
    },
    /// More sets than one.
    #[error("the program has {0} sets; one is supported in this version")]
    Sets(usize),
    /// Constants of dense layers that do not fit.
    #[error(
        "the constants of dense layers take {least} bytes for {isa} at least, and {most} were allowed"
    )]
    LayoutBytes {
        /// The instruction set.
        isa: Isa,
        /// Bytes in the smallest exact layouts.
        least: u64,
        /// Bytes that were allowed.
        most: u64,
    },
    /// A set over which nothing is pooled.
    #[error("set '{0}': nothing is pooled over its constituents")]
    Unpooled(String),
}

impl<'p> Plan<'p> {
    /// The plan of any core.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn portable(program: &'p Program) -> Result<Self, PlanError> {
        Self::new(program, Isa::Portable)
    }

    /// The plan of the cores of an instruction set.
    ///
    /// # Errors
    /// When the program does not verify, or no kernel computes one of its values.
    pub fn new(program: &'p Program, isa: Isa) -> Result<Self, PlanError> {
        Self::with_tables(program, isa, 0)
    }

    /// The plan of the cores of an instruction set, with tables over the detector's grid that take
    /// at most `bytes` together.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_tables(program: &'p Program, isa: Isa, bytes: u64) -> Result<Self, PlanError> {
        Self::with(program, isa, bytes, Layouts::Fastest)
    }

    /// The plan of the cores of an instruction set, with tables over the detector's grid that take
    /// at most `bytes` together, and layouts of dense layers chosen as `layouts` says.
    ///
    /// # Errors
    /// As [`Self::new`], and when the layouts cannot be as small as asked.
    pub fn with(
        program: &'p Program,
        isa: Isa,
        bytes: u64,
        layouts: Layouts,
    ) -> Result<Self, PlanError> {
        let grids = grid::tabulate(program, bytes);
        // Two constituents at once share the loads of weights: where all of their layers can.
        if isa == Isa::ArmV7eDsp && !program.sets.is_empty() {
            match Self::make(program, isa, grids.clone(), true, layouts) {
                Ok(plan) if plan.are_twins() => {
                    // One at a time may take a byte per weight where two take two.
                    if layouts != Layouts::Smallest {
                        return Ok(plan);
                    }
                    let single = Self::make(program, isa, grids, false, layouts)?;
                    return Ok(match single.layout_bytes() < plan.layout_bytes() {
                        true => single,
                        false => plan,
                    });
                }
                Ok(_) | Err(PlanError::LayoutBytes { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Self::make(program, isa, grids, false, layouts)
    }

    /// Whether all layers of a constituent, one at least, compute two at once.
    fn are_twins(&self) -> bool {
        let mut layouts = self.constituent.iter().filter_map(Step::layout).peekable();
        layouts.peek().is_some() && layouts.all(Layout::twins)
    }

    fn make(
        program: &'p Program,
        isa: Isa,
        grids: Vec<Grid>,
        twins: bool,
        layouts: Layouts,
    ) -> Result<Self, PlanError> {
        let cost = Cost::of(isa)?;
        let proof = program.verify()?;
        if let Some(output) = program.outputs.iter().find(|output| {
            let shape = &program.value(output.value).shape;
            shape.0.len() > 1
        }) {
            let value = program.value(output.value);
            return Err(PlanError::Value {
                value: value.name.clone(),
                operation: value.operation.keyword(),
                reason: "it is an output of several rows; reshape it into one".into(),
            });
        }
        if program.sets.len() > 1 {
            return Err(PlanError::Sets(program.sets.len()));
        }
        let mut fused = fuse::absorbed(program, &proof, isa);
        // What a table gives is read from it, by whatever follows.
        for grid in &grids {
            fused[grid.result.index()] = false;
        }
        let mut plan = Self {
            isa,
            program,
            proof,
            constituent: vec![],
            pooled: vec![],
            event: vec![],
            storage: vec![Storage::Narrowest; program.values.len()],
            grids,
            choices: vec![],
            blocks: vec![],
            twins,
        };
        let needed = grid::needed(program, &plan.grids);
        for (id, value) in program.values() {
            if !needed[id.index()] {
                continue;
            }
            if let Some(grid) = plan.grids.iter().find(|grid| grid.result == id) {
                let kernel = Kernel::Grid { words: grid.words };
                plan.constituent.push(Step { result: id, kernel });
                continue;
            }
            if fused[id.index()] {
                continue;
            }
            let pooled = match value.operation {
                Operation::Sum { x } if program.value(x).shape.set().is_some() => Some((x, None)),
                Operation::Max { x, empty } => Some((x, Some(empty))),
                _ => None,
            };
            if let Some((x, empty)) = pooled {
                let constant = empty.map(|empty| program.constant(empty).element);
                let stored = [value.element, program.value(x).element];
                plan.pooled.push(Pooled {
                    result: id,
                    x,
                    accumulator: Accumulator::for_all(stored.into_iter().chain(constant)),
                    empty,
                });
                continue;
            }
            let kernel = kernel::choose(program, &plan.proof, &fused, id)?;
            let step = Step { result: id, kernel };
            plan.consider(&step, &cost);
            let steps = match value.shape.set() {
                Some(_) => &mut plan.constituent,
                None => &mut plan.event,
            };
            steps.push(step);
        }
        if let (Some(set), []) = (program.sets.first(), &plan.pooled[..]) {
            return Err(PlanError::Unpooled(set.name.clone()));
        }
        plan.settle(layouts)?;
        plan.compare_in_blocks(&cost, layouts);
        Ok(plan)
    }

    /// The layouts of a dense layer.
    fn consider(&mut self, step: &Step, cost: &Cost) {
        let candidates = self
            .layer(step)
            .map(|layer| layout::candidates(&layer, self.isa, cost));
        if let Some(candidates) = candidates {
            self.choices.push(Choice {
                result: step.result,
                candidates,
            });
        }
    }

    /// Whether a value has several rows, is a view, or has one.
    fn is_viewed(&self, id: ValueId) -> bool {
        self.has_rows(id) || self.has_views(id)
    }

    fn has_rows(&self, id: ValueId) -> bool {
        let shape = &self.program.value(id).shape;
        shape.set().is_none() && shape.rows(1) > 1
    }

    /// Whether a value is a view, or has one.
    fn has_views(&self, id: ValueId) -> bool {
        let is_view_of = |other: &hodoscope_program::Value| matches!(other.operation, Operation::Reshape { x } if x == id);
        matches!(self.program.value(id).operation, Operation::Reshape { .. })
            || self.program.values.iter().any(is_view_of)
    }

    /// Whether a value stays an array of the narrowest element, whatever layouts ask. Views do, and rows that would have to
    /// be filled up, or would take twice the memory.
    fn is_plain(&self, id: ValueId) -> bool {
        let value = self.program.value(id);
        let is_wide = storage_bits(value.element) > 8;
        let as_they_stand =
            is_wide && value.shape.channels() == layout::filled(value.shape.channels());
        self.has_views(id)
            || self.has_rows(id) && !as_they_stand
            || self.is_narrow_sum_of_a_layer(id)
    }

    /// Whether a value is a layer's sums in less than words, and a layer's operand: one layout writes words, the other reads
    /// halves.
    fn is_narrow_sum_of_a_layer(&self, id: ValueId) -> bool {
        let reads = |value: &hodoscope_program::Value| matches!(value.operation, Operation::Dense { x, .. } if x == id);
        let value = self.program.value(id);
        matches!(value.operation, Operation::Dense { .. })
            && storage_bits(value.element) < 32
            && self.program.values.iter().any(reads)
    }

    /// What is known about the dense layer of `step`; nothing where it is none.
    pub fn layer<'a>(&'a self, step: &'a Step) -> Option<Layer<'a>> {
        let (x, weights, bias, accumulator, rescale) = match &step.kernel {
            Kernel::Dense {
                x,
                weights,
                bias,
                accumulator,
                ..
            } => (x, weights, bias, accumulator, None),
            Kernel::DenseRescale {
                x,
                weights,
                bias,
                accumulator,
                requantise,
                limits,
                ..
            } => (x, weights, bias, accumulator, Some((requantise, *limits))),
            _ => return None,
        };
        Some(Layer {
            weights: self.program.constant(*weights),
            bias: self.program.constant(*bias),
            operand: self.program.value(*x).element,
            interval: self.proof.interval(*x),
            result: self.result(step).element,
            accumulator: *accumulator,
            rescale,
            twins: self.twins && self.result(step).shape.set().is_some(),
            plain: (self.is_plain(*x), self.is_plain(step.result)),
            is_viewed: self.is_viewed(*x) || self.is_viewed(step.result),
            // A view of one row is the array that it views.
            is_single: !self.has_rows(*x) && !self.is_viewed(step.result),
        })
    }

    /// Whether another plan of the same program computes it in the same way.
    pub fn same_steps(&self, other: &Self) -> bool {
        let rows = |plan: &Self| -> Vec<_> {
            let blocks = plan.blocks.iter();
            blocks.map(|blocks| (blocks.result, blocks.rows)).collect()
        };
        (&self.constituent, &self.event, &self.storage, self.twins)
            == (
                &other.constituent,
                &other.event,
                &other.storage,
                other.twins,
            )
            && rows(self) == rows(other)
    }

    /// The value that `step` computes.
    pub fn result(&self, step: &Step) -> &'p hodoscope_program::Value {
        self.program.value(step.result)
    }

    /// Whether the number of pooled constituents is read: by a count, or by a maximum, in which empty slots stand.
    pub fn counts(&self) -> bool {
        let counted = self.event.iter().any(|step| step.kernel == Kernel::Count);
        counted || self.has_maximum()
    }

    /// Whether a maximum is pooled: then no constituent can be taken back.
    pub fn has_maximum(&self) -> bool {
        self.pooled.iter().any(|pooled| pooled.empty.is_some())
    }

    /// Values that are computed as such; the others are inside of a fused kernel, or there in blocks only.
    pub fn visible(&self) -> Vec<bool> {
        let mut visible = vec![false; self.program.values.len()];
        let steps = self.constituent.iter().chain(&self.event).map(|s| s.result);
        for id in steps.chain(self.pooled.iter().map(|sum| sum.result)) {
            visible[id.index()] = true;
        }
        for blocks in &self.blocks {
            visible[blocks.result.index()] = false;
        }
        visible
    }
}
