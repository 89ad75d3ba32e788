//! The detector words that go with a model.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hodoscope_compiler::inputs::InputsSpec;

/// The file of detector words: `path`, or `inputs.toml` beside the model where there is one.
pub(super) fn spec_file(model: &Path, path: Option<&Path>) -> Option<PathBuf> {
    let beside = model.with_file_name("inputs.toml");
    path.map(Path::to_owned)
        .or_else(|| beside.exists().then_some(beside))
}

/// The detector words stated in `path`, or in `inputs.toml` beside the model.
pub fn read_spec(model: &Path, path: Option<&Path>) -> Result<InputsSpec> {
    let Some(path) = spec_file(model, path) else {
        return Ok(InputsSpec::default());
    };
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    InputsSpec::parse(&text).with_context(|| path.display().to_string())
}
