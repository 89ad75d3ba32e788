//! Random programs that verify, and random events for them: shared by the tests of several crates.
#![allow(dead_code)] // Each test takes what it needs.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod events;
mod frame;
mod layers;
mod pairs;
mod places;
mod trees;

use hodoscope_program::{
    Constant, ConstantId, Dim, Encoding, ExactF64, Field, FieldOverflow, Input, InputId, IntType,
    Operation, Output, Program, Proof, Scale, Shape, Value, ValueId,
};
use proptest::prelude::*;

#[allow(unused_imports)] // As above.
pub use events::{Random, Reach, event};

/// What a random program may use.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Sets, at most.
    pub sets: usize,
    /// Every rounding of a leaky relu, or only the one that kernels have: RND.
    pub leaky_roundings: bool,
    /// Products that wrap or become zero, or only those that kernels have: SAT and SAT_SYM.
    pub wrapping_products: bool,
    /// Names with colons, brackets and keywords among those of inputs and outputs.
    pub odd_names: bool,
}

/// All that the contract knows.
pub const ANY: Style = Style {
    sets: 2,
    leaky_roundings: true,
    wrapping_products: true,
    odd_names: true,
};

/// What the portable plan accepts.
pub const PLANNED: Style = Style {
    sets: 1,
    leaky_roundings: false,
    wrapping_products: false,
    odd_names: false,
};

/// Capacities of random sets: small, so that events overflow them.
pub const CAPACITIES: [usize; 5] = [1, 2, 3, 4, 8];

/// Random programs. Shrinking drops choices, and a choice that is missing is the simplest.
pub fn programs(style: Style) -> impl Strategy<Value = Program> {
    proptest::collection::vec(any::<u32>(), 0..160).prop_map(move |choices| program(style, choices))
}

/// The program that `choices` make.
pub fn program(style: Style, choices: Vec<u32>) -> Program {
    let mut maker = Maker {
        choices: choices.into_iter(),
        style,
        program: Program {
            name: "random".into(),
            sets: vec![],
            inputs: vec![],
            constants: vec![],
            values: vec![],
            outputs: vec![],
        },
    };
    maker.frame();
    let steps = maker.below(14);
    for _ in 0..steps {
        maker.step();
    }
    maker.pool();
    let late = maker.below(8);
    for _ in 0..late {
        maker.step();
    }
    maker.outputs();
    maker.program
}

struct Maker {
    choices: std::vec::IntoIter<u32>,
    style: Style,
    program: Program,
}

impl Maker {
    /// A choice below `n`; 0 when none is left.
    fn below(&mut self, n: usize) -> usize {
        self.choices.next().unwrap_or(0) as usize % n
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// An integer of `ty`: small ones, ends, anything.
    fn raw(&mut self, ty: IntType) -> i64 {
        let any = (self.below(1 << 32) as i64) << 32 | self.below(1 << 32) as i64;
        let raw = match self.below(6) {
            0 => any % 4,
            1 => ty.minimum(),
            2 => ty.maximum(),
            3 => any % 1000,
            _ => any >> (64 - i64::from(ty.width)),
        };
        raw.clamp(ty.minimum(), ty.maximum())
    }

    fn push(&mut self, shape: Shape, element: IntType, operation: Operation) -> ValueId {
        let channels = shape.channels();
        let scale = match self.below(4) {
            1 => Scale::Pow2PerChannel((0..channels as i32).map(|c| 3 * c - 7).collect()),
            2 => Scale::Lsb(vec![ExactF64(0.1)]),
            3 => Scale::Lsb((1..=channels).map(|c| ExactF64(1.5 / c as f64)).collect()),
            _ => Scale::Pow2(5 - channels as i32),
        };
        let index = self.program.values.len();
        self.program.values.push(Value {
            name: format!("v{index}"),
            shape,
            element,
            scale,
            operation,
        });
        ValueId::new(index)
    }

    fn constant(&mut self, shape: Vec<usize>, element: IntType, data: Vec<i64>) -> ConstantId {
        let index = self.program.constants.len();
        self.program.constants.push(Constant {
            name: format!("c{index}"),
            shape,
            element,
            data,
        });
        ConstantId::new(index)
    }

    /// One more value, if what is chosen can be proved.
    fn step(&mut self) {
        let before = self.program.clone();
        let x = self.operand();
        let ok = match self.below(46) {
            0 => self.dense(x),
            1 => self.rescale(x),
            2 => self.settle(x, Operation::Relu { x }),
            3 => self.leaky(x),
            4 => self.clip(x),
            5 => self.table(x),
            6 => self.pair(x, |a, b| Operation::Add { a, b }),
            7 => self.pair(x, |a, b| Operation::Sub { a, b }),
            8 => self.mul(x),
            9 => self.sum(x),
            10 => self.error(x),
            11 => self.reduced(x, Operation::SumSquares { x }),
            12 => self.select(x),
            13 => self.stepwise(x),
            14 => self.divide(x),
            15 | 16 => self.reshape(x),
            17 => self.gather(x),
            18 => self.sum(x),
            19 | 22..25 => self.max(x),
            20 | 26 | 27 => self.count(),
            21 | 25 => self.arg_max(x),
            29 => self.pair(x, |a, b| Operation::Larger { a, b }),
            30 => self.pair(x, |a, b| Operation::Smaller { a, b }),
            31 => self.reduced(x, Operation::Largest { x }),
            32 | 33 => self.mat_mul(x),
            34 => self.quotient(x),
            35 => self.square_root(x),
            36 => self.top_k(x),
            37 | 38 => self.take(x),
            39 | 40 => self.trees(x),
            41 | 42 => self.interpolate(x),
            43 => self.exponent(x),
            44 | 45 => self.mantissa(x),
            _ => self.concat(x),
        };
        if !ok {
            self.program = before;
        }
    }

    /// A value, the late ones more often.
    fn operand(&mut self) -> ValueId {
        let n = self.program.values.len();
        let back = self.below(n).min(self.below(n));
        ValueId::new(n - 1 - back)
    }

    fn shape(&self, id: ValueId) -> Shape {
        self.program.value(id).shape.clone()
    }

    fn with_channels(&self, id: ValueId, channels: usize) -> Shape {
        let mut shape = self.shape(id);
        if let Some(last) = shape.0.last_mut() {
            *last = Dim::Fixed(channels);
        }
        shape
    }

    /// Pushes an operation with the operand's shape.
    fn settle(&mut self, x: ValueId, operation: Operation) -> bool {
        let shape = self.shape(x);
        self.settled(shape, operation)
    }

    /// Pushes an operation at the narrowest type that its proof allows, or a wider one.
    fn settled(&mut self, shape: Shape, operation: Operation) -> bool {
        let id = self.push(shape, IntType::signed(64), operation);
        let Some(proof) = proof(&self.program) else {
            return false;
        };
        let interval = proof.interval(id);
        let bits = interval
            .signed_bits()
            .max(signed_bits(proof.bounds[id.index()]));
        let bits = u8::try_from(bits).unwrap();
        let wider = bits + self.pick(&[0, 1, 5]);
        let candidates = [
            IntType::signed(bits),
            IntType::signed(wider.max(32)),
            IntType::unsigned(wider.max(2) - 1),
            IntType::signed(wider),
        ];
        let start = self.below(candidates.len());
        for index in 0..candidates.len() {
            self.program.values[id.index()].element = candidates[(start + index) % 4];
            if self.program.values[id.index()].element.is_valid() && proof_holds(&self.program) {
                return true;
            }
        }
        self.program.values[id.index()].element = IntType::signed(64);
        true
    }
}

/// Bits of a signed type that holds ±`magnitude`.
fn signed_bits(magnitude: i128) -> u32 {
    129 - magnitude.leading_zeros()
}

/// The proof of a program that may have no output yet.
fn proof(program: &Program) -> Option<Proof> {
    let mut probed = program.clone();
    let lsb = ExactF64(1.0);
    let field = Field {
        name: "probe".into(),
        unit: String::new(),
        lsb,
        minimum: 0,
        maximum: 1,
        overflow: FieldOverflow::Saturate,
        empty: 0,
        encoding: Encoding::Nearest,
    };
    probed.inputs.push(Input {
        name: "probe".into(),
        set: None,
        channels: 1,
        fields: vec![field],
    });
    probed.values.push(Value {
        name: "probe".into(),
        shape: Shape::row(1),
        element: IntType::unsigned(1),
        scale: Scale::Pow2(0),
        operation: Operation::Input(InputId::new(program.inputs.len())),
    });
    let value = ValueId::new(program.values.len());
    probed.outputs = vec![Output {
        name: "probe".into(),
        value,
    }];
    probed.verify().ok()
}

fn proof_holds(program: &Program) -> bool {
    proof(program).is_some()
}
