//! What can be wrong with a menu.

use std::io;
use std::path::PathBuf;

/// Why a menu is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MenuError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no TOML, or has a key that does not exist.
    #[error("{}: {message}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// It is of another form.
    #[error("schema {found}, not 1")]
    Schema {
        /// What it says.
        found: u32,
    },
    /// A name of the menu, a model or a line cannot be one.
    #[error("`{name}` is no name: letters, digits, `-` and `_`, at most 64, a letter first")]
    Name {
        /// The name.
        name: String,
    },
    /// A model is called what conditions are written with.
    #[error("no model can be called `{name}`: it is a word of conditions")]
    Word {
        /// The name.
        name: String,
    },
    /// It names no model, or more than there may be.
    #[error("it names {count} models; a menu has 1 to 16")]
    Models {
        /// How many.
        count: usize,
    },
    /// It has no line, or more than there may be.
    #[error("it has {count} lines; a menu has 1 to 32")]
    Lines {
        /// How many.
        count: usize,
    },
    /// Two lines have one name.
    #[error("two lines are called `{line}`")]
    Twice {
        /// Their name.
        line: String,
    },
    /// A condition or a veto cannot be read.
    #[error("line `{line}`, {key}: {message} at `{at}`")]
    Expression {
        /// The line.
        line: String,
        /// `when` or `veto`.
        key: &'static str,
        /// What is wrong.
        message: String,
        /// What stands there.
        at: String,
    },
    /// A model that the menu does not have.
    #[error("line `{line}`: there is no model `{model}`; there are {known}")]
    Model {
        /// The line.
        line: String,
        /// The name.
        model: String,
        /// Those there are.
        known: String,
    },
    /// An output that the model does not have.
    #[error("line `{line}`: the model `{model}` has no output `{output}`; it has {known}")]
    Output {
        /// The line.
        line: String,
        /// The model.
        model: String,
        /// The name.
        output: String,
        /// Those there are.
        known: String,
    },
    /// A channel that the output does not have, or none where one must be named.
    #[error(
        "line `{line}`: `{output}` has {channels} channels; name one as {output}:0 to {output}:{}",
        channels - 1
    )]
    Channel {
        /// The line.
        line: String,
        /// Model and output.
        output: String,
        /// How many it has.
        channels: usize,
    },
    /// A threshold that no raw has.
    #[error("line `{line}`: a threshold of {value} is out of the range of `{output}`")]
    Threshold {
        /// The line.
        line: String,
        /// Model and output.
        output: String,
        /// The threshold.
        value: f64,
    },
    /// A chance that is none.
    #[error("line `{line}`: a chance of {chance}; it lies between 2^-32 and 1")]
    Chance {
        /// The line.
        line: String,
        /// What is written.
        chance: f64,
    },
    /// A prescale that is none.
    #[error("line `{line}`: {message}")]
    Prescale {
        /// The line.
        line: String,
        /// What is wrong.
        message: &'static str,
    },
    /// Its conditions have more nodes than there may be.
    #[error(
        "its conditions take {nodes} nodes, and there are 64: take conditions of lines apart, or fewer lines"
    )]
    Nodes {
        /// How many.
        nodes: usize,
    },
}
