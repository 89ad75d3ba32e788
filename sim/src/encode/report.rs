//! What rounding and saturation cost.

use hodoscope_program::Program;

/// What became of the values of all events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeReport {
    /// Number of events.
    pub events: usize,
    /// By input, in the program's order.
    pub inputs: Vec<InputReport>,
    /// By set, in the program's order.
    pub sets: Vec<SetReport>,
}

/// Values of one input; of a set's slots only the live ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputReport {
    /// Name of the input.
    pub name: String,
    /// Values.
    pub values: u64,
    /// Of these, those outside their field's range that became the nearest word.
    pub saturated: u64,
}

/// Constituents of one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetReport {
    /// Name of the set.
    pub name: String,
    /// Live constituents.
    pub constituents: u64,
    /// Constituents whose value passes the mask and whose rounded word does not.
    pub lost: u64,
    /// Events with a lost constituent.
    pub events_with_loss: u64,
    /// Live constituents beyond the set's capacity, which the program leaves out.
    pub beyond_capacity: u64,
    /// Largest number of live constituents in an event.
    pub largest_multiplicity: u64,
}

impl EncodeReport {
    /// Of so many events that cost nothing.
    #[must_use]
    pub fn new(program: &Program, events: usize) -> Self {
        Self {
            events,
            inputs: program
                .inputs
                .iter()
                .map(|input| InputReport {
                    name: input.name.clone(),
                    values: 0,
                    saturated: 0,
                })
                .collect(),
            sets: program
                .sets
                .iter()
                .map(|set| SetReport {
                    name: set.name.clone(),
                    constituents: 0,
                    lost: 0,
                    events_with_loss: 0,
                    beyond_capacity: 0,
                    largest_multiplicity: 0,
                })
                .collect(),
        }
    }

    /// Adds what other events of the same program cost.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        for (own, other) in self.inputs.iter_mut().zip(&other.inputs) {
            own.values += other.values;
            own.saturated += other.saturated;
        }
        for (own, other) in self.sets.iter_mut().zip(&other.sets) {
            own.constituents += other.constituents;
            own.lost += other.lost;
            own.events_with_loss += other.events_with_loss;
            own.beyond_capacity += other.beyond_capacity;
            own.largest_multiplicity = own.largest_multiplicity.max(other.largest_multiplicity);
        }
    }

    /// Saturated values of all inputs.
    pub fn saturated(&self) -> u64 {
        self.inputs.iter().map(|input| input.saturated).sum()
    }

    /// Lost constituents of all sets.
    pub fn lost(&self) -> u64 {
        self.sets.iter().map(|set| set.lost).sum()
    }
}

impl SetReport {
    pub(super) fn add(&mut self, constituents: u64, lost: u64, capacity: usize) {
        self.constituents += constituents;
        self.lost += lost;
        self.events_with_loss += u64::from(lost > 0);
        self.beyond_capacity += constituents.saturating_sub(capacity as u64);
        self.largest_multiplicity = self.largest_multiplicity.max(constituents);
    }
}
