//! What the instructions of RV32IM do, and which of their results depend on data (The RISC-V Instruction
//! Set Manual, volume I, version 20191213, chapters 2 and 7).

use super::value::Value;

/// Where a load or store goes, and how many bytes it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub address: Value,
    pub bytes: u32,
}

/// What an instruction asks for, once its registers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This value goes to the register, and it goes on with the next instruction.
    Value(Value),
    /// It goes on there if it is taken, which may depend on data.
    Branch {
        taken: bool,
        data: bool,
        offset: u32,
    },
    /// It goes on there; the register keeps the address behind.
    Jump(Value),
    Load {
        place: Place,
        signed: bool,
    },
    Store {
        place: Place,
        value: Value,
    },
    /// A control register is read or written: none that matters here.
    Control,
}

/// Fields of an instruction of 32 bits.
#[derive(Clone, Copy, Debug)]
pub struct Word(pub u32);

impl Word {
    fn bits(self, low: u32, width: u32) -> u32 {
        self.0 >> low & ((1 << width) - 1)
    }

    /// The register that is written, if any is.
    pub fn rd(self) -> usize {
        self.bits(7, 5) as usize
    }

    fn rs1(self) -> usize {
        self.bits(15, 5) as usize
    }

    fn rs2(self) -> usize {
        self.bits(20, 5) as usize
    }

    fn i_immediate(self) -> u32 {
        (self.0 as i32 >> 20) as u32
    }

    fn s_immediate(self) -> u32 {
        (self.0 as i32 >> 25 << 5) as u32 | self.bits(7, 5)
    }

    fn b_immediate(self) -> u32 {
        let high = (self.0 as i32 >> 31 << 12) as u32 | self.bits(7, 1) << 11;
        high | self.bits(25, 6) << 5 | self.bits(8, 4) << 1
    }

    fn j_immediate(self) -> u32 {
        let high = (self.0 as i32 >> 31 << 20) as u32 | self.bits(12, 8) << 12;
        high | self.bits(20, 1) << 11 | self.bits(21, 10) << 1
    }

    /// What a shift moves by: as many bits as the last five of this say.
    pub fn shift(self, registers: &[Value; 32]) -> Value {
        match self.bits(0, 7) {
            0x33 => registers[self.rs2()],
            _ => Value::fixed(self.bits(20, 5)),
        }
    }

    /// What the instruction at `pc` does; `None` for one that is none.
    pub fn effect(self, pc: u32, registers: &[Value; 32]) -> Option<Effect> {
        let (a, b) = (registers[self.rs1()], registers[self.rs2()]);
        let (funct3, funct7) = (self.bits(12, 3), self.bits(25, 7));
        let known = |number: u32| Effect::Value(Value::fixed(number));
        Some(match self.bits(0, 7) {
            0x37 => known(self.0 & 0xffff_f000),
            0x17 => known(pc.wrapping_add(self.0 & 0xffff_f000)),
            0x6f => Effect::Jump(Value::fixed(pc.wrapping_add(self.j_immediate()))),
            0x67 if funct3 == 0 => {
                let to = a.add(Value::fixed(self.i_immediate()));
                Effect::Jump(Value {
                    number: to.number & !1,
                    varies: to.varies & !1,
                    ..to
                })
            }
            0x63 => Effect::Branch {
                taken: condition(funct3, a.number, b.number)?,
                data: a.data() || b.data(),
                offset: self.b_immediate(),
            },
            0x03 => Effect::Load {
                place: Place {
                    address: a.add(Value::fixed(self.i_immediate())),
                    bytes: bytes(funct3 & 3)?,
                },
                signed: match funct3 {
                    0..=2 => true,
                    4 | 5 => false,
                    _ => return None,
                },
            },
            0x23 if funct3 <= 2 => Effect::Store {
                place: Place {
                    address: a.add(Value::fixed(self.s_immediate())),
                    bytes: bytes(funct3)?,
                },
                value: b,
            },
            0x13 => {
                let shift = matches!(funct3, 1 | 5);
                let (value, funct7) = match shift {
                    true => (self.bits(20, 5), funct7),
                    false => (self.i_immediate(), 0),
                };
                Effect::Value(arithmetic(funct7, funct3, a, Value::fixed(value))?)
            }
            0x33 if funct7 == 1 => Effect::Value(product(funct3, a, b)),
            0x33 => Effect::Value(arithmetic(funct7, funct3, a, b)?),
            0x0f => Effect::Control,
            0x73 if funct3 != 0 => Effect::Control,
            _ => return None,
        })
    }
}

fn bytes(width: u32) -> Option<u32> {
    (width <= 2).then_some(1 << width)
}

fn condition(funct3: u32, a: u32, b: u32) -> Option<bool> {
    Some(match funct3 {
        0 => a == b,
        1 => a != b,
        4 => (a as i32) < b as i32,
        5 => a as i32 >= b as i32,
        6 => a < b,
        7 => a >= b,
        _ => return None,
    })
}

/// `None` for an encoding that is no instruction.
fn arithmetic(funct7: u32, funct3: u32, a: Value, b: Value) -> Option<Value> {
    let (x, y) = (a.number, b.number);
    Some(match (funct7, funct3) {
        (0x00, 0) => a.add(b),
        (0x20, 0) => a.subtract(b),
        (0x00, 1) => a.shift_left(b),
        (0x00, 2) => a.compared(b, (x as i32) < y as i32),
        (0x00, 3) => a.compared(b, x < y),
        (0x00, 4) => a.xor(b),
        (0x00, 5) => a.shift_right(b),
        (0x20, 5) => a.shift_right_signed(b),
        (0x00, 6) => a.or(b),
        (0x00, 7) => a.and(b),
        _ => return None,
    })
}

/// Products, quotients and remainders.
fn product(funct3: u32, left: Value, right: Value) -> Value {
    let (a, b) = (left.number, right.number);
    let (signed_a, signed_b) = (i64::from(a as i32), i64::from(b as i32));
    let number = match funct3 {
        0 => return left.multiply(right),
        1 => ((signed_a * signed_b) >> 32) as u32,
        2 => ((signed_a * i64::from(b)) >> 32) as u32,
        3 => ((u64::from(a) * u64::from(b)) >> 32) as u32,
        4 if b == 0 => u32::MAX,
        4 => (a as i32).wrapping_div(b as i32) as u32,
        5 => a.checked_div(b).unwrap_or(u32::MAX),
        6 if b == 0 => a,
        6 => (a as i32).wrapping_rem(b as i32) as u32,
        _ => a.checked_rem(b).unwrap_or(a),
    };
    left.with(right, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: u32, a: Value, b: Value, expected: Effect) {
        // Every instruction here reads x10 and x11.
        let mut registers = [Value::default(); 32];
        (registers[10], registers[11]) = (a, b);
        assert_eq!(Word(word).effect(0x100, &registers), Some(expected));
    }

    fn fixed(number: i32) -> Value {
        Value::fixed(number as u32)
    }

    fn data(number: i32) -> Value {
        Value::data_of(number as u32)
    }

    #[test]
    fn results_are_computed_and_depend_on_data_where_operands_do() {
        let value = Effect::Value;
        // sub, mulh, divu, srai, slti with a0 and a1
        check(0x40b5_0533, fixed(3), fixed(5), value(fixed(-2)));
        check(0x40b5_0533, data(3), fixed(5), value(data(-2)));
        check(0x02b5_1533, fixed(-3), fixed(5), value(fixed(-1)));
        check(0x02b5_5533, fixed(7), fixed(0), value(fixed(-1)));
        check(0x4045_5513, fixed(-3), data(0), value(fixed(-1)));
        check(0xfff5_2513, fixed(-3), data(0), value(fixed(1)));
        // and with zero is zero
        check(0x00b5_7533, data(7), fixed(0), value(fixed(0)));
        check(0x00b5_7533, data(7), data(0), value(data(0)));
        // andi a0, a0, 6; mul, or with a0 and a1: only these bits are others for other data
        let some = |number, varies| Value {
            varies,
            ..fixed(number)
        };
        check(0x0065_7513, data(7), fixed(0), value(some(6, 6)));
        check(0x02b5_0533, data(3), fixed(24), value(some(72, !7)));
        check(0x00b5_6533, some(1, 3), fixed(2), value(some(3, 1)));
        // bltu a0, a1, .-12
        let branch = |taken, data| Effect::Branch {
            taken,
            data,
            offset: -12i32 as u32,
        };
        check(0xfeb5_6ae3, fixed(1), fixed(-3), branch(true, false));
        check(0xfeb5_6ae3, fixed(1), data(0), branch(false, true));
        // lbu a0, -1(a0); sh a1, 6(a0)
        let place = |address, bytes| Place { address, bytes };
        let load = Effect::Load {
            place: place(fixed(4), 1),
            signed: false,
        };
        check(0xfff5_4503, fixed(5), data(0), load);
        let store = Effect::Store {
            place: place(data(7), 2),
            value: fixed(9),
        };
        check(0x00b5_1323, data(1), fixed(9), store);
        // jal ra, .+16; jalr ra, 2(a0)
        check(0x0100_00ef, data(0), data(0), Effect::Jump(fixed(0x110)));
        check(0x0025_00e7, fixed(7), data(0), Effect::Jump(fixed(8)));
        assert_eq!(Word(0).effect(0, &[Value::default(); 32]), None);
    }
}
