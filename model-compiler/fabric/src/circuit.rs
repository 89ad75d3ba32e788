//! The scalar form: a program as wires, each of one integer and of the raws that it can take.

use hodoscope_program::Interval;

/// A wire of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireId(u32);

impl WireId {
    pub(crate) fn new(index: usize) -> Self {
        // A circuit is refused long before it has so many wires.
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Position among the wires.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a wire is computed. All arithmetic is exact, in the integers; a condition is 0 or 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A word at a port, of the input's type.
    Word {
        /// Input of the program.
        input: usize,
        /// Channel of its row.
        channel: usize,
    },
    /// A number.
    Constant(i128),
    /// a · 2^a_shift + b · 2^b_shift, or minus the second.
    Add {
        /// First term.
        a: WireId,
        /// Its shift.
        a_shift: u8,
        /// Second term.
        b: WireId,
        /// Its shift.
        b_shift: u8,
        /// Whether the second term is subtracted.
        minus: bool,
    },
    /// x · 2^shift: no logic.
    Left {
        /// Operand.
        x: WireId,
        /// Zeros that are appended.
        shift: u8,
    },
    /// ⌊x / 2^shift⌋: no logic.
    Right {
        /// Operand.
        x: WireId,
        /// Bits that are dropped.
        shift: u8,
    },
    /// The low bits of x, with or without a sign: no logic.
    Wrap {
        /// Operand.
        x: WireId,
        /// Bits that are kept.
        bits: u8,
        /// Whether the highest of them is a sign.
        signed: bool,
    },
    /// high · 2^bits + low, where 0 ≤ low < 2^bits: no logic.
    Join {
        /// High part.
        high: WireId,
        /// Low part.
        low: WireId,
        /// Bits of the low part.
        bits: u8,
    },
    /// min(max(x, minimum), maximum).
    Clamp {
        /// Operand.
        x: WireId,
        /// Smallest result.
        minimum: i128,
        /// Largest result.
        maximum: i128,
    },
    /// a · b.
    Multiply {
        /// First factor.
        a: WireId,
        /// Second factor.
        b: WireId,
    },
    /// Whether a < b.
    Less {
        /// Left side.
        a: WireId,
        /// Right side.
        b: WireId,
    },
    /// Whether a = b.
    Equal {
        /// Left side.
        a: WireId,
        /// Right side.
        b: WireId,
    },
    /// Whether a condition does not hold.
    Not {
        /// Condition.
        x: WireId,
    },
    /// Whether both conditions hold.
    And {
        /// First condition.
        a: WireId,
        /// Second condition.
        b: WireId,
    },
    /// Whether one condition holds.
    Or {
        /// First condition.
        a: WireId,
        /// Second condition.
        b: WireId,
    },
    /// yes where the condition holds, else no.
    Choose {
        /// Condition.
        condition: WireId,
        /// Result where it holds.
        yes: WireId,
        /// Result where it does not.
        no: WireId,
    },
    /// entries\[x − first\].
    Look {
        /// Operand, within the table.
        x: WireId,
        /// The table.
        table: usize,
    },
    /// Σ x over the constituents that are kept; 0 for none.
    Sum {
        /// Operand, of each constituent.
        x: WireId,
    },
    /// The largest of `none` and of x over the constituents that are kept.
    Most {
        /// Operand, of each constituent.
        x: WireId,
        /// What is below or at all that counts.
        none: i128,
    },
    /// The number of constituents that are kept.
    Count,
}

impl Op {
    /// The wires that it reads.
    pub fn operands(&self) -> Vec<WireId> {
        match *self {
            Self::Word { .. } | Self::Constant(_) | Self::Count => vec![],
            Self::Left { x, .. }
            | Self::Right { x, .. }
            | Self::Wrap { x, .. }
            | Self::Clamp { x, .. }
            | Self::Not { x }
            | Self::Look { x, .. }
            | Self::Sum { x }
            | Self::Most { x, .. } => vec![x],
            Self::Add { a, b, .. }
            | Self::Multiply { a, b }
            | Self::Less { a, b }
            | Self::Equal { a, b }
            | Self::And { a, b }
            | Self::Or { a, b } => vec![a, b],
            Self::Join { high, low, .. } => vec![high, low],
            Self::Choose { condition, yes, no } => vec![condition, yes, no],
        }
    }

    /// The same operation on other wires.
    pub(crate) fn renamed(mut self, name: &dyn Fn(WireId) -> WireId) -> Self {
        match &mut self {
            Self::Word { .. } | Self::Constant(_) | Self::Count => {}
            Self::Left { x, .. }
            | Self::Right { x, .. }
            | Self::Wrap { x, .. }
            | Self::Clamp { x, .. }
            | Self::Not { x }
            | Self::Look { x, .. }
            | Self::Sum { x }
            | Self::Most { x, .. } => *x = name(*x),
            Self::Add { a, b, .. }
            | Self::Multiply { a, b }
            | Self::Less { a, b }
            | Self::Equal { a, b }
            | Self::And { a, b }
            | Self::Or { a, b } => {
                *a = name(*a);
                *b = name(*b);
            }
            Self::Join { high, low, .. } => {
                *high = name(*high);
                *low = name(*low);
            }
            Self::Choose { condition, yes, no } => {
                *condition = name(*condition);
                *yes = name(*yes);
                *no = name(*no);
            }
        }
        self
    }

    /// Whether it collects constituents, and so stands between those and the event.
    pub fn collects(&self) -> bool {
        matches!(self, Self::Sum { .. } | Self::Most { .. } | Self::Count)
    }
}

/// One wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// How it is computed.
    pub op: Op,
    /// All that it can be.
    pub range: Interval,
    /// Whether there is one for each constituent.
    pub is_local: bool,
    /// The module that it belongs to.
    pub module: usize,
    /// The value and element that it is, if it is one.
    pub label: Option<(u32, u32)>,
}

impl Wire {
    /// Whether it has a sign bit.
    pub fn is_signed(&self) -> bool {
        self.range.minimum < 0
    }

    /// Bits of its interval, at least one.
    pub fn width(&self) -> u32 {
        let signed = self.range.signed_bits();
        match self.is_signed() {
            true => signed,
            false => (signed - 1).max(1),
        }
    }
}

/// A table: the entries from `first` on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Name of the constant that it comes from.
    pub name: String,
    /// The operand of the first entry.
    pub first: i128,
    /// Entries.
    pub entries: Vec<i64>,
}

/// An input of the program: a row of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inlet {
    /// Name, as in the model.
    pub name: String,
    /// Words of a row.
    pub channels: usize,
    /// Bits of a word.
    pub width: u8,
    /// Whether words have a sign.
    pub is_signed: bool,
    /// Whether the set has a row for each constituent.
    pub of_set: bool,
}

/// A constant matrix as adders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Name of the value.
    pub name: String,
    /// Rows that the matrix is multiplied with, each with adders of its own.
    pub rows: usize,
    /// Adders of one row, without those of the bias.
    pub adders: usize,
    /// Signed digits of all weights: one adder for each without sharing, less one for each output.
    pub digits: usize,
    /// Adders one behind the other.
    pub depth: u32,
}

/// An output of the program: its raws, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Name, as in the model.
    pub name: String,
    /// The wires.
    pub wires: Vec<WireId>,
    /// Bits of the output's type.
    pub width: u8,
    /// Whether the type is signed.
    pub is_signed: bool,
}

/// The set whose constituents come one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Name.
    pub name: String,
    /// Constituents that are computed, at most.
    pub capacity: usize,
    /// Whether a slot holds a constituent.
    pub live: WireId,
    /// Whether the hardest are kept of too many, not the first: there is no logic for it, and the event is marked.
    pub is_ordered: bool,
}

/// A module: the wires of a layer and of what follows it element by element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Name of its first value.
    pub name: String,
    /// A line for each value: name, operation, type and scale.
    pub notes: Vec<String>,
}

/// A program as wires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Name of the program.
    pub name: String,
    /// Wires, each after its operands.
    pub wires: Vec<Wire>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Modules.
    pub modules: Vec<Module>,
    /// Names of the program's values.
    pub values: Vec<String>,
    /// Inputs, in the order of an event.
    pub inputs: Vec<Inlet>,
    /// What became of each constant matrix.
    pub layers: Vec<Layer>,
    /// Outputs, in the order of an answer.
    pub outputs: Vec<Port>,
    /// The set, if there is one.
    pub stream: Option<Stream>,
}

impl Circuit {
    /// The wire `id`.
    pub fn wire(&self, id: WireId) -> &Wire {
        &self.wires[id.index()]
    }

    /// Adders and subtractors, those of pools among them.
    pub fn adders(&self) -> usize {
        let adds = |wire: &&Wire| matches!(wire.op, Op::Add { .. } | Op::Sum { .. });
        self.wires.iter().filter(adds).count()
    }

    /// Multipliers of two wires.
    pub fn multipliers(&self) -> usize {
        let multiplies = |wire: &&Wire| matches!(wire.op, Op::Multiply { .. });
        self.wires.iter().filter(multiplies).count()
    }

    /// Bits of all tables that are looked up: one table for each look.
    pub fn table_bits(&self) -> u64 {
        let bits = |wire: &Wire| match wire.op {
            Op::Look { x, .. } => {
                let range = self.wire(x).range;
                (range.maximum - range.minimum + 1) as u64 * u64::from(wire.width())
            }
            _ => 0,
        };
        self.wires.iter().map(bits).sum()
    }
}
