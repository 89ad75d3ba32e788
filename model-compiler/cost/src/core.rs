//! A core, by its table of figures.

use crate::figure::{Cache, Figure, InstructionSet, Issue, Prediction};
use crate::table::{self, Source};
use crate::{Class, CoreError, Mix};

/// The cost table of a core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    name: String,
    title: String,
    set: InstructionSet,
    approximate: Option<String>,
    documents: Vec<String>,
    figures: Vec<Option<Figure>>,
    address_stall: u64,
    misaligned_target: u64,
    instruction_cache: Option<Cache>,
    data_cache: Option<Cache>,
    prediction: Prediction,
    issue: Issue,
}

impl Core {
    /// The core whose table is `name`, such as `cortex-m4`.
    ///
    /// # Errors
    /// [`CoreError::Unknown`], with all names.
    pub fn named(name: &str) -> Result<Self, CoreError> {
        match table::SOURCES.iter().find(|source| source.name == name) {
            Some(source) => Self::read(source),
            None => Err(CoreError::Unknown {
                name: name.to_owned(),
                known: Self::names().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Every core.
    ///
    /// # Errors
    /// When an embedded table is wrong; a test sees to it that none is.
    pub fn all() -> Result<Vec<Self>, CoreError> {
        table::SOURCES.iter().map(Self::read).collect()
    }

    /// The names of all cores, in alphabetical order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        table::SOURCES.iter().map(|source| source.name)
    }

    fn read(source: &Source) -> Result<Self, CoreError> {
        Self::from_toml(source.name, source.text)
    }

    /// A core from the text of its table.
    ///
    /// # Errors
    /// [`CoreError::Table`]
    pub fn from_toml(name: &str, text: &str) -> Result<Self, CoreError> {
        let table = table::parse(name, text)?;
        Ok(Self {
            name: name.to_owned(),
            title: table.title,
            set: table.instruction_set,
            approximate: table.approximate,
            documents: table.documents,
            figures: table.figures,
            address_stall: table.address_stall,
            misaligned_target: table.misaligned_target,
            instruction_cache: table.instruction_cache,
            data_cache: table.data_cache,
            prediction: table.prediction,
            issue: table.issue,
        })
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Which instructions it executes.
    #[must_use]
    pub fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// Why its figures are no more than an approximation, where that is so.
    #[must_use]
    pub fn approximate(&self) -> Option<&str> {
        self.approximate.as_deref()
    }

    /// The documents that the figures' sources refer to.
    #[must_use]
    pub fn documents(&self) -> &[String] {
        &self.documents
    }

    /// What an instruction of `class` costs; nothing for one that this core does not have.
    #[must_use]
    pub fn figure(&self, class: Class) -> Option<&Figure> {
        self.figures[class.index()].as_ref()
    }

    /// Cycles that a load or store waits if the instruction before it computed its address.
    #[must_use]
    pub fn address_stall(&self) -> u64 {
        self.address_stall
    }

    /// Cycles that are lost when a jump goes to an instruction that lies across two words.
    #[must_use]
    pub fn misaligned_target(&self) -> u64 {
        self.misaligned_target
    }

    /// Its cache of instructions. [`Pipeline`](crate::Pipeline) takes everything to be in it.
    #[must_use]
    pub fn instruction_cache(&self) -> Option<&Cache> {
        self.instruction_cache.as_ref()
    }

    /// Its cache of data. [`Pipeline`](crate::Pipeline) takes everything to be in it.
    #[must_use]
    pub fn data_cache(&self) -> Option<&Cache> {
        self.data_cache.as_ref()
    }

    /// How it guesses branches.
    #[must_use]
    pub fn prediction(&self) -> &Prediction {
        &self.prediction
    }

    /// How many instructions start in a cycle.
    #[must_use]
    pub fn issue(&self) -> &Issue {
        &self.issue
    }

    /// Cycles of all instructions of `mix`, from memory that does not wait, with every result there
    /// in time and every branch as predicted.
    ///
    /// On a core with dual issue this is the bound that the mix allows, reached when instructions
    /// are ordered to pair. Instructions that the core does not have count as one cycle, as a plan
    /// never has them.
    #[must_use]
    pub fn cycles(&self, mix: &Mix) -> u64 {
        let cost = |class: Class| {
            let (count, registers) = (mix.count(class), mix.registers(class));
            match self.figure(class) {
                Some(figure) => figure.cycles * count + figure.per_register * registers,
                None => count,
            }
        };
        let total: u64 = Class::ALL.into_iter().map(cost).sum();
        if self.issue.width < 2 {
            return total;
        }
        let alone: u64 = self.issue.alone.iter().map(|&class| cost(class)).sum();
        let paired = (total - alone).div_ceil(self.issue.width);
        let busiest = self
            .issue
            .one_of
            .iter()
            .map(|group| group.iter().map(|&class| cost(class)).sum())
            .fold(paired, u64::max);
        alone + busiest
    }
}
