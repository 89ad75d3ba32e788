//! Words of the text form, one after the other: a text of many words takes no more memory than one of few.

/// A word with its line.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// A string without its closing quote.
    Unclosed,
    /// One of `[ ] , =`.
    Mark(char),
}

/// The words of a text.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    lines: std::str::Lines<'a>,
    line: usize,
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines(),
            line: 0,
            rest: "",
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let first = loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                Some(first) if first != '#' => break first,
                _ => {
                    self.rest = self.lines.next()?;
                    self.line += 1;
                }
            }
        };
        let rest = self.rest;
        let (kind, length) = match first {
            '[' | ']' | ',' | '=' => (Kind::Mark(first), 1),
            '"' => match rest[1..].find('"') {
                Some(end) => (Kind::Quoted(&rest[1..=end]), end + 2),
                None => (Kind::Unclosed, rest.len()),
            },
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || "[],=\"#".contains(c))
                    .unwrap_or(rest.len());
                (Kind::Word(&rest[..end]), end)
            }
        };
        self.rest = &rest[length..];
        Some(Token {
            line: self.line,
            kind,
        })
    }
}
