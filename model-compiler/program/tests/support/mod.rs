//! Random programs that verify, and random events for them: shared by the tests of several crates.
#![allow(dead_code)] // Each test takes what it needs.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

use hodoscope_program::{
    Constant, ConstantId, Dim, Encoding, ExactF64, Field, FieldOverflow, Input, InputId, IntType,
    Live, Operation, Output, Overflow, Product, Program, Proof, Rounding, Scale, Set, SetId, Shape,
    TreeAggregate, Trees, Value, ValueId, WordRef,
};
use proptest::prelude::*;

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

    fn frame(&mut self) {
        let sets = self.below(self.style.sets + 1);
        for index in 0..sets {
            let capacity = self.pick(&CAPACITIES);
            self.program.sets.push(Set {
                name: ["jet", "always"][index % 2].into(),
                capacity,
                live: Live::Always,
                order: None,
            });
            let inputs = 1 + self.below(2);
            for _ in 0..inputs {
                self.input(Some(SetId::new(index)));
            }
        }
        let fixed = match sets {
            0 => 1 + self.below(2),
            _ => self.below(2),
        };
        for _ in 0..fixed {
            self.input(None);
        }
        for index in 0..sets {
            let word = self.word_of(SetId::new(index));
            let range = self.program.input(word.input).field(word.channel).clone();
            let inside = range.minimum + (range.maximum - range.minimum) / 3;
            let odd = self.pick(&[inside, range.minimum, range.maximum, i64::MIN, i64::MAX, 0]);
            let live = match self.below(4) {
                3 => Live::NotEmpty { input: word.input },
                0 => Live::Above {
                    word,
                    threshold: odd,
                },
                1 => Live::NotEqual { word, empty: odd },
                _ => Live::Always,
            };
            let order = (self.below(3) > 0).then(|| self.word_of(SetId::new(index)));
            let set = &mut self.program.sets[index];
            (set.live, set.order) = (live, order);
        }
        // Every input has its value, not always in the order of the inputs.
        let mut order: Vec<usize> = (0..self.program.inputs.len()).collect();
        if self.below(2) == 1 {
            order.reverse();
        }
        for index in order {
            let input = self.program.inputs[index].clone();
            let shape = match input.set {
                Some(set) => Shape::per_constituent(set, input.channels),
                None => Shape::row(input.channels),
            };
            let operation = Operation::Input(InputId::new(index));
            self.push(shape, input.element(), operation);
        }
    }

    fn input(&mut self, set: Option<SetId>) {
        let index = self.program.inputs.len();
        let names = [
            "always",
            "Stateful:0",
            "match",
            "words",
            "set[0] é",
            "input",
        ];
        let name = match self.style.odd_names && self.below(2) == 1 {
            true => names[index % names.len()].into(),
            false => format!("x{index}"),
        };
        let fields = 1 + self.below(3);
        let channels = fields * (1 + self.below(2));
        let fields = (0..fields).map(|f| self.field(f)).collect();
        self.program.inputs.push(Input {
            name,
            set,
            channels,
            fields,
        });
    }

    fn field(&mut self, index: usize) -> Field {
        let ranges = [
            (0, 255),
            (-128, 127),
            (0, 4095),
            (-51, 51),
            (0, 1),
            (-32768, 32767),
            (0, 65535),
            (i64::from(i32::MIN), i64::from(i32::MAX)),
            (0, i64::from(i32::MAX)),
            (-7, -7),
            (100, 1000),
        ];
        let (minimum, maximum) = self.pick(&ranges);
        let empty = self.pick(&[minimum, maximum]);
        Field {
            name: format!("f{index}"),
            unit: self.pick(&["GeV", "", "π/72 # rad", "a \\ b"]).into(),
            lsb: ExactF64(self.pick(&[0.25, 1.0, 0.1, 1e-300, std::f64::consts::PI])),
            minimum,
            maximum,
            overflow: self.pick(&[FieldOverflow::Saturate, FieldOverflow::Wrap]),
            empty,
            encoding: self.pick(&[
                Encoding::Nearest,
                Encoding::Quantiser {
                    rounding: Rounding::RndConv,
                    zero_point: 0,
                },
                Encoding::Quantiser {
                    rounding: Rounding::Trn,
                    zero_point: -89,
                },
            ]),
        }
    }

    fn word_of(&mut self, set: SetId) -> WordRef {
        let inputs = self.program.inputs.iter().enumerate();
        let own: Vec<(usize, usize)> = inputs
            .filter(|(_, input)| input.set == Some(set))
            .map(|(index, input)| (index, input.channels))
            .collect();
        let (input, channels) = self.pick(&own);
        WordRef {
            input: InputId::new(input),
            channel: self.below(channels),
        }
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
        let ok = match self.below(41) {
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

    fn dense(&mut self, x: ValueId) -> bool {
        let inputs = self.shape(x).channels();
        let outputs = 1 + self.below(4);
        let weights = IntType::signed(self.pick(&[8, 4, 16, 5, 32, 1]));
        let data = (0..inputs * outputs).map(|_| self.raw(weights)).collect();
        let weights = self.constant(vec![outputs, inputs], weights, data);
        let bias = IntType::signed(self.pick(&[32, 64, 8, 20]));
        let data = (0..outputs)
            .map(|_| self.raw(bias) >> (bias.width / 3))
            .collect();
        let bias = self.constant(vec![outputs], bias, data);
        let shape = self.with_channels(x, outputs);
        let settled = self.settled(shape, Operation::Dense { x, weights, bias });
        // Mostly with the rescale and the relu that planners fuse.
        let dense = ValueId::new(self.program.values.len() - 1);
        if !settled || self.below(4) == 0 {
            return settled;
        }
        let before = self.program.clone();
        if !self.rescale(dense) {
            self.program = before;
            return true;
        }
        if self.below(2) == 0 {
            let before = self.program.clone();
            let x = ValueId::new(self.program.values.len() - 1);
            if !self.settle(x, Operation::Relu { x }) {
                self.program = before;
            }
        }
        true
    }

    fn rescale(&mut self, x: ValueId) -> bool {
        let types = [
            IntType::signed(8),
            IntType::signed(16),
            IntType::unsigned(8),
            IntType::signed(5),
            IntType::signed(1),
            IntType::signed(32),
            IntType::signed(33),
            IntType::unsigned(63),
            IntType::signed(12),
        ];
        let element = self.pick(&types);
        self.rescale_to(x, element)
    }

    fn rescale_to(&mut self, x: ValueId, element: IntType) -> bool {
        let shape = self.shape(x);
        let bits = u8::try_from(proof(&self.program).unwrap().interval(x).signed_bits()).unwrap();
        let count = match self.below(2) {
            0 => 1,
            _ => shape.channels(),
        };
        let plain = self.below(2) == 0;
        let mut multipliers = vec![1];
        let mut offsets = vec![0];
        if !plain {
            let word = IntType::signed(32);
            let factor = [1, 0, -1, 19_661, -32_768, word.maximum(), word.minimum()];
            multipliers = (0..count).map(|_| self.pick(&factor)).collect();
            let offset = [0, 1, -1, 1000, -(1 << 20), 1 << 40, i64::MIN >> 2];
            offsets = (0..count).map(|_| self.pick(&offset)).collect();
        }
        let near = bits.saturating_sub(8).min(62);
        let choices = [near, 0, near / 2, 1, 30, 31, 40, 62];
        let shifts = (0..count).map(|_| self.pick(&choices)).collect();
        let (rounding, overflow) = (self.rounding(), self.overflow());
        let operation = Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow,
        };
        let id = self.push(shape, element, operation);
        if proof_holds(&self.program) {
            return true;
        }
        // The product is too wide: only the shift.
        self.program.values[id.index()].operation = Operation::Rescale {
            x,
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![near],
            rounding,
            overflow,
        };
        proof_holds(&self.program)
    }

    fn rounding(&mut self) -> Rounding {
        self.pick(&[
            Rounding::Rnd,
            Rounding::Trn,
            Rounding::TrnZero,
            Rounding::RndConv,
            Rounding::RndZero,
            Rounding::RndInf,
            Rounding::RndMinInf,
        ])
    }

    fn overflow(&mut self) -> Overflow {
        self.pick(&[
            Overflow::Sat,
            Overflow::SatSym,
            Overflow::SatZero,
            Overflow::Wrap,
        ])
    }

    fn leaky(&mut self, x: ValueId) -> bool {
        let multiplier = self.pick(&[328, 0, 1, 32_768, i64::from(i32::MAX)]);
        let shift = self.pick(&[15, 0, 1, 30, 31, 62]);
        let rounding = match self.style.leaky_roundings {
            true => self.rounding(),
            false => Rounding::Rnd,
        };
        let operation = Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            rounding,
        };
        self.settle(x, operation)
    }

    fn clip(&mut self, x: ValueId) -> bool {
        let ty = self.program.value(x).element;
        let (a, b) = (self.raw(ty), self.raw(ty));
        let beyond = self.pick(&[0, 0, 200, -70_000, 1 << 33]);
        let operation = Operation::Clip {
            x,
            minimum: a.min(b).saturating_add(beyond),
            maximum: a.max(b).saturating_add(beyond),
        };
        self.settle(x, operation)
    }

    fn table(&mut self, x: ValueId) -> bool {
        let mut x = x;
        if self.program.value(x).element.width > 12 {
            let index = self.pick(&[
                IntType::signed(8),
                IntType::unsigned(5),
                IntType::signed(10),
            ]);
            if !self.rescale_to(x, index) {
                return false;
            }
            x = ValueId::new(self.program.values.len() - 1);
        }
        let ty = self.program.value(x).element;
        let entry = IntType::signed(self.pick(&[8, 16, 3, 32, 40]));
        let entries: Vec<i64> = match self.below(2) {
            0 => (0..1i64 << ty.width)
                .map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15u64 as i64))
                .collect(),
            _ => vec![self.raw(entry); 1 << ty.width],
        };
        let entries = entries
            .into_iter()
            .map(|e| e >> (64 - entry.width))
            .collect();
        let table = self.constant(vec![1 << ty.width], entry, entries);
        self.settle(x, Operation::Table { x, table })
    }

    /// Another value of the same shape.
    fn partner(&mut self, x: ValueId, one_channel_too: bool) -> ValueId {
        let shape = self.shape(x);
        let one = self.with_channels(x, 1);
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let fits = |id: &ValueId| {
            let other = self.shape(*id);
            other == shape || one_channel_too && other == one
        };
        let fitting: Vec<ValueId> = ids.into_iter().filter(fits).collect();
        self.pick(&fitting)
    }

    fn pair(&mut self, a: ValueId, operation: fn(ValueId, ValueId) -> Operation) -> bool {
        let b = self.partner(a, false);
        self.settle(a, operation(a, b))
    }

    fn mul(&mut self, x: ValueId) -> bool {
        let other = self.partner(x, true);
        let (a, b) = match self.below(2) {
            0 => (x, other),
            _ => (other, x),
        };
        let channels = self.shape(a).channels().max(self.shape(b).channels());
        let shape = self.with_channels(x, channels);
        self.settled(shape, Operation::Mul { a, b })
    }

    fn error(&mut self, a: ValueId) -> bool {
        let b = self.partner(a, false);
        self.reduced(a, Operation::SquaredError { a, b })
    }

    fn reduced(&mut self, x: ValueId, operation: Operation) -> bool {
        let shape = self.with_channels(x, 1);
        self.settled(shape, operation)
    }

    fn sum(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.0.len() < 2 {
            return false;
        }
        self.settled(Shape(shape.0[1..].to_vec()), Operation::Sum { x })
    }

    fn stepwise(&mut self, x: ValueId) -> bool {
        let inputs = self.shape(x).channels();
        let outputs = 1 + self.below(3);
        let weights = IntType::signed(self.pick(&[8, 16, 5, 20, 1]));
        let data = (0..inputs * outputs).map(|_| self.raw(weights)).collect();
        let weights = self.constant(vec![outputs, inputs], weights, data);
        let bias = IntType::signed(self.pick(&[16, 8, 30]));
        let data = (0..outputs).map(|_| self.raw(bias)).collect();
        let bias = self.constant(vec![outputs], bias, data);
        let overflow = match self.style.wrapping_products {
            true => self.overflow(),
            false => self.pick(&[Overflow::Sat, Overflow::SatSym]),
        };
        let types = [
            IntType::signed(16),
            IntType::signed(26),
            IntType::unsigned(12),
            IntType::signed(40),
        ];
        let product = Product {
            shift: self.pick(&[4, 0, 1, 11, 17, 31, 40]),
            rounding: self.rounding(),
            element: self.pick(&types),
            overflow,
        };
        let shape = self.with_channels(x, outputs);
        let operation = Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        };
        self.settled(shape, operation)
    }

    fn divide(&mut self, x: ValueId) -> bool {
        let divisor = self.pick(&[3, 1, 100, 16, 255, 65_535, 7]);
        let rounding = self.rounding();
        let operation = Operation::Divide {
            x,
            divisor,
            rounding,
        };
        self.settle(x, operation)
    }

    /// Trees of one depth or of several, some of which share nodes.
    fn trees(&mut self, x: ValueId) -> bool {
        let features = self.shape(x).channels();
        if self.program.value(x).element.storage().width > 32 {
            return false;
        }
        let ty = IntType::signed(self.program.value(x).element.storage().width);
        let targets = 1 + self.below(3);
        let early = self.below(2);
        let late = 2 + self.below(3);
        let leaves = early + late;
        // Leaves that every path reaches at its end come first; then those that wait, then branches, level by level.
        let mut nodes: Vec<[i64; 4]> = (late..leaves)
            .map(|leaf| [0, 0, leaf as i64, leaf as i64])
            .collect();
        let mut level: Vec<usize> = (0..leaves).collect();
        let waiting: Vec<usize> = (late..leaves).collect();
        let mut roots = vec![self.below(leaves) as i64, 0];
        for depth in 1..=self.below(4) {
            let mut next = waiting.clone();
            for _ in 0..1 + self.below(3) {
                next.push(late + nodes.len());
                let threshold = self.raw(ty);
                let [yes, no] = [self.pick(&level), self.pick(&level)];
                nodes.push([
                    self.below(features) as i64,
                    threshold,
                    yes as i64,
                    no as i64,
                ]);
            }
            level = next;
            for _ in 0..self.below(3) {
                roots.extend([self.pick(&level) as i64, depth as i64]);
            }
        }
        let value = IntType::signed(self.pick(&[16, 8, 4, 30]));
        let data = (0..leaves * targets).map(|_| self.raw(value)).collect();
        let leaves = self.constant(vec![leaves, targets], value, data);
        let roots = self.constant(vec![roots.len() / 2, 2], IntType::signed(16), roots);
        let count = nodes.len();
        let nodes = nodes.into_iter().flatten().collect();
        let nodes = self.constant(vec![count, 4], IntType::signed(ty.width.max(8)), nodes);
        let shape = self.with_channels(x, targets);
        let aggregates = [TreeAggregate::Sum, TreeAggregate::Min, TreeAggregate::Max];
        let operation = Operation::Trees(Trees {
            x,
            nodes,
            first: late,
            roots,
            leaves,
            aggregate: self.pick(&aggregates),
        });
        self.settled(shape, operation)
    }

    fn reshape(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_some() {
            return false;
        }
        let elements = shape.elements(1);
        let divisors: Vec<usize> = (1..=elements)
            .filter(|rows| elements.is_multiple_of(*rows))
            .collect();
        let rows = self.pick(&divisors);
        let shape = match self.below(6) {
            0 => Shape::row(elements),
            1 => Shape(vec![
                Dim::Fixed(rows),
                Dim::Fixed(1),
                Dim::Fixed(elements / rows),
            ]),
            _ => Shape(vec![Dim::Fixed(rows), Dim::Fixed(elements / rows)]),
        };
        self.settled(shape, Operation::Reshape { x })
    }

    fn gather(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_some() {
            return false;
        }
        let rows = 1 + self.below(3);
        let channels = 1 + self.below(4);
        let of_x = shape.elements(1);
        let elements = (0..rows * channels).map(|_| self.below(of_x)).collect();
        let shape = Shape(vec![Dim::Fixed(rows), Dim::Fixed(channels)]);
        self.settled(shape, Operation::Gather { x, elements })
    }

    /// Rows of a value times those of itself or of another that has as many channels.
    fn mat_mul(&mut self, x: ValueId) -> bool {
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let of_event = |id: &ValueId| self.shape(*id).set().is_none();
        let fixed: Vec<ValueId> = ids.into_iter().filter(of_event).collect();
        if fixed.is_empty() {
            return false;
        }
        let mut a = match fixed.contains(&x) {
            true => x,
            false => self.pick(&fixed),
        };
        // Narrow enough for most products, and with rows.
        let narrow = self.pick(&[IntType::signed(8), IntType::signed(16)]);
        if self.program.value(a).element.width > 20 {
            if !self.rescale_to(a, narrow) {
                return false;
            }
            a = ValueId::new(self.program.values.len() - 1);
        }
        if self.shape(a).0.len() < 2 {
            let reshaped = self.reshape(a);
            a = ValueId::new(self.program.values.len() - 1);
            if !reshaped || self.shape(a).0.len() < 2 {
                return false;
            }
        }
        let shape = self.shape(a);
        let (outer, inner) = (shape.0[..shape.0.len() - 2].to_vec(), shape.channels());
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let fits = |id: &ValueId| {
            let other = self.shape(*id);
            let rank = other.0.len();
            other.set().is_none()
                && rank == shape.0.len()
                && other.0[..rank - 2] == outer[..]
                && other.channels() == inner
        };
        let fitting: Vec<ValueId> = ids.into_iter().filter(fits).collect();
        let b = self.pick(&fitting);
        let columns = self.shape(b).0[outer.len()];
        let mut product = outer;
        product.extend([shape.0[shape.0.len() - 2], columns]);
        self.settled(Shape(product), Operation::MatMul { a, b })
    }

    fn quotient(&mut self, a: ValueId) -> bool {
        let shape = self.shape(a);
        let b = self.partner(a, true);
        let types = [
            IntType::signed(16),
            IntType::unsigned(15),
            IntType::signed(8),
            IntType::signed(32),
            IntType::unsigned(1),
            IntType::signed(1),
            IntType::unsigned(32),
        ];
        let element = self.pick(&types);
        let shift = self.pick(&[15, 0, 1, 8, 20, 30]);
        let rounding = self.rounding();
        let operation = Operation::Quotient {
            a,
            b,
            shift,
            rounding,
        };
        self.push(shape, element, operation);
        proof_holds(&self.program)
    }

    fn square_root(&mut self, x: ValueId) -> bool {
        let shift = self.pick(&[0, 1, 2, 15, 16, 31, 40]);
        self.settle(x, Operation::SquareRoot { x, shift })
    }

    fn top_k(&mut self, x: ValueId) -> bool {
        let channels = self.shape(x).channels();
        let count = 1 + self.below(channels);
        let shape = self.with_channels(x, count);
        self.settled(shape, Operation::TopK { x, count })
    }

    /// Rows that are the largest somewhere.
    fn take(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_some() {
            return false;
        }
        let (rows, channels) = (shape.rows(0), shape.channels());
        let list = Shape(vec![Dim::Fixed(rows), Dim::Fixed(channels)]);
        let mut list_of = x;
        if shape != list {
            if !self.settled(list, Operation::Reshape { x }) {
                return false;
            }
            list_of = ValueId::new(self.program.values.len() - 1);
        }
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let keys: Vec<ValueId> = ids
            .into_iter()
            .filter(|id| self.shape(*id).set().is_none() && self.shape(*id).channels() <= rows)
            .collect();
        if keys.is_empty() {
            return false;
        }
        let key = self.pick(&keys);
        if !self.top_k(key) {
            return false;
        }
        let indices = ValueId::new(self.program.values.len() - 1);
        let taken = self.shape(indices).elements(0);
        let shape = Shape(vec![Dim::Fixed(taken), Dim::Fixed(channels)]);
        let operation = Operation::Take {
            x: list_of,
            indices,
        };
        taken * channels <= 64 && self.settled(shape, operation)
    }

    fn max(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_none() {
            return false;
        }
        let channels = shape.channels();
        let element = self.program.value(x).element;
        let ends = [element.minimum(), element.maximum(), 0, -1, 1];
        let empty: Vec<i64> = (0..channels)
            .map(|_| self.pick(&ends).max(element.minimum()))
            .collect();
        let empty = self.constant(vec![channels], element, empty);
        self.settled(Shape::row(channels), Operation::Max { x, empty })
    }

    fn arg_max(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.0.len() > 1 + usize::from(shape.set().is_some()) {
            return false;
        }
        self.reduced(x, Operation::ArgMax { x })
    }

    fn count(&mut self) -> bool {
        if self.program.sets.is_empty() {
            return false;
        }
        let set = SetId::new(self.below(self.program.sets.len()));
        self.settled(Shape::row(1), Operation::Count { set })
    }

    fn select(&mut self, x: ValueId) -> bool {
        let channels = self.shape(x).channels();
        let count = 1 + self.below(4);
        let channels: Vec<usize> = (0..count).map(|_| self.below(channels)).collect();
        let shape = self.with_channels(x, channels.len());
        self.settled(shape, Operation::Select { x, channels })
    }

    fn concat(&mut self, x: ValueId) -> bool {
        let one = self.with_channels(x, 1);
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let same: Vec<ValueId> = ids
            .into_iter()
            .filter(|id| self.with_channels(*id, 1) == one)
            .collect();
        let mut parts = vec![x];
        for _ in 0..self.below(3) {
            parts.push(self.pick(&same));
        }
        let channels = parts.iter().map(|p| self.shape(*p).channels()).sum();
        if channels > 16 {
            return false;
        }
        let shape = self.with_channels(x, channels);
        self.settled(shape, Operation::Concat { parts })
    }

    /// Sums something of every set.
    fn pool(&mut self) {
        for index in 0..self.program.sets.len() {
            let set = SetId::new(index);
            let own: Vec<ValueId> = self
                .program
                .values()
                .filter(|(_, value)| value.shape.set() == Some(set))
                .map(|(id, _)| id)
                .collect();
            let pooled = own.iter().rev().any(|x| {
                let before = self.program.clone();
                let ok = self.sum(*x);
                if !ok {
                    self.program = before;
                }
                ok
            });
            assert!(pooled, "words of 32 bits can be summed");
        }
    }

    fn outputs(&mut self) {
        let of_event: Vec<ValueId> = self
            .program
            .values()
            .filter(|(_, value)| value.shape.set().is_none() && value.shape.0.len() == 1)
            .map(|(id, _)| id)
            .collect();
        let names = ["score", "raws", "Partitioned:0", "Partitioned:1"];
        let count = 1 + self.below(3);
        for index in 0..count {
            let back = self.below(of_event.len());
            self.program.outputs.push(Output {
                name: names[index + usize::from(self.style.odd_names && count < 4)].into(),
                value: of_event[of_event.len() - 1 - back],
            });
        }
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
