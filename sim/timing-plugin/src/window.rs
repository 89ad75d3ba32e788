//! Which instructions belong to an event. No QEMU here.
//!
//! An event is what is executed between the return of the begin marker and the call of the end
//! marker. A counter of all instructions outside the two markers is kept by adding, at the start of
//! every block, the number of such instructions in it. A marker that is reached in the middle of a
//! block takes back what the block added for the instructions that are still to come. What remains
//! between the two readings is the event's own code and the instruction that calls the end marker:
//! [`CALL`] is subtracted for that. (A call that an assembler splits in two, as RISC-V's
//! `auipc` + `jalr` when it is not relaxed, costs the first of the two.)

/// Instructions that jump to the end marker.
pub const CALL: u64 = 1;

/// The address range of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first instruction.
    pub address: u64,
    /// Its length in bytes.
    pub size: u64,
}

impl Span {
    /// Whether an instruction is of this function.
    pub fn contains(self, address: u64) -> bool {
        self.address <= address && address - self.address < self.size
    }
}

/// The two functions between which instructions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Markers {
    /// Opens a window.
    pub begin: Span,
    /// Closes it.
    pub end: Span,
}

/// What happens at an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A window opens.
    Begin,
    /// The window closes.
    End,
}

/// What translation learns about a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BlockPlan {
    /// Instructions that its execution adds to the counter.
    pub counted: u64,
    /// Indices of instructions that open or close a window, each with what the block counted for
    /// that instruction and those behind it.
    pub edges: Vec<(usize, Edge, u64)>,
}

impl Markers {
    /// Plans a block from the addresses of its instructions.
    pub fn plan(&self, addresses: &[u64]) -> BlockPlan {
        let mut plan = BlockPlan::default();
        for (index, &address) in addresses.iter().enumerate().rev() {
            if !self.begin.contains(address) && !self.end.contains(address) {
                plan.counted += 1;
            }
            if address == self.begin.address {
                plan.edges.push((index, Edge::Begin, plan.counted));
            } else if address == self.end.address {
                plan.edges.push((index, Edge::End, plan.counted));
            }
        }
        plan
    }
}

/// The window that is open, if any.
#[derive(Debug, Default)]
pub struct Window {
    opened: Option<u64>,
}

impl Window {
    /// Opens it at a counter reading. Two openings in a row mean that an event was given up: the
    /// later one counts.
    pub fn open(&mut self, reading: u64) {
        self.opened = Some(reading);
    }

    /// Closes it, and returns the instructions of the event; nothing if none was open.
    pub fn close(&mut self, reading: u64) -> Option<u64> {
        let opened = self.opened.take()?;
        Some(reading.wrapping_sub(opened).saturating_sub(CALL))
    }
}
