//! WHERE: what computes the events.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// What computes the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The float graph.
    Float,
    /// The golden model.
    Interpreter,
    /// The emitted crate: on the host (`native`; as a process, `native-board`) or on a board.
    Board(String),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "float" => Self::Float,
            "interpreter" => Self::Interpreter,
            board => Self::Board(board.to_owned()),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float => "float",
            Self::Interpreter => "interpreter",
            Self::Board(name) => name,
        })
    }
}
