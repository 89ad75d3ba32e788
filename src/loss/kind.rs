//! What an output is, and so by what it is judged.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use hodoscope_program::Program;

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that events are ordered by, and that is compared with a threshold.
    Score,
    /// A quantity: its relative error counts.
    Regression,
    /// Several numbers, or one that may be anything.
    Values,
    /// Whole numbers, a class or a place: they agree or not.
    Integers,
}

impl Kind {
    /// For people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Regression => "regression",
            Self::Values => "values",
            Self::Integers => "integers",
        }
    }
}

/// `OUTPUT:regression`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedKind {
    output: String,
    kind: Kind,
}

impl FromStr for StatedKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not OUTPUT:regression or OUTPUT:score");
        let (output, kind) = text.rsplit_once(':').ok_or_else(wrong)?;
        let kind = match kind {
            "regression" => Kind::Regression,
            "score" => Kind::Score,
            _ => return Err(wrong()),
        };
        Ok(Self {
            output: output.to_owned(),
            kind,
        })
    }
}

impl fmt::Display for StatedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.output, self.kind.name())
    }
}

/// Refuses a statement about an output that the program does not have.
pub fn check(stated: &[StatedKind], program: &Program) -> Result<()> {
    for (index, one) in stated.iter().enumerate() {
        if stated[..index]
            .iter()
            .any(|other| other.output == one.output)
        {
            bail!(
                "--judge {one}: what `{}` is judged as is given twice",
                one.output
            );
        }
    }
    for stated in stated {
        let names: Vec<&str> = program.outputs.iter().map(|o| o.name.as_str()).collect();
        if !names.contains(&stated.output.as_str()) {
            bail!("--judge {stated}: the outputs are {}", names.join(", "));
        }
    }
    Ok(())
}

/// What was stated of an output.
pub fn stated(stated: &[StatedKind], output: &str) -> Option<Kind> {
    let of_it = stated.iter().find(|stated| stated.output == output);
    of_it.map(|stated| stated.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_back() {
        let pt: StatedKind = "head:pt:regression".parse().expect("a statement");
        assert_eq!(pt.output, "head:pt");
        assert_eq!(pt.to_string(), "head:pt:regression");
        for wrong in ["pt", "pt:class", "regression"] {
            assert!(wrong.parse::<StatedKind>().is_err(), "{wrong}");
        }
        assert_eq!(stated(&[pt], "head:pt"), Some(Kind::Regression));
    }
}
