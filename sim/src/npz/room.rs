//! How much memory the arrays of a file may take: a small archive can hold zeros without end.

use std::path::Path;

use super::{LIMIT_VARIABLE, NpzError};

/// GiB where nothing is said.
const USUAL: u64 = 2;

/// What is left of the limit.
#[derive(Clone, Debug)]
pub struct Room {
    limit: u64,
    left: u64,
}

impl Room {
    /// So many bytes.
    #[must_use]
    pub fn of(limit: u64) -> Self {
        Self { limit, left: limit }
    }

    /// What the variable says, or what is usual.
    ///
    /// # Errors
    /// When the variable is no number.
    pub fn from_env() -> Result<Self, NpzError> {
        let Some(text) = std::env::var_os(LIMIT_VARIABLE).filter(|text| !text.is_empty()) else {
            return Ok(Self::of(USUAL << 30));
        };
        let gib = text.to_str().and_then(|text| text.parse::<u64>().ok());
        let gib = gib.ok_or_else(|| NpzError::Limit {
            text: text.to_string_lossy().into_owned(),
        })?;
        Ok(Self::of(gib.saturating_mul(1 << 30)))
    }

    /// Bytes that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Takes the room of an array.
    ///
    /// # Errors
    /// When it is more than is left.
    pub fn take(&mut self, bytes: u64, path: &Path, name: &str) -> Result<(), NpzError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| NpzError::Room {
            path: path.into(),
            name: name.to_owned(),
            bytes,
            limit: self.limit,
        })?;
        Ok(())
    }
}
