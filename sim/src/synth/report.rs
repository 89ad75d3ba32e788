//! What nextpnr reports.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Cells of one kind, as nextpnr calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Cells {
    /// Used.
    pub used: u64,
    /// On the device.
    pub available: u64,
}

/// Area and clock of a soft-core on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Names and versions of the tools.
    pub tools: String,
    /// RAM of the system, bytes.
    pub memory_bytes: u64,
    /// Cells that are used, by nextpnr's name of their kind; of the first seed.
    pub cells: BTreeMap<String, Cells>,
    /// Highest clock, Hz, of each seed.
    pub fmax_hz: Vec<u64>,
}

/// One run's report, `--report`.
#[derive(Deserialize)]
struct File {
    fmax: BTreeMap<String, Clock>,
    utilization: BTreeMap<String, Cells>,
}

#[derive(Deserialize)]
struct Clock {
    /// MHz.
    achieved: f64,
}

/// Cells in use, and the highest clock in Hz.
pub(super) fn read(text: &str) -> Result<(BTreeMap<String, Cells>, u64), String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let clocks = file.fmax.values().map(|clock| clock.achieved);
    let slowest = clocks.fold(f64::INFINITY, f64::min);
    if !slowest.is_finite() {
        return Err("no clock was routed".to_owned());
    }
    let used = file
        .utilization
        .into_iter()
        .filter(|(_, cells)| cells.used > 0);
    Ok((used.collect(), (slowest * 1e6) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_gives_cells_and_the_slowest_clock() {
        let text = r#"{
            "critical_paths": [],
            "fmax": {"clk": {"achieved": 80.5, "constraint": 80}, "slow": {"achieved": 26.25, "constraint": 20}},
            "utilization": {"LUT": {"available": 100, "used": 7}, "PLL": {"available": 2, "used": 0}}
        }"#;
        let (cells, fmax) = read(text).unwrap();
        assert_eq!(fmax, 26_250_000);
        let seven = Cells {
            used: 7,
            available: 100,
        };
        assert_eq!(cells, BTreeMap::from([("LUT".to_owned(), seven)]));
    }

    #[test]
    fn a_report_without_a_clock_is_refused() {
        assert_eq!(
            read(r#"{"fmax": {}, "utilization": {}}"#).unwrap_err(),
            "no clock was routed"
        );
        assert!(read("nonsense").is_err());
    }
}
