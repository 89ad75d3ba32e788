//! Words, numbers and names, one after the other.

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
    pub(super) fn numbers<T: FromStr>(&mut self) -> Read<Vec<T>> {
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

    pub(super) fn number<T: FromStr>(&mut self) -> Read<T> {
        let word = self.word()?;
        match word.parse() {
            Ok(number) => Ok(number),
            Err(_) => self.fail(format!("'{word}' is not a number of the kind wanted here")),
        }
    }

    /// A step: beyond all numbers, or none, it could not be written again.
    pub(super) fn lsb(&mut self) -> Read<ExactF64> {
        let lsb: f64 = self.number()?;
        match lsb.is_finite() {
            true => Ok(ExactF64(lsb)),
            false => self.fail(format!("a step of {lsb}")),
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
        self.position += usize::from(found);
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

    pub(super) fn peek(&self) -> Option<Kind<'a>> {
        self.kind(self.position)
    }

    pub(super) fn kind(&self, position: usize) -> Option<Kind<'a>> {
        self.tokens.get(position).map(|t| t.kind)
    }

    pub(super) fn next(&mut self) -> Option<Kind<'a>> {
        let kind = self.peek();
        self.position += 1;
        kind
    }

    /// An error at the word that was read last.
    pub(super) fn fail<T>(&self, reason: String) -> Read<T> {
        let at = self
            .position
            .saturating_sub(1)
            .min(self.tokens.len().saturating_sub(1));
        let line = self.tokens.get(at).map_or(1, |token| token.line);
        Err(TextError { line, reason })
    }
}
