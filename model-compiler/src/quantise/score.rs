//! `--score`: an anomaly score that the exported graph does not hold itself.

use std::fmt;
use std::str::FromStr;

/// What the decision is made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Score {
    /// Mean squared error between the only output and the only input.
    Mse,
    /// Σ x² of an output.
    SumSquares(String),
    /// An output as it is, made the first.
    Output(String),
    /// One value of an output, such as the probability of a class: OUTPUT:CHANNEL.
    Channel(String, usize),
    /// A score, and no other output: what only the others need is not computed, as a decoder behind a score of latent
    /// values.
    Only(Box<Score>),
}

impl FromStr for Score {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match (text, text.strip_prefix("sum-squares:")) {
            ("mse", _) => Self::Mse,
            (_, Some(output)) => Self::SumSquares(output.into()),
            _ => match text.rsplit_once(':') {
                Some((output, channel))
                    if !output.is_empty() && channel.parse::<usize>().is_ok() =>
                {
                    Self::Channel(output.into(), channel.parse().unwrap_or(0))
                }
                _ => Self::Output(text.into()),
            },
        })
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mse => f.write_str("mse"),
            Self::SumSquares(output) => write!(f, "sum-squares:{output}"),
            Self::Output(output) => f.write_str(output),
            Self::Channel(output, channel) => write!(f, "{output}:{channel}"),
            Self::Only(score) => write!(f, "{score} --score-only"),
        }
    }
}

impl Score {
    /// The same, where one of `names` is an output whose own name ends in a colon and a number.
    pub(crate) fn among(&self, names: &[&str]) -> Self {
        match self {
            Self::Channel(..) if names.contains(&self.to_string().as_str()) => {
                Self::Output(self.to_string())
            }
            other => other.clone(),
        }
    }
}
