//! Files of events that physicists have, as the arrays of a model's inputs: parquet and HDF5 besides NumPy's archives.
//!
//! [`Reader::open`] tells by a file's first bytes what it is; each of its columns is an array of its name, or an input has the
//! columns that a [`Mapping`] gives it as its words. What is wrong with a file or a column is a [`FilesError`] that names it.
//! Only the command links this crate: the libraries that others link read arrays alone.

mod column;
mod error;
mod guard;
mod hdf5;
mod kind;
mod mapping;
mod numpy;
mod parquet;
mod reader;

pub use error::FilesError;
pub use mapping::Mapping;
pub use parquet::write_outputs;
pub use reader::Reader;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
