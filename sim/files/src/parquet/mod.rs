//! Parquet: columns of numbers, lists of numbers, and records of them, read row group by row group.

mod levels;
mod pages;
mod read;
mod schema;
mod write;

pub(crate) use read::Parquet;
pub use write::write_outputs;
