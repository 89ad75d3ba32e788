//! Values as an emitted crate stores them, and the types that its arithmetic may have.

use hodoscope_compiler::plan::storage_bits;
use hodoscope_program::IntType;

/// A value as a crate stores it.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Of 8 bits.
    I8(Vec<i8>),
    /// Of 16 bits.
    I16(Vec<i16>),
    /// Of 32 bits.
    I32(Vec<i32>),
    /// Of 64 bits.
    I64(Vec<i64>),
}

/// `body` for each type that an array may have.
macro_rules! each {
    ($array:expr, $x:ident => $body:expr) => {
        match $array {
            Array::I8($x) => $body,
            Array::I16($x) => $body,
            Array::I32($x) => $body,
            Array::I64($x) => $body,
        }
    };
}

/// `body` for each type that converts to `i32`: no other may meet accumulators of 32 bits.
macro_rules! each32 {
    ($array:expr, $x:ident => $body:expr) => {
        match $array {
            Array::I8($x) => $body,
            Array::I16($x) => $body,
            Array::I32($x) => $body,
            Array::I64(_) => panic!("an operand of 64 bits in accumulators of 32"),
        }
    };
}

/// `body` with `A` as the accumulator, and the operands in each type that converts to it.
macro_rules! accumulate {
    ($accumulator:expr, $x:ident = $a:expr => $body:expr) => {
        match $accumulator {
            Accumulator::I32 => {
                type A = i32;
                each32!($a, $x => $body)
            }
            Accumulator::I64 => {
                type A = i64;
                each!($a, $x => $body)
            }
        }
    };
    ($accumulator:expr, $x:ident = $a:expr, $z:ident = $b:expr => $body:expr) => {
        match $accumulator {
            Accumulator::I32 => {
                type A = i32;
                each32!($a, $x => each32!($b, $z => $body))
            }
            Accumulator::I64 => {
                type A = i64;
                each!($a, $x => each!($b, $z => $body))
            }
        }
    };
}

impl Array {
    /// Raws in the storage of `ty`.
    ///
    /// # Panics
    /// If one is not of it: a crate would not compile.
    pub fn new(ty: IntType, raws: &[i64]) -> Self {
        Self::of_bits(storage_bits(ty), raws)
    }

    fn of_bits(bits: u8, raws: &[i64]) -> Self {
        fn all<T: TryFrom<i64, Error: std::fmt::Debug>>(raws: &[i64]) -> Vec<T> {
            raws.iter()
                .map(|r| T::try_from(*r).expect("raws fit their storage"))
                .collect()
        }
        match bits {
            8 => Self::I8(all(raws)),
            16 => Self::I16(all(raws)),
            32 => Self::I32(all(raws)),
            _ => Self::I64(raws.to_vec()),
        }
    }

    /// The integers, whatever they are stored in.
    pub fn raws(&self) -> Vec<i64> {
        each!(self, x => x.iter().map(|raw| i64::from(*raw)).collect())
    }
}

/// Literals of an emitted crate: they must fit.
pub(crate) fn exact<A: TryFrom<i64, Error: std::fmt::Debug>>(raws: &[i64]) -> Vec<A> {
    raws.iter()
        .map(|r| A::try_from(*r).expect("constants fit the accumulator"))
        .collect()
}

/// Both ends of a range, as literals.
pub(crate) fn ends<A: TryFrom<i64, Error: std::fmt::Debug> + Copy>(limits: (i64, i64)) -> (A, A) {
    let both = exact::<A>(&[limits.0, limits.1]);
    (both[0], both[1])
}

/// A bias, converted as `dense` converts it.
pub(crate) fn accumulators<A: TryFrom<i64, Error: std::fmt::Debug>>(bias: &Array) -> Vec<A> {
    exact(&bias.raws())
}

/// Raws, whatever they were computed in.
pub(crate) fn narrowed<A: Copy + Into<i64>>(x: &[A]) -> Vec<i64> {
    x.iter().map(|x| (*x).into()).collect()
}
