//! A menu over numbered raws.

use std::collections::BTreeMap;

use super::MenuError;
use super::expression::{Expression, Score, Threshold};
use super::file::{LineFile, MenuFile};

/// A menu whose conditions are over the raws of an event: its tick, and then the outputs of model after model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// Its name.
    pub name: String,
    /// Its lines; line 0 is the lowest bit of an answer.
    pub lines: Vec<Line>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// What must hold.
    pub when: Condition,
    /// What must not.
    pub veto: Option<Condition>,
    /// Which of its firings are accepted.
    pub prescale: Prescale,
    /// It accepts no event.
    pub shadow: bool,
}

/// What holds or does not for an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Every event.
    Always,
    /// A number of 32 bits is drawn for every event: it is less than `chance`.
    Random {
        /// Of 2³².
        chance: u32,
        /// Of the generator.
        seed: u32,
    },
    /// Raw number `raw` is at least `threshold`.
    Score {
        /// Its index; raw 0 is the tick.
        raw: usize,
        /// The least raw for which it holds.
        threshold: i64,
    },
    /// The opposite.
    Not(Box<Self>),
    /// All of them.
    All(Vec<Self>),
    /// One of them at least.
    Any(Vec<Self>),
    /// It holds, or did in an event at most so many ticks ago.
    Within(Box<Self>, u32),
}

/// Which firings of a line are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prescale {
    /// Every so manieth; 1 is all.
    Every(u32),
    /// A number of 32 bits is drawn for each firing: it is less than `chance`.
    Keep {
        /// Of 2³².
        chance: u32,
        /// Of the generator.
        seed: u32,
    },
}

/// An output of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelOutput {
    /// Its name.
    pub name: String,
    /// Value of one count, of each channel.
    pub lsbs: Vec<f64>,
}

impl Menu {
    /// Gives the names in a file their raws: of each model its outputs, in the order of an answer.
    ///
    /// # Errors
    /// [`MenuError`], with the line and the name that is none.
    pub fn resolve(
        file: &MenuFile,
        models: &BTreeMap<String, Vec<ModelOutput>>,
    ) -> Result<Self, MenuError> {
        let lines = file.lines.iter().map(|line| {
            let names = Names {
                models,
                line: &line.name,
            };
            Ok(Line {
                name: line.name.clone(),
                when: names.condition(&line.when)?,
                veto: line
                    .veto
                    .as_ref()
                    .map(|veto| names.condition(veto))
                    .transpose()?,
                prescale: names.prescale(line)?,
                shadow: line.shadow,
            })
        });
        Ok(Self {
            name: file.name.clone(),
            lines: lines.collect::<Result<_, _>>()?,
        })
    }
}

impl Menu {
    /// Whether the ticks of events matter to it.
    #[must_use]
    pub fn has_coincidences(&self) -> bool {
        let conditions = self.lines.iter().flat_map(|line| {
            let veto = line.veto.iter();
            veto.chain([&line.when])
        });
        conditions.into_iter().any(Condition::has_coincidences)
    }
}

impl Condition {
    fn has_coincidences(&self) -> bool {
        match self {
            Self::Always | Self::Random { .. } | Self::Score { .. } => false,
            Self::Not(inner) => inner.has_coincidences(),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::has_coincidences),
            Self::Within(..) => true,
        }
    }
}

struct Names<'a> {
    models: &'a BTreeMap<String, Vec<ModelOutput>>,
    line: &'a String,
}

impl Names<'_> {
    fn condition(&self, expression: &Expression) -> Result<Condition, MenuError> {
        let all = |parts: &[Expression]| -> Result<Vec<_>, _> {
            parts.iter().map(|part| self.condition(part)).collect()
        };
        Ok(match expression {
            Expression::Always => Condition::Always,
            Expression::Random { chance, seed } => Condition::Random {
                chance: self.chance(*chance)?,
                seed: *seed,
            },
            Expression::Score(score) => self.score(score)?,
            Expression::Not(inner) => Condition::Not(Box::new(self.condition(inner)?)),
            Expression::All(parts) => Condition::All(all(parts)?),
            Expression::Any(parts) => Condition::Any(all(parts)?),
            Expression::Within(inner, ticks) => {
                Condition::Within(Box::new(self.condition(inner)?), *ticks)
            }
        })
    }

    fn chance(&self, chance: f64) -> Result<u32, MenuError> {
        // A product with a power of two is exact.
        let counts = (chance * 4_294_967_296.0).round();
        if (1.0..=4_294_967_295.0).contains(&counts) {
            return Ok(counts as u32);
        }
        let line = self.line.clone();
        Err(MenuError::Chance { line, chance })
    }

    fn prescale(&self, line: &LineFile) -> Result<Prescale, MenuError> {
        Ok(match line.keep {
            Some((chance, seed)) => Prescale::Keep {
                chance: self.chance(chance)?,
                seed,
            },
            None => Prescale::Every(line.prescale.unwrap_or(1)),
        })
    }

    fn score(&self, score: &Score) -> Result<Condition, MenuError> {
        let known = |names: Vec<&str>| names.join(", ");
        let mut raw = 1;
        let outputs = self.models.iter().find_map(|(name, outputs)| {
            if *name == score.model {
                return Some(outputs);
            }
            raw += outputs
                .iter()
                .map(|output| output.lsbs.len())
                .sum::<usize>();
            None
        });
        let outputs = outputs.ok_or_else(|| MenuError::Model {
            line: self.line.clone(),
            model: score.model.clone(),
            known: known(self.models.keys().map(String::as_str).collect()),
        })?;
        let index = outputs
            .iter()
            .position(|output| output.name == score.output);
        let index = index.ok_or_else(|| MenuError::Output {
            line: self.line.clone(),
            model: score.model.clone(),
            output: score.output.clone(),
            known: known(outputs.iter().map(|output| &*output.name).collect()),
        })?;
        let before = outputs[..index].iter();
        raw += before.map(|output| output.lsbs.len()).sum::<usize>();
        let lsbs = &outputs[index].lsbs;
        let output = format!("{}.{}", score.model, score.output);
        let channel = match score.channel {
            None if lsbs.len() == 1 => 0,
            Some(channel) if channel < lsbs.len() => channel,
            _ => {
                return Err(MenuError::Channel {
                    line: self.line.clone(),
                    output,
                    channels: lsbs.len(),
                });
            }
        };
        let threshold = match score.threshold {
            Threshold::Raw(raw) => raw,
            Threshold::Value(value) => {
                least_raw(value, lsbs[channel]).ok_or_else(|| MenuError::Threshold {
                    line: self.line.clone(),
                    output,
                    value,
                })?
            }
        };
        Ok(Condition::Score {
            raw: raw + channel,
            threshold,
        })
    }
}

/// The least raw whose value, raw times `lsb` in double precision, is at least `value`.
fn least_raw(value: f64, lsb: f64) -> Option<i64> {
    let about = (value / lsb).floor();
    // Beyond that, doubles skip integers.
    if about.is_nan() || about.abs() > 9e15 {
        return None;
    }
    let about = about as i64;
    (about - 1..=about + 2).find(|raw| *raw as f64 * lsb >= value)
}
