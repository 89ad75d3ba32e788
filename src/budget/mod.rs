//! What an event may take at most, and whether it does.

mod advice;
mod file;

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::measure::{Measured, worst};
use crate::model_dir::ModelDir;
use crate::notes;
use crate::report::thousands;

pub use advice::{Advice, Recompile, advise};
pub use file::{BudgetFile, FILE};

/// A limit: `50us`, `12000cycles`, `64KiB`, `ram:16KiB`.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    text: String,
    limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Microseconds(f64),
    Cycles(u64),
    Flash(u64),
    Ram(u64),
    Stack(u64),
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no budget: a time (50us, 1.5ms), cycles (12000cycles), or a size (64KiB of \
                 flash; flash:64KiB, ram:16KiB, stack:4KiB)"
            )
        };
        let limit = match text.split_once(':') {
            Some(("flash", size)) => Limit::Flash(bytes(size).ok_or_else(wrong)?),
            Some(("ram", size)) => Limit::Ram(bytes(size).ok_or_else(wrong)?),
            Some(("stack", size)) => Limit::Stack(bytes(size).ok_or_else(wrong)?),
            Some(_) => return Err(wrong()),
            None => time(text)
                .map(Limit::Microseconds)
                .or_else(|| {
                    Some(Limit::Cycles(
                        text.strip_suffix("cycles")?.trim().parse().ok()?,
                    ))
                })
                .or_else(|| bytes(text).map(Limit::Flash))
                .ok_or_else(wrong)?,
        };
        Ok(Self {
            text: text.to_owned(),
            limit,
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Number and unit.
fn split(text: &str) -> Option<(f64, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..at].parse().ok()?;
    (number > 0.0).then(|| (number, text[at..].trim()))
}

/// In microseconds.
fn time(text: &str) -> Option<f64> {
    let (number, unit) = split(text)?;
    Some(match unit {
        "s" => number * 1e6,
        "ms" => number * 1e3,
        "us" | "µs" => number,
        "ns" => number / 1e3,
        _ => return None,
    })
}

fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "KiB" => 1024.0,
        "MB" => 1e6,
        "MiB" => 1024.0 * 1024.0,
        _ => return None,
    };
    Some((number * factor) as u64)
}

const ELF: &str = "ELF file";

/// A budget, held against what was measured.
#[derive(Clone, Debug)]
pub struct Checked {
    budget: Budget,
    board: String,
    /// What was found, in `unit`.
    found: f64,
    limit: f64,
    unit: &'static str,
    source: &'static str,
    /// The multiplicity that takes longest, for a limit on time.
    multiplicity: Option<usize>,
}

impl Budget {
    /// Holds what was measured against the limit: the worst case over multiplicity, or the size of the
    /// whole firmware.
    ///
    /// # Errors
    /// When the board has no clock, or no cycles.
    pub fn check(&self, measured: &Measured) -> Result<Checked> {
        let size =
            |found: u64, limit: u64, source| (found as f64, limit as f64, "bytes", source, None);
        let cycles = || match measured.cycles() {
            Some((source, cycles)) => Ok((source, worst(cycles))),
            None => bail!(
                "budget {self}: {} has no cycles; name a cost table with --core",
                measured.board
            ),
        };
        let (found, limit, unit, source, multiplicity) = match self.limit {
            Limit::Cycles(limit) => {
                let (source, (n, cycles)) = cycles()?;
                (cycles as f64, limit as f64, "cycles", source, Some(n))
            }
            Limit::Microseconds(limit) => {
                let (source, (n, cycles)) = cycles()?;
                let Some(time) = measured.microseconds(cycles) else {
                    bail!(
                        "budget {self}: {} has no clock; state the budget in cycles",
                        measured.board
                    );
                };
                (time, limit, "microseconds", source, Some(n))
            }
            Limit::Flash(limit) => size(measured.sizes.flash(), limit, ELF),
            Limit::Ram(limit) if measured.stack.is_some() => {
                size(measured.ram(), limit, "ELF file, and stack as emulated")
            }
            Limit::Ram(limit) => size(measured.ram(), limit, "ELF file, without stack"),
            Limit::Stack(limit) => match measured.stack {
                Some(stack) => size(stack, limit, "stack as emulated"),
                None => bail!(
                    "budget {self}: the stack is not measured on {}",
                    measured.board
                ),
            },
        };
        Ok(Checked {
            budget: self.clone(),
            board: measured.board.clone(),
            found,
            limit,
            unit,
            source,
            multiplicity,
        })
    }

    /// Whether `cycles` are within it; sizes do not care.
    fn allows(&self, measured: &Measured, cycles: u64) -> bool {
        match self.limit {
            Limit::Cycles(limit) => cycles <= limit,
            Limit::Microseconds(limit) => measured
                .microseconds(cycles)
                .is_some_and(|time| time <= limit),
            Limit::Flash(_) | Limit::Ram(_) | Limit::Stack(_) => true,
        }
    }
}

/// Holds all budgets against what was measured.
///
/// # Errors
/// As [`Budget::check`].
pub fn check(budgets: &[Budget], measured: &Measured) -> Result<Vec<Checked>> {
    budgets
        .iter()
        .map(|budget| budget.check(measured))
        .collect()
}

impl Checked {
    /// Whether the limit is kept.
    pub fn met(&self) -> bool {
        self.found <= self.limit
    }

    /// `pfn on board: 12,000 cycles of 10,000`.
    pub fn text(&self) -> String {
        let amount = |value: f64| match self.unit {
            "microseconds" => format!("{value:.2} µs"),
            unit => format!("{} {unit}", thousands(value as u64)),
        };
        let at = match self.multiplicity {
            Some(n) => format!(" at {n} constituents"),
            None => String::new(),
        };
        format!(
            "budget {} on {}: {}{at}, {} ({:.0} % of it; {})",
            self.budget,
            self.board,
            amount(self.found),
            if self.met() { "within" } else { "OVER" },
            100.0 * self.found / self.limit,
            self.source,
        )
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "budget": self.budget.text,
            "board": self.board,
            format!("found_{}", self.unit): self.found,
            format!("limit_{}", self.unit): self.limit,
            "source": self.source,
            "worst_multiplicity": self.multiplicity,
            "met": self.met(),
        })
    }
}

/// Budgets of several boards, held against what was measured.
#[derive(Debug, Default)]
pub struct Outcome {
    checked: Vec<Checked>,
    advice: Vec<(String, Vec<Advice>)>,
}

impl Outcome {
    /// Holds `measured` to `budgets`.
    ///
    /// # Errors
    /// As [`check`].
    pub fn check(&mut self, measured: &Measured, budgets: &[Budget]) -> Result<bool> {
        let checked = check(budgets, measured)?;
        let met = checked.iter().all(Checked::met);
        self.checked.extend(checked);
        Ok(met)
    }

    /// Holds `measured` to `budgets`, and looks for what would fit if it does not.
    ///
    /// # Errors
    /// As [`check`] and [`advise`].
    pub fn hold(
        &mut self,
        model: &ModelDir,
        measured: &Measured,
        budgets: &[Budget],
        cores: &[String],
        recompile: Option<Recompile<'_>>,
    ) -> Result<()> {
        if !self.check(measured, budgets)? {
            notes::say(format!(
                "note: over budget on {}: looking for what would fit",
                measured.board
            ));
            let advice = advise(model, measured, budgets, cores, recompile)?;
            self.advice.push((measured.board.clone(), advice));
        }
        Ok(())
    }

    /// Whether every budget is kept.
    pub fn met(&self) -> bool {
        self.checked.iter().all(Checked::met)
    }

    /// For the terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for checked in &self.checked {
            text += &format!("  {}\n", checked.text());
        }
        for (board, advice) in &self.advice {
            if advice.is_empty() {
                text += &format!("  nothing was found that fits on {board}, nor another board\n");
            }
            for advice in advice {
                text += &format!("  would fit: {}\n", advice.text());
            }
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let advice = self.advice.iter().map(|(board, advice)| {
            json!({
                "board": board,
                "would_fit": advice.iter().map(Advice::json).collect::<Vec<_>>(),
            })
        });
        json!({
            "checked": self.checked.iter().map(Checked::json).collect::<Vec<_>>(),
            "advice": advice.collect::<Vec<_>>(),
        })
    }

    /// Why the gate is closed, if it is.
    pub fn failure(&self) -> Option<String> {
        let over = self.checked.iter().filter(|checked| !checked.met());
        let over: Vec<String> = over.map(Checked::text).collect();
        (!over.is_empty()).then(|| over.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        let limit = |text: &str| text.parse::<Budget>().map(|budget| budget.limit);
        assert_eq!(limit("50us"), Ok(Limit::Microseconds(50.0)));
        assert_eq!(limit("1.5ms"), Ok(Limit::Microseconds(1500.0)));
        assert_eq!(limit("250 ns"), Ok(Limit::Microseconds(0.25)));
        assert_eq!(limit("12000cycles"), Ok(Limit::Cycles(12_000)));
        assert_eq!(limit("64KiB"), Ok(Limit::Flash(65_536)));
        assert_eq!(limit("flash:2MiB"), Ok(Limit::Flash(2 << 20)));
        assert_eq!(limit("ram:16kB"), Ok(Limit::Ram(16_000)));
        assert_eq!(limit("stack:1KiB"), Ok(Limit::Stack(1024)));
        for text in [
            "50",
            "us",
            "-3us",
            "0us",
            "1.5cycles",
            "rom:3KiB",
            "5 parsecs",
            "",
        ] {
            assert!(limit(text).unwrap_err().contains("is no budget"), "{text}");
        }
    }
}
