//! Numbers that a seed determines.

/// Marsaglia's xorshift of 32 bits (Journal of Statistical Software 8 (14), 2003).
pub struct Random(u32);

impl Random {
    /// A seed that is not 0.
    pub const fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.word() as usize % end
    }

    /// One of `all`.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// How words are drawn: any, or extreme bytes and halves only.
#[derive(Clone, Copy)]
pub enum Style {
    /// Any word.
    Any,
    /// One word throughout.
    Same(u32),
    /// One of two words.
    Either(u32, u32),
}

impl Style {
    /// −128, 127, −1 in bytes, and −32768 and 32767 in halves, alone and mixed; half of all are [`Style::Any`].
    pub fn draw(random: &mut Random) -> Self {
        random.one_of(&[
            Self::Any,
            Self::Any,
            Self::Any,
            Self::Any,
            Self::Any,
            Self::Any,
            Self::Same(0x8080_8080),
            Self::Same(0x7f7f_7f7f),
            Self::Same(0xffff_ffff),
            Self::Same(0x8000_8000),
            Self::Same(0x7fff_7fff),
            Self::Either(0x8080_8080, 0x7f7f_7f7f),
        ])
    }

    /// A word of this style.
    pub fn word(self, random: &mut Random) -> u32 {
        match self {
            Self::Any => random.word(),
            Self::Same(word) => word,
            Self::Either(a, b) => random.one_of(&[a, b]),
        }
    }
}
