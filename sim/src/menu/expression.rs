//! Conditions as they are written.
//!
//! ```text
//! any        = all { "or" all }
//! all        = one { "and" one }
//! one        = "not" one | "(" any ")" | "always" | "random" "(" NUMBER "," INTEGER ")"
//!            | "within" "(" any "," INTEGER ")" | score
//! score      = MODEL "." OUTPUT [ ":" CHANNEL ] ( ">=" | "<" ) NUMBER [ "raw" ]
//! ```

/// A condition over names.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Every event.
    Always,
    /// A number is drawn.
    Random { chance: f64, seed: u32 },
    /// A score is at least a threshold.
    Score(Score),
    /// The opposite.
    Not(Box<Self>),
    /// All of them.
    All(Vec<Self>),
    /// One of them at least.
    Any(Vec<Self>),
    /// Now or at most so many ticks ago.
    Within(Box<Self>, u32),
}

/// `MODEL.OUTPUT:CHANNEL >= THRESHOLD`.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub model: String,
    pub output: String,
    pub channel: Option<usize>,
    pub threshold: Threshold,
}

/// The least score that passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// In the output's unit.
    Value(f64),
    Raw(i64),
}

/// What is wrong, and what stands there.
pub type Wrong = (String, String);

/// Reads a condition.
pub fn parse(text: &str) -> Result<Expression, Wrong> {
    let mut parser = Parser {
        words: words(text)?,
        at: 0,
        depth: 0,
    };
    let expression = parser.any()?;
    match parser.peek() {
        "" => Ok(expression),
        _ => Err(parser.wrong("`and`, `or` or the end is expected")),
    }
}

/// Cuts a text into names, numbers and signs.
fn words(text: &str) -> Result<Vec<&str>, Wrong> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+');
        let len = if rest.starts_with(">=") {
            2
        } else if "()<:.,".contains(first) {
            1
        } else if first.is_ascii_digit() || matches!(first, '-' | '+') {
            // A number, with its point and its exponent.
            rest.find(|c: char| !belongs(c) && c != '.')
                .unwrap_or(rest.len())
        } else if belongs(first) {
            rest.find(|c| !belongs(c)).unwrap_or(rest.len())
        } else {
            return Err(("a sign that no condition has".to_owned(), first.to_string()));
        };
        let (word, behind) = rest.split_at(len);
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

/// Most brackets within each other.
const DEPTH: usize = 32;

struct Parser<'t> {
    words: Vec<&'t str>,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    /// The next word, empty at the end.
    fn peek(&self) -> &'t str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'t str {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn wrong(&self, message: &str) -> Wrong {
        let at = match self.peek() {
            "" => "the end",
            word => word,
        };
        (message.to_owned(), at.to_owned())
    }

    fn expect(&mut self, word: &str) -> Result<(), Wrong> {
        if self.peek() == word {
            self.at += 1;
            return Ok(());
        }
        Err(self.wrong(&format!("`{word}` is expected")))
    }

    fn any(&mut self) -> Result<Expression, Wrong> {
        if self.depth >= DEPTH {
            return Err(self.wrong("too many brackets within each other"));
        }
        self.depth += 1;
        let mut parts = vec![self.all()?];
        while self.peek() == "or" {
            self.at += 1;
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(joined(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, Wrong> {
        let mut parts = vec![self.one()?];
        while self.peek() == "and" {
            self.at += 1;
            parts.push(self.one()?);
        }
        Ok(joined(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, Wrong> {
        match self.peek() {
            "not" => {
                self.at += 1;
                if self.depth >= DEPTH {
                    return Err(self.wrong("too many `not` within each other"));
                }
                self.depth += 1;
                let inner = self.one()?;
                self.depth -= 1;
                Ok(Expression::Not(Box::new(inner)))
            }
            "(" => {
                self.at += 1;
                let inner = self.any()?;
                self.expect(")")?;
                Ok(inner)
            }
            "always" => {
                self.at += 1;
                Ok(Expression::Always)
            }
            "random" => {
                self.at += 1;
                self.expect("(")?;
                let chance = self.number("a chance is expected")?;
                self.expect(",")?;
                let seed = self.number("a seed, an integer of 32 bits, is expected")?;
                self.expect(")")?;
                Ok(Expression::Random { chance, seed })
            }
            "within" => {
                self.at += 1;
                self.expect("(")?;
                let inner = self.any()?;
                self.expect(",")?;
                let ticks = self.number("ticks, an integer of 32 bits, are expected")?;
                self.expect(")")?;
                Ok(Expression::Within(Box::new(inner), ticks))
            }
            _ => self.score(),
        }
    }

    fn score(&mut self) -> Result<Expression, Wrong> {
        let model = self.name("a condition such as model.output >= 0.5 is expected")?;
        self.expect(".")?;
        let output = self.name("an output's name is expected")?;
        let channel = if self.peek() == ":" {
            self.at += 1;
            Some(self.number("a channel's number is expected")?)
        } else {
            None
        };
        let is_below = match self.peek() {
            ">=" => false,
            "<" => true,
            _ => return Err(self.wrong("`>=` or `<` is expected")),
        };
        self.at += 1;
        let at = self.at;
        let value: f64 = self.number("a threshold is expected")?;
        if !value.is_finite() {
            self.at = at;
            return Err(self.wrong("a threshold is a finite number"));
        }
        let threshold = if self.peek() == "raw" {
            self.at = at;
            let raw = self.number("a raw is an integer of 64 bits")?;
            self.expect("raw")?;
            Threshold::Raw(raw)
        } else {
            Threshold::Value(value)
        };
        let score = Expression::Score(Score {
            model,
            output,
            channel,
            threshold,
        });
        Ok(if is_below {
            Expression::Not(Box::new(score))
        } else {
            score
        })
    }

    fn name(&mut self, message: &str) -> Result<String, Wrong> {
        let word = self.peek();
        let is_name = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !is_name || ["and", "or", "not", "raw"].contains(&word) {
            return Err(self.wrong(message));
        }
        Ok(self.next().to_owned())
    }

    fn number<T: std::str::FromStr>(&mut self, message: &str) -> Result<T, Wrong> {
        match self.peek().parse() {
            Ok(number) => {
                self.at += 1;
                Ok(number)
            }
            Err(_) => Err(self.wrong(message)),
        }
    }
}

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 {
        parts.swap_remove(0)
    } else {
        join(parts)
    }
}
