//! Seeded random numbers.

/// A generator of 32 bits: a Weyl sequence whose numbers are mixed.
///
/// It goes through all 2³² states. The constants of the mix are those of Chris Wellons' search for functions of low bias
/// (`triple32`'s predecessors, public domain).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random(pub u32);

impl Random {
    /// The next number.
    pub fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 16).wrapping_mul(0x21f0_aaad);
        mixed = (mixed ^ mixed >> 15).wrapping_mul(0x735a_2d97);
        mixed ^ mixed >> 15
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_is_met_within_its_error() {
        for seed in [0, 1, 77, u32::MAX] {
            let mut random = Random(seed);
            let chance = u32::MAX / 10;
            let hits = (0..100_000).filter(|_| random.draw() < chance).count();
            // Five standard errors.
            assert!(hits.abs_diff(10_000) < 475, "{seed}: {hits}");
        }
    }
}
