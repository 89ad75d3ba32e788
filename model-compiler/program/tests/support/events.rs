//! Random events.

use hodoscope_program::{IntType, Live, Program};

/// How far words may lie outside of their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Any 64-bit integer.
    Anything,
    /// What the integer that a crate stores the input in can hold.
    Storage,
}

/// A small generator of its own: events follow from a seed on every host.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (splitmix64).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Shuffles `items`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// Words of one event for each input: multiplicities from 0 to beyond the capacity, words at and
/// beyond the ends of their ranges, holes, and ties.
pub fn event(program: &Program, random: &mut Random, reach: Reach) -> Vec<Vec<i64>> {
    let rows: Vec<usize> = program
        .sets
        .iter()
        .map(|set| match random.below(6) {
            0 => 0,
            1 => set.capacity,
            2 => set.capacity + 1,
            3 => 1,
            _ => random.below(2 * set.capacity + 3),
        })
        .collect();
    // Of one event all words are tame, or some are wild, or few values occur.
    let mood = random.below(4);
    let inputs = program.inputs.iter().enumerate();
    inputs
        .map(|(index, input)| {
            let rows = input.set.map_or(1, |set| rows[set.index()]);
            let words = (0..rows * input.channels).map(|i| {
                let channel = i % input.channels;
                let field = input.field(channel);
                let limits = match reach {
                    Reach::Anything => IntType::signed(64),
                    Reach::Storage => input.element().storage(),
                };
                let span = (field.maximum - field.minimum + 1) as u64;
                let inside = field.minimum + (random.next() % span) as i64;
                let dead = program.sets.iter().find_map(|set| match set.live {
                    Live::Above { word, threshold } if word.input.index() == index => {
                        (word.channel == channel).then_some(threshold)
                    }
                    Live::NotEqual { word, empty } if word.input.index() == index => {
                        (word.channel == channel).then_some(empty)
                    }
                    _ => None,
                });
                let word = match (mood, random.below(8)) {
                    (_, 0) => dead.unwrap_or(field.empty),
                    (0, _) => inside,
                    (1, 1) => field.minimum,
                    (1, 2) => field.maximum,
                    (1, 3) => limits.minimum(),
                    (1, 4) => limits.maximum(),
                    (1, 5) => field.minimum.saturating_sub(1),
                    (1, 6) => field.maximum.saturating_add(1),
                    (2, _) => field.minimum + (inside - field.minimum) % 3,
                    (3, 1..4) => dead.map_or(inside, |d| d.saturating_add(1)),
                    _ => inside,
                };
                word.clamp(limits.minimum(), limits.maximum())
            });
            words.collect()
        })
        .collect()
}
