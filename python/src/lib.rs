//! The native half of the Python package `hodoscope`; what users see of it is in `package/hodoscope`.
//!
//! Errors and warnings are values here, and become Python's in `_native_calls.py`: a call gives what was done, or why it was
//! not, and what was said meanwhile. While it computes, other Python threads run.

mod arrays;
mod model;

use std::ffi::OsString;

use hodoscope::{Failure, noted};
use pyo3::prelude::*;

use arrays::Arrays;

/// What was done; or the message and exit code of the command; and its notes and warnings.
type Outcome<T> = (Option<T>, Option<(String, u8)>, Vec<String>);

/// The text, JSON and failed check of a command.
type Report = (String, String, Option<String>);

/// Does `work` without the interpreter's lock.
fn outcome<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Outcome<T> {
    let (done, notes) = py.detach(|| noted(work));
    match done {
        Ok(done) => (Some(done), None, notes),
        Err(failure) => (None, Some((failure.message, failure.exit_code)), notes),
    }
}

fn report(report: hodoscope::Report) -> Report {
    (report.text, report.json.to_string(), report.failed)
}

/// `hodoscope compile` with these arguments, and these calibration events in place of a file's.
#[pyfunction]
fn compile(
    py: Python<'_>,
    arguments: Vec<OsString>,
    events: Option<&Bound<'_, Arrays>>,
) -> PyResult<Outcome<Report>> {
    let events = events.map(Arrays::take).transpose()?;
    Ok(outcome(py, || {
        hodoscope::compile(arguments, events).map(report)
    }))
}

/// The native half of `hodoscope`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::arrays::Arrays;
    #[pymodule_export]
    use super::compile;
    #[pymodule_export]
    use super::model::Model;

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
