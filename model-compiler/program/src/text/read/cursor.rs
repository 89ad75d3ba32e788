//! Words, numbers and names, one after the other.

use std::fmt::Display;
use std::str::FromStr;

use super::super::TextError;
use super::super::lex::Kind;
use super::{Read, Reader};
use crate::ExactF64;

impl<'a> Reader<'a> {
    /// `[a, b, …]`
    pub(super) fn listed<T>(&mut self, item: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.mark('[')?;
        let mut items = Vec::new();
        while self.peek() != Some(Kind::Mark(']')) {
            if !items.is_empty() {
                self.mark(',')?;
            }
            items.push(item(self)?);
        }
        self.mark(']')?;
        Ok(items)
    }

    /// All numbers up to the next word that is none.
    pub(super) fn numbers<T: FromStr + Display>(&mut self) -> Read<Vec<T>> {
        let mut numbers = Vec::new();
        while self.peek_number() {
            numbers.push(self.number()?);
        }
        Ok(numbers)
    }

    pub(super) fn peek_number(&self) -> bool {
        matches!(self.peek(), Some(Kind::Word(word))
            if word.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
    }

    /// An integer, as it is written: without a plus, without zeros before it.
    pub(super) fn number<T: FromStr + Display>(&mut self) -> Read<T> {
        let word = self.word()?;
        match integer(word) {
            Some(number) => Ok(number),
            None => self.fail(format!("'{word}' is not a number of the kind wanted here")),
        }
    }

    /// A step: beyond all numbers, or none, it could not be written again.
    pub(super) fn lsb(&mut self) -> Read<ExactF64> {
        let word = self.word()?;
        let digits = word.strip_prefix('-').unwrap_or(word);
        let sloppy = !digits.starts_with(|c: char| c.is_ascii_digit())
            || digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        match word.parse::<f64>() {
            Ok(lsb) if !lsb.is_finite() => self.fail(format!("a step of {lsb}")),
            Ok(lsb) if !sloppy => Ok(ExactF64(lsb)),
            _ => self.fail(format!("'{word}' is not a number of the kind wanted here")),
        }
    }

    pub(super) fn keyword(&mut self, keyword: &str) -> Read<()> {
        let word = self.word()?;
        if word == keyword {
            return Ok(());
        }
        self.fail(format!("'{word}' where '{keyword}' is wanted"))
    }

    pub(super) fn accept(&mut self, keyword: &str) -> bool {
        let found = self.peek() == Some(Kind::Word(keyword));
        if found {
            self.next();
        }
        found
    }

    pub(super) fn mark(&mut self, mark: char) -> Read<()> {
        match self.next() {
            Some(Kind::Mark(m)) if m == mark => Ok(()),
            _ => self.fail(format!("'{mark}' is wanted here")),
        }
    }

    pub(super) fn word(&mut self) -> Read<&'a str> {
        match self.next() {
            Some(Kind::Word(word)) => Ok(word),
            _ => self.fail("a word is wanted here".into()),
        }
    }

    /// A word, or any text in quotes.
    pub(super) fn name(&mut self) -> Read<&'a str> {
        match self.next() {
            Some(Kind::Word(name) | Kind::Quoted(name)) => Ok(name),
            _ => self.fail("a name is wanted here".into()),
        }
    }

    pub(super) fn quoted(&mut self) -> Read<&'a str> {
        match self.next() {
            Some(Kind::Quoted(text)) => Ok(text),
            _ => self.fail("a quoted string is wanted here".into()),
        }
    }

    /// The word that comes next.
    pub(super) fn peek(&self) -> Option<Kind<'a>> {
        self.ahead[0].map(|token| token.kind)
    }

    /// The word after that.
    pub(super) fn peek_second(&self) -> Option<Kind<'a>> {
        self.ahead[1].map(|token| token.kind)
    }

    pub(super) fn next(&mut self) -> Option<Kind<'a>> {
        let [token, second] = self.ahead;
        self.ahead = [second, self.lexer.next()];
        self.last = token.or(self.last);
        token.map(|token| token.kind)
    }

    /// An error at the word that was read last.
    pub(super) fn fail<T>(&self, reason: String) -> Read<T> {
        let unclosed = self.last.is_some_and(|token| token.kind == Kind::Unclosed);
        Err(TextError {
            line: self.last.map_or(1, |token| token.line),
            reason: match unclosed {
                true => "a string without its closing quote".into(),
                false => reason,
            },
        })
    }
}

/// An integer that is written as it would be printed.
pub(super) fn integer<T: FromStr + Display>(word: &str) -> Option<T> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let canonical =
        digits.bytes().all(|b| b.is_ascii_digit()) && (!digits.starts_with('0') || word == "0");
    word.parse().ok().filter(|_| canonical)
}
