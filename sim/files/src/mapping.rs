//! Which columns are an input's words.

use std::str::FromStr;

/// The columns that are an input's words: `x=Jet_pt,Jet_eta,Jet_phi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The input, or another array that is read, such as `labels`.
    pub input: String,
    /// Its columns, one for each word; a single one is the input as it is.
    pub columns: Vec<String>,
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').map(|(input, columns)| {
            let columns = columns.split(',').map(|column| column.trim().to_owned());
            (input.trim().to_owned(), columns.collect::<Vec<_>>())
        });
        match parts {
            Some((input, columns))
                if !input.is_empty() && columns.iter().all(|column| !column.is_empty()) =>
            {
                Ok(Self { input, columns })
            }
            _ => Err(
                "expected INPUT=COLUMN or INPUT=COLUMN,COLUMN,…, such as x=Jet_pt,Jet_eta,Jet_phi"
                    .to_owned(),
            ),
        }
    }
}
