//! Where the activations of a sequence of steps stand: values whose lives do not overlap share a slot.
//!
//! A slot is an array of one integer type: an emitted crate has no unsafe code. Its compiler checks the lives again: a
//! value is a borrow of its slot.

use hodoscope_program::ValueId;

use super::layout::{Layout, Storage, filled};
use super::{Kernel, Plan, Step, storage_bits};

/// Values of fewer bytes are variables of their own: registers may hold them.
const SMALLEST: usize = 32;

/// The slots of a sequence of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arena {
    /// All of them, the longest first.
    pub slots: Vec<Slot>,
    /// For each value of the program, the slot that it stands in; none for a variable of its own.
    places: Vec<Option<usize>>,
}

/// An array that several values take in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bits of an element: 8, 16, 32 or 64.
    pub bits: u8,
    /// Number of elements.
    pub length: usize,
    /// Whether two halves are read as a word.
    pub is_paired: bool,
}

impl Slot {
    /// The array of `length` elements that a layout reads or writes; none where it takes the value's own.
    pub fn of(storage: Storage, length: usize) -> Option<Self> {
        let bits = match storage {
            Storage::Narrowest => return None,
            Storage::Pairs => 16,
            Storage::Words => 32,
        };
        Some(Self {
            bits,
            length: filled(length),
            is_paired: storage == Storage::Pairs,
        })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.length * usize::from(self.bits / 8)
    }
}

/// A value with the steps, by their numbers, from which and until which it is needed.
struct Life {
    id: ValueId,
    slot: Slot,
    first: usize,
    last: usize,
}

impl Arena {
    /// The slots for `steps` of `plan`. What is `held` is needed once all of them are done, as a variable of its own.
    fn new(plan: &Plan<'_>, steps: &[Step], held: &[ValueId]) -> Self {
        let mut lives: Vec<Life> = vec![];
        for (number, step) in steps.iter().enumerate() {
            for operand in plan.reads(step) {
                let root = plan.root(operand);
                if let Some(life) = lives.iter_mut().find(|life| life.id == root) {
                    life.last = number;
                }
            }
            // A layer in blocks is computed with the squared error of its result.
            if plan.blocks_of(step).is_some() {
                continue;
            }
            let written = plan.compared(step).map_or(step, |(_, layer)| layer);
            let slot = plan.extent(written.result);
            if is_written_into(&written.kernel)
                && plan.root(written.result) == written.result
                && slot.bytes() >= SMALLEST
            {
                lives.push(Life {
                    id: written.result,
                    slot,
                    first: number,
                    last: number,
                });
            }
        }
        lives.retain(|life| held.iter().all(|held| plan.root(*held) != life.id));
        for output in &plan.program.outputs {
            let root = plan.root(output.value);
            if let Some(life) = lives.iter_mut().find(|life| life.id == root) {
                life.last = steps.len();
            }
        }
        // The longest first: a slot is as long as its first value. The order of equally long ones is that of the steps.
        lives.sort_by_key(|life| std::cmp::Reverse(life.slot.length));
        let mut shared: Vec<Vec<Life>> = vec![];
        for life in lives {
            let free = |others: &&mut Vec<Life>| {
                let apart = |other: &Life| life.last < other.first || other.last < life.first;
                others[0].slot.bits == life.slot.bits && others.iter().all(apart)
            };
            match shared.iter_mut().find(free) {
                Some(others) => others.push(life),
                None => shared.push(vec![life]),
            }
        }
        // What shares with nothing stays a variable.
        shared.retain(|lives| lives.len() > 1);
        let mut arena = Self {
            slots: shared.iter().map(|lives| together(lives)).collect(),
            places: vec![None; plan.program.values.len()],
        };
        for (number, lives) in shared.iter().enumerate() {
            for life in lives {
                arena.places[life.id.index()] = Some(number);
            }
        }
        arena
    }

    /// The number of the slot in which `id`, or what it is a view of, stands.
    pub fn slot(&self, plan: &Plan<'_>, id: ValueId) -> Option<usize> {
        self.places.get(plan.root(id).index()).copied().flatten()
    }

    /// Bytes of all slots.
    pub fn bytes(&self) -> usize {
        self.slots.iter().map(Slot::bytes).sum()
    }
}

/// The slot of all of them: as long as the first.
fn together(lives: &[Life]) -> Slot {
    let is_paired = lives.iter().any(|life| life.slot.is_paired);
    let Slot { bits, length, .. } = lives[0].slot;
    Slot {
        bits,
        length: match is_paired {
            true => filled(length),
            false => length,
        },
        is_paired,
    }
}

/// Whether a kernel writes its result into an array; the others give it back.
fn is_written_into(kernel: &Kernel) -> bool {
    !matches!(
        kernel,
        Kernel::Grid { .. }
            | Kernel::Count
            | Kernel::ArgMax { .. }
            | Kernel::SquaredError { .. }
            | Kernel::SumSquares { .. }
            | Kernel::Select { .. }
            | Kernel::Largest { .. }
            | Kernel::Trees { .. }
            | Kernel::SumRows { .. }
            | Kernel::Dense {
                layout: Layout::ShiftAdds,
                ..
            }
    )
}

impl Plan<'_> {
    /// The slots of the layers of a constituent. What is pooled is given back.
    pub fn constituent_arena(&self) -> Arena {
        let held: Vec<ValueId> = self.pooled.iter().map(|pooled| pooled.x).collect();
        Arena::new(self, &self.constituent, &held)
    }

    /// The slots of the layers of an event.
    pub fn event_arena(&self) -> Arena {
        Arena::new(self, &self.event, &[])
    }

    /// The slots of some of them.
    pub fn arena_of(&self, steps: &[Step]) -> Arena {
        Arena::new(self, steps, &[])
    }

    /// Bytes of the arrays that hold activations: of an event's layers, or of those of a constituent, or two, where
    /// these take more. On a core they are a part of the stack, as far as registers do not hold them.
    pub fn activation_bytes(&self) -> usize {
        let of_their_own = |steps: &[Step], arena: &Arena| -> usize {
            let values = steps.iter().map(|step| step.result);
            let own = values.filter(|id| self.root(*id) == *id && arena.slot(self, *id).is_none());
            own.map(|id| self.extent(id).bytes()).sum()
        };
        let constituent = match self.twins {
            true => 2 * of_their_own(&self.constituent, &Arena::default()),
            false => {
                let arena = self.constituent_arena();
                arena.bytes() + of_their_own(&self.constituent, &arena)
            }
        };
        let arena = self.event_arena();
        let pooled = self
            .pooled
            .iter()
            .map(|sum| self.extent(sum.result).bytes());
        let event = arena.bytes() + of_their_own(&self.event, &arena) + pooled.sum::<usize>();
        (constituent + self.copied(&self.constituent)).max(event + self.copied(&self.event))
    }

    /// Bytes of the longest arrays into which the rows of a layer are copied: they are given back behind it.
    fn copied(&self, steps: &[Step]) -> usize {
        let of = |step: &Step| {
            let layer = self.layer(step)?;
            let (operand, result) = layer.copies(step.layout()?);
            let bytes = |storage: Option<Storage>, length: usize| {
                let slot = storage.and_then(|storage| Slot::of(storage, length));
                slot.map_or(0, |slot| slot.bytes())
            };
            Some(bytes(operand, layer.columns()) + bytes(result, layer.rows()))
        };
        steps.iter().filter_map(of).max().unwrap_or(0)
    }

    /// The value whose array a value is another name of: its operand's where it is a view that is stored alike, else its own.
    pub fn root(&self, id: ValueId) -> ValueId {
        match self.program.value(id).operation {
            hodoscope_program::Operation::Reshape { x } if self.are_stored_alike(id, x) => {
                self.root(x)
            }
            _ => id,
        }
    }

    fn are_stored_alike(&self, a: ValueId, b: ValueId) -> bool {
        let bits = |id: ValueId| storage_bits(self.program.value(id).element);
        bits(a) == bits(b)
    }

    /// How many elements, of how many bits, hold a value as it is stored: one block of it where it is compared in blocks.
    pub fn extent(&self, id: ValueId) -> Slot {
        let value = self.program.value(id);
        let blocks = self.blocks.iter().find(|blocks| blocks.result == id);
        let length = blocks.map_or(value.shape.elements(1), |blocks| blocks.rows);
        // Of several rows only where nothing is filled up.
        Slot::of(self.storage[id.index()], length).unwrap_or(Slot {
            bits: storage_bits(value.element),
            length,
            is_paired: false,
        })
    }
}

#[cfg(test)]
mod tests {
    // A test that unwraps fails with the line that is wrong.
    #![allow(clippy::unwrap_used)]

    use hodoscope_program::Program;

    use super::*;
    use crate::plan::Isa;

    /// A chain of rectifiers over 64 bytes, of which the last two are outputs.
    fn chain(length: usize) -> Program {
        let mut text = "hodoscope-program 1\nprogram chain\ninput x channels 64\n  \
             field x unit \"\" lsb 1.0 range -100 100 saturate empty 0\n\
             value v0 [64] i8 frac 0 = input x\n"
            .to_owned();
        for step in 1..length {
            let before = step - 1;
            text += &format!(
                "value v{step} [64] i8 frac 0 = clip v{before} range {} 100\n",
                -step.cast_signed()
            );
        }
        for output in [length - 2, length - 1] {
            text += &format!("output y{output} = v{output}\n");
        }
        Program::from_text(&text).unwrap()
    }

    #[test]
    fn values_that_are_not_needed_together_share_a_slot() {
        for length in [4, 5, 9, 40] {
            let program = chain(length);
            let plan = Plan::new(&program, Isa::Portable).unwrap();
            let arena = plan.event_arena();
            // Operand and result, and both outputs at the end.
            assert_eq!(arena.slots.len(), 2, "{length}");
            assert_eq!(plan.activation_bytes(), 128, "{length}");
            for pair in plan.event.windows(2) {
                let [first, second] =
                    [&pair[0], &pair[1]].map(|step| arena.slot(&plan, step.result));
                assert_ne!(first, second, "{length}");
            }
        }
    }

    #[test]
    fn what_shares_with_nothing_is_a_variable() {
        let program = chain(3);
        let plan = Plan::new(&program, Isa::Portable).unwrap();
        let arena = plan.event_arena();
        // The third takes the place of the first.
        assert_eq!(arena.slots.len(), 1);
        assert_eq!(arena.slot(&plan, plan.event[1].result), None);
        assert_eq!(plan.activation_bytes(), 128);
    }
}
