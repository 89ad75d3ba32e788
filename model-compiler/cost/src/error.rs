//! What is wrong with a core.

/// Why there is no table for a core.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// No table has this name.
    #[error("there is no cost table for the core `{name}`; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Names of all tables.
        known: String,
    },
    /// A table is wrong.
    #[error("cost table `{name}`: {message}")]
    Table {
        /// The table's name.
        name: String,
        /// What is wrong.
        message: String,
    },
}
