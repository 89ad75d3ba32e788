//! A compiled model.

use std::ffi::OsString;
use std::path::PathBuf;

use hodoscope::Place;
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{self, Arrays};
use crate::{Outcome, Report, outcome, report};

/// A compiled model that computes events.
#[pyclass(frozen, module = "hodoscope._native")]
pub struct Model(hodoscope::Model);

fn place(name: &str) -> Place {
    match name.parse() {
        Ok(place) => place,
    }
}

#[pymethods]
impl Model {
    /// Reads what `compile` wrote.
    #[staticmethod]
    fn read(py: Python<'_>, dir: PathBuf) -> Outcome<Self> {
        outcome(py, || hodoscope::Model::read(&dir).map(Self))
    }

    /// Name of the program.
    #[getter]
    fn name(&self) -> &str {
        &self.0.program().name
    }

    /// SHA-256 of the program's text.
    #[getter]
    fn sha256(&self) -> String {
        self.0.sha256()
    }

    /// The program's text.
    #[getter]
    fn text(&self) -> String {
        self.0.program().to_text()
    }

    /// Inputs and outputs, as JSON.
    #[getter]
    fn interface(&self) -> String {
        self.0.interface().to_string()
    }

    /// report.json.
    #[getter]
    fn report(&self) -> String {
        self.0.report().to_string()
    }

    /// Builds the emitted crate for this machine and loads it.
    fn build(&self, py: Python<'_>) -> Outcome<()> {
        outcome(py, || self.0.build())
    }

    /// Outputs as arrays, and for each input its name, values and those that saturated.
    #[allow(clippy::type_complexity)]
    fn run<'py>(
        &self,
        py: Python<'py>,
        on: &str,
        events: &Bound<'_, Arrays>,
    ) -> PyResult<Outcome<(Bound<'py, PyDict>, String)>> {
        let events = Arrays::take(events)?;
        let (computed, failure, notes) = outcome(py, || self.0.run(&place(on), &events));
        let computed = computed.map(|computed| {
            let encoding = hodoscope::encoding(&computed.report).to_string();
            Ok::<_, PyErr>((arrays::outputs(py, computed.outputs)?, encoding))
        });
        Ok((computed.transpose()?, failure, notes))
    }

    /// Whether the first output of each event has a raw of at least `threshold`.
    fn decide<'py>(
        &self,
        py: Python<'py>,
        on: &str,
        events: &Bound<'_, Arrays>,
        threshold: i64,
    ) -> PyResult<Outcome<Bound<'py, PyArray1<bool>>>> {
        let events = Arrays::take(events)?;
        let (decided, failure, notes) =
            outcome(py, || self.0.decide(&place(on), &events, threshold));
        let decided = decided.map(|decided| PyArray1::from_vec(py, decided));
        Ok((decided, failure, notes))
    }

    /// The smallest raw of the first output that means `least` or more.
    fn threshold(&self, py: Python<'_>, least: f64) -> Outcome<i64> {
        outcome(py, || self.0.threshold(least))
    }

    /// Words of the values of an input's rows, and how many saturated.
    fn words<'py>(
        &self,
        py: Python<'py>,
        input: &str,
        values: Vec<f64>,
    ) -> Outcome<(Bound<'py, PyArray1<i64>>, u64)> {
        let (words, failure, notes) = outcome(py, || self.0.words(input, &values));
        let words = words.map(|(words, saturated)| (PyArray1::from_vec(py, words), saturated));
        (words, failure, notes)
    }

    /// `hodoscope evaluate` with these arguments.
    fn evaluate(
        &self,
        py: Python<'_>,
        on: &str,
        events: &Bound<'_, Arrays>,
        arguments: Vec<OsString>,
    ) -> PyResult<Outcome<Report>> {
        let events = Arrays::take(events)?;
        Ok(outcome(py, || {
            let evaluated = self.0.evaluate(&place(on), &events, arguments);
            evaluated.map(report)
        }))
    }
}
