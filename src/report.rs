//! What a subcommand prints.

use std::fmt::Write as _;

use serde_json::Value;

/// Result of a subcommand: the same figures for people and, with `--json`, for programs.
#[derive(Debug)]
pub struct Report {
    /// For people.
    pub text: String,
    /// One object, figures with units in their keys.
    pub json: Value,
    /// Why a check failed, if one did.
    pub failed: Option<String>,
}

impl Report {
    /// A report of something that was done and is right.
    pub fn new(text: String, json: Value) -> Self {
        Self {
            text,
            json,
            failed: None,
        }
    }
}

/// Two lower-case digits a byte, as hashes are shown.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows with aligned columns; the first is left-aligned, the others right-aligned.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table that begins with `header`.
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        Self {
            rows: vec![header.map(str::to_owned).to_vec()],
        }
    }

    /// Appends a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                if column == 0 {
                    write!(line, "  {cell:<width$}")?;
                } else {
                    write!(line, "  {cell:>width$}")?;
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that JSON can hold; null for infinities and NaN.
pub fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (number, text) in cases {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["layer", "bits"]);
        table.row(["φ".to_owned(), "8".to_owned()]);
        table.row(["pooled".to_owned(), "16".to_owned()]);
        assert_eq!(
            table.to_string(),
            "  layer   bits\n  φ          8\n  pooled    16\n"
        );
    }
}
