//! What a program is made around: sets, inputs with their fields, and outputs.

use hodoscope_program::{
    Encoding, ExactF64, Field, FieldOverflow, Input, InputId, Live, Operation, Output, Rounding,
    Set, SetId, Shape, ValueId, WordRef, WordRounding,
};

use super::{CAPACITIES, Maker};

impl Maker {
    pub(super) fn frame(&mut self) {
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

    pub(super) fn input(&mut self, set: Option<SetId>) {
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

    pub(super) fn field(&mut self, index: usize) -> Field {
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
                Encoding::Calibrated,
                Encoding::Quantiser {
                    rounding: Rounding::RndConv.into(),
                    zero_point: 0,
                    zero_first: false,
                },
                Encoding::Quantiser {
                    rounding: Rounding::Trn.into(),
                    zero_point: -89,
                    zero_first: false,
                },
                Encoding::Quantiser {
                    rounding: WordRounding::Ceil,
                    zero_point: 0,
                    zero_first: true,
                },
                Encoding::Quantiser {
                    rounding: WordRounding::Up,
                    zero_point: 3,
                    zero_first: true,
                },
            ]),
        }
    }

    pub(super) fn word_of(&mut self, set: SetId) -> WordRef {
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

    /// Sums something of every set.
    pub(super) fn pool(&mut self) {
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

    pub(super) fn outputs(&mut self) {
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
