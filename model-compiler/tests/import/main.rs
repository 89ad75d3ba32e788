//! ONNX files become graphs that compute what onnxruntime computes, or are refused by name.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod corpus;
mod errors;
mod indices;
mod jets;
mod models;
mod operators;
mod oracle;
mod refusals;
mod simplify;

#[path = "../import_support/mod.rs"]
mod import_support;
