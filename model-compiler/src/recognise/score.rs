//! `--score`: an anomaly score that the exported graph does not hold itself.

use std::fmt;
use std::str::FromStr;

use super::{Layer, Network, NetworkNode, RecogniseError};

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

/// Makes the score the first output, named `score` where it is new.
pub(super) fn apply(network: &mut Network, score: &Score) -> Result<(), RecogniseError> {
    let refuse = |reason: String| {
        Err(RecogniseError::Score {
            score: score.to_string(),
            reason,
        })
    };
    let names: Vec<&str> = network.outputs.iter().map(|(n, _)| n.as_str()).collect();
    let find = |wanted: &str| names.iter().position(|name| *name == wanted);
    let layer = match &score.among(&names) {
        Score::Only(score) => {
            apply(network, score)?;
            network.outputs.truncate(1);
            return Ok(());
        }
        Score::Output(wanted) => {
            let Some(index) = find(wanted) else {
                return refuse(format!("the outputs are {}", names.join(", ")));
            };
            let output = network.outputs.remove(index);
            network.outputs.insert(0, output);
            return Ok(());
        }
        Score::SumSquares(wanted) => {
            let Some(index) = find(wanted) else {
                return refuse(format!("the outputs are {}", names.join(", ")));
            };
            Layer::SumSquares {
                x: network.outputs[index].1,
                divisor: 1.0,
            }
        }
        Score::Channel(wanted, channel) => {
            let Some(index) = find(wanted) else {
                return refuse(format!("the outputs are {}", names.join(", ")));
            };
            let x = network.outputs[index].1;
            let channels = network.nodes[x].channels;
            if *channel >= channels {
                return refuse(format!("channels are 0 to {}", channels - 1));
            }
            Layer::Select {
                x,
                channels: vec![*channel],
            }
        }
        Score::Mse => {
            let ([(_, a)], [input]) = (&network.outputs[..], &network.inputs[..]) else {
                return refuse("it needs one input and one output".into());
            };
            let (a, channels) = (*a, network.nodes[*a].channels);
            if input.in_set || input.channels != channels {
                return refuse(format!(
                    "input '{}' has not the {channels} values of the output",
                    input.name
                ));
            }
            let is_input = |n: &NetworkNode| matches!(n.layer, Layer::Input(0));
            let Some(b) = network.nodes.iter().position(is_input) else {
                return refuse("the input is not used".into());
            };
            let divisor = channels as f64;
            Layer::SquaredError { a, b, divisor }
        }
    };
    if find("score").is_some() {
        return refuse("the model has an output 'score' already".into());
    }
    network.nodes.push(NetworkNode {
        name: "score".into(),
        layer,
        per_constituent: false,
        channels: 1,
        value: None,
    });
    let node = network.nodes.len() - 1;
    network.outputs.insert(0, ("score".into(), node));
    Ok(())
}
