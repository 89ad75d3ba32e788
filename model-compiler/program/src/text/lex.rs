//! Words of the text form.

use super::TextError;

/// A word with its line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub line: usize,
    pub kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    /// An identifier, a keyword or a number.
    Word(&'a str),
    /// A quoted string, without its quotes.
    Quoted(&'a str),
    /// One of `[ ] , =`.
    Mark(char),
}

pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, TextError> {
    let mut tokens = Vec::new();
    for (index, full) in text.lines().enumerate() {
        let line = index + 1;
        let mut rest = full.trim_start();
        while let Some(first) = rest.chars().next() {
            let (kind, length) = match first {
                '#' => break,
                '[' | ']' | ',' | '=' => (Kind::Mark(first), 1),
                '"' => {
                    let Some(end) = rest[1..].find('"') else {
                        let reason = "a string without its closing quote".into();
                        return Err(TextError { line, reason });
                    };
                    (Kind::Quoted(&rest[1..=end]), end + 2)
                }
                _ => {
                    let end = rest
                        .find(|c: char| c.is_whitespace() || "[],=\"#".contains(c))
                        .unwrap_or(rest.len());
                    (Kind::Word(&rest[..end]), end)
                }
            };
            tokens.push(Token { line, kind });
            rest = rest[length..].trim_start();
        }
    }
    Ok(tokens)
}
