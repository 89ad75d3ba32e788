//! Files of events, and which of their columns are inputs.

use std::path::Path;

use anyhow::{Result, bail};
use hodoscope_files::{Mapping, Reader};
use hodoscope_sim::npz::{Npz, Stream};

/// Which columns of a file are inputs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Columns {
    /// Columns of the file that are the words of an input; may be given again. No other column is read then, but `labels`
    #[arg(long = "map", value_name = "INPUT=COLUMN,…")]
    map: Vec<Mapping>,
}

impl Columns {
    /// Opens a file of any kind.
    ///
    /// # Errors
    /// When it is missing, damaged or of a kind that is not read.
    pub fn open(&self, path: &Path) -> Result<Reader> {
        Ok(Reader::open(path, &self.map)?)
    }

    /// Opens an archive whose arrays can be read part by part, as they are called; nothing where the file is another.
    pub fn stream(&self, path: &Path, names: &[String]) -> Option<Stream> {
        self.map.is_empty().then(|| Stream::open(path, names))?
    }

    /// Reads a file of any kind.
    ///
    /// # Errors
    /// As [`Self::open`], and when a column is missing or wrong.
    pub fn read(&self, path: &Path) -> Result<Npz> {
        Ok(self.open(path)?.read()?)
    }

    /// Refuses columns of no file.
    ///
    /// # Errors
    /// When some are given; `option` names the file.
    pub fn unless_of_none(&self, is_none: bool, option: &str) -> Result<()> {
        match self.map.first() {
            Some(map) if is_none => {
                bail!(
                    "--map {}=…: it names columns of a file, and {option} gives none",
                    map.input
                )
            }
            _ => Ok(()),
        }
    }
}
