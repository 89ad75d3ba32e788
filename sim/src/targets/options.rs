//! How firmware is built and run.

use std::time::Duration;

/// How firmware is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BuildOptions {
    /// Firmware that can show every layer.
    pub trace: bool,
    /// Little optimisation, and overflow checks on.
    pub checked: bool,
}

/// How a session is run.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// How long to wait for the target to start and introduce itself.
    pub start: Duration,
    /// How long to wait for each reply.
    pub patience: Duration,
    /// Requests that are under way at once; nothing means what the board states.
    pub window: Option<usize>,
    /// Ticks that do not depend on this machine, at the price of some speed.
    pub deterministic: bool,
    /// Count the instructions of every event; on emulated boards only.
    pub count_instructions: bool,
    /// Record which instructions every event executes, and count them; on emulated boards only.
    pub record_paths: bool,
    /// Measure how deep the stack gets; on emulated boards only.
    pub measure_stack: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(30),
            patience: Duration::from_secs(20),
            window: None,
            deterministic: false,
            count_instructions: false,
            record_paths: false,
            measure_stack: false,
        }
    }
}
