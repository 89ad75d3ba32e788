//! How long an inference takes.

use std::fs;
use std::path::Path;

use super::StreamError;

/// Cycles of an event, by its number of constituents.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceTable {
    cycles: Cycles,
    source: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Cycles {
    /// By multiplicity; none where nobody knows.
    Table(Vec<Option<u64>>),
    /// `per_event + per_constituent · n`, rounded up.
    Line {
        per_event: f64,
        per_constituent: f64,
    },
}

impl ServiceTable {
    /// Cycles at multiplicities 0, 1, 2 …, and where they are from.
    pub fn new(cycles: Vec<u64>, source: String) -> Self {
        Self {
            cycles: Cycles::Table(cycles.into_iter().map(Some).collect()),
            source,
        }
    }

    /// `A+B*n` cycles, or `A`.
    ///
    /// # Errors
    /// When the text is neither, or a number is negative.
    pub fn line(text: &str) -> Result<Self, StreamError> {
        let wrong = || StreamError::Quantity {
            text: text.to_owned(),
            what: "number of cycles by multiplicity",
            example: "`2268+6241*n`",
        };
        let number = |text: &str| -> Result<f64, StreamError> {
            let value: f64 = text.trim().parse().map_err(|_| wrong())?;
            ((0.0..1e15).contains(&value))
                .then_some(value)
                .ok_or_else(wrong)
        };
        let (mut per_event, mut per_constituent) = (None, None);
        for term in text.split('+') {
            let (place, value) = match term.split_once('*') {
                None => (&mut per_event, number(term)?),
                Some((factor, n)) if n.trim() == "n" => (&mut per_constituent, number(factor)?),
                Some(_) => return Err(wrong()),
            };
            if place.replace(value).is_some() {
                return Err(wrong());
            }
        }
        Ok(Self {
            cycles: Cycles::Line {
                per_event: per_event.unwrap_or(0.0),
                per_constituent: per_constituent.unwrap_or(0.0),
            },
            source: format!("stated, {text} cycles"),
        })
    }

    /// A text file with a line `multiplicity,cycles` for each multiplicity, in any order.
    ///
    /// # Errors
    /// When the file is missing or malformed, or a multiplicity stands twice.
    pub fn read(path: &Path) -> Result<Self, StreamError> {
        const MOST: usize = 1 << 20;
        let file = |reason: String| StreamError::File {
            path: path.into(),
            reason,
        };
        let text = fs::read_to_string(path).map_err(|error| file(error.to_string()))?;
        let mut table: Vec<Option<u64>> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line == "multiplicity,cycles" {
                continue;
            }
            let wrong = |reason: String| StreamError::Line {
                path: path.into(),
                line: index + 1,
                reason,
            };
            let entry = line.split_once(',').and_then(|(multiplicity, cycles)| {
                let multiplicity = multiplicity.trim().parse::<usize>().ok()?;
                Some((multiplicity, cycles.trim().parse::<u64>().ok()?))
            });
            let Some((multiplicity, cycles)) = entry.filter(|(n, _)| *n < MOST) else {
                return Err(wrong(format!("`{line}` is not `multiplicity,cycles`")));
            };
            if table.len() <= multiplicity {
                table.resize(multiplicity + 1, None);
            }
            if table[multiplicity].replace(cycles).is_some() {
                return Err(wrong(format!("{multiplicity} constituents stand twice")));
            }
        }
        if table.is_empty() {
            return Err(file("no line `multiplicity,cycles`".to_owned()));
        }
        Ok(Self {
            cycles: Cycles::Table(table),
            source: format!("file {}", path.display()),
        })
    }

    /// Where the cycles are from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The same with so many more cycles for each event, named in the source.
    #[must_use]
    pub fn plus(mut self, cycles: u64, what: &str) -> Self {
        match &mut self.cycles {
            Cycles::Table(table) => {
                for known in table.iter_mut().flatten() {
                    *known = known.saturating_add(cycles);
                }
            }
            Cycles::Line { per_event, .. } => *per_event += cycles as f64,
        }
        self.source = format!("{}, plus {cycles} cycles of {what}", self.source);
        self
    }

    /// Cycles of an event of `multiplicity` constituents.
    ///
    /// # Errors
    /// When they are not known.
    pub fn cycles(&self, multiplicity: usize) -> Result<u64, StreamError> {
        match &self.cycles {
            Cycles::Line {
                per_event,
                per_constituent,
            } => Ok((per_event + per_constituent * multiplicity as f64).ceil() as u64),
            Cycles::Table(table) => table.get(multiplicity).copied().flatten().ok_or_else(|| {
                StreamError::Multiplicity {
                    multiplicity,
                    known: known(table),
                    source_name: self.source.clone(),
                }
            }),
        }
    }
}

/// `0 to 12, 14`.
fn known(table: &[Option<u64>]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (n, _) in table
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.is_some())
    {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == n => *last = n,
            _ => ranges.push((n, n)),
        }
    }
    let range = |&(first, last): &(usize, usize)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first} to {last}")
        }
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_line_is_rounded_up() {
        let table = ServiceTable::line("2268 + 6241.5*n").unwrap();
        assert_eq!(table.cycles(0).unwrap(), 2268);
        assert_eq!(table.cycles(1).unwrap(), 8510);
        assert_eq!(ServiceTable::line("7*n+1").unwrap().cycles(3).unwrap(), 22);
        assert_eq!(ServiceTable::line("500").unwrap().cycles(9).unwrap(), 500);
        for text in ["", "n", "3*m", "1+2", "-4", "1+nan*n", "2*n+3*n", "1e99"] {
            assert!(ServiceTable::line(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_is_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cycles.csv");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            ServiceTable::read(&path)
        };
        let table = read("multiplicity,cycles\n# RTL\n2,30\n0,10\n\n1, 20\n4,50\n").unwrap();
        assert_eq!(table.cycles(2).unwrap(), 30);
        let unknown = table.cycles(3).unwrap_err().to_string();
        assert!(unknown.contains("0 to 2, 4"), "{unknown}");
        assert_eq!(table.plus(5, "the loop").cycles(4).unwrap(), 55);
        for (text, reason) in [
            ("1,2\n1,3\n", "line 2: 1 constituents stand twice"),
            ("1;2\n", "line 1"),
            ("multiplicity,cycles\n", "no line"),
            ("99999999999,1\n", "line 1"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(ServiceTable::read(&dir.path().join("none.csv")).is_err());
    }
}
