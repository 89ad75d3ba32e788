//! `budget.toml`: budgets that stay with a model.
//!
//! ```toml
//! schema = 1
//!
//! [[budget]]
//! board = "mps2-an386"
//! limits = ["2ms", "64KiB", "ram:16KiB"]
//! ```

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Budget;

use crate::own_boards;

/// The file's name, beside a model and in a compiled directory.
pub const FILE: &str = "budget.toml";
/// Version of the form.
const SCHEMA: u32 = 1;

/// Budgets by board.
#[derive(Clone, Debug, Default)]
pub struct BudgetFile {
    boards: Vec<(String, Vec<Budget>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    #[serde(default)]
    budget: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    board: String,
    limits: Vec<String>,
}

impl BudgetFile {
    /// Reads `path`; where there is none, there are no budgets.
    ///
    /// # Errors
    /// When it is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        if file.schema != SCHEMA {
            bail!("schema {}, not {SCHEMA}", file.schema);
        }
        let boards = file.budget.into_iter().map(|entry| {
            own_boards::find(&entry.board)?;
            let limits = entry.limits.iter().map(|text| text.parse());
            let limits: Result<Vec<Budget>, String> = limits.collect();
            Ok((entry.board, limits.map_err(anyhow::Error::msg)?))
        });
        Ok(Self {
            boards: boards.collect::<Result<_>>()?,
        })
    }

    /// The budgets of a board.
    pub fn of(&self, board: &str) -> Vec<Budget> {
        let of_it = self.boards.iter().filter(|(name, _)| name == board);
        of_it.flat_map(|(_, budgets)| budgets.clone()).collect()
    }

    /// The boards that have budgets.
    pub fn boards(&self) -> impl Iterator<Item = &str> {
        self.boards.iter().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_what_is_wrong_is_named() {
        let right = "schema = 1\n[[budget]]\nboard = 'mps2-an386'\nlimits = ['2ms', '64KiB']\n";
        let file = BudgetFile::parse(right).expect("right");
        assert_eq!(file.boards().collect::<Vec<_>>(), ["mps2-an386"]);
        assert_eq!(file.of("mps2-an386").len(), 2);
        assert!(file.of("virt-rv32").is_empty());
        for (from, to, named) in [
            ("schema = 1", "schema = 2", "schema 2"),
            ("mps2-an386", "abacus", "abacus"),
            ("2ms", "two", "two"),
            ("limits", "limit", "limit"),
        ] {
            let error = BudgetFile::parse(&right.replace(from, to)).expect_err(named);
            assert!(format!("{error:#}").contains(named), "{error:#}");
        }
    }
}
