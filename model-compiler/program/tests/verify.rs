//! Each invariant of the verifier, by a program that breaks it and nothing else.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

use hodoscope_program::{
    ConstantId, Dim, ExactF64, InputId, IntType, Live, Operation, Overflow, Program, Rounding,
    Scale, SetId, Shape, ValueId, WordRef,
};

/// A program that verifies; value by value, so that a case can break any of them.
const SOUND: &str = r#"hodoscope-program 1
program sound
set jet capacity 4
set met capacity 2
input x set jet channels 4
  field pt unit "GeV" lsb 0.25 range 0 255 saturate empty 0
  field eta unit "" lsb 0.01 range -64 63 saturate empty 0
input y set met channels 1
  field pt unit "GeV" lsb 0.25 range 0 255 saturate empty 0
input h channels 2
  field h unit "" lsb 1.0 range -8 7 saturate empty 0
live jet x[0] above 0
order jet x[2]
live met y[0] not 0
constant w i8 [2, 4]
  1 2 3 4
  -1 -2 -3 -4
constant b i32 [2]
  7 -7
constant t i8 [16]
  0 1 2 3 4 5 6 7 -8 -7 -6 -5 -4 -3 -2 -1
value x [jet, 4] i9 lsb 0.25 0.01 0.25 0.01 = input x
value y [met, 1] u8 frac 2 = input y
value h [2] i4 frac 0 = input h
value dense [jet, 2] i32 frac 5 = dense x weights w bias b
value q [jet, 2] i8 fracs 3 4 = rescale dense by 1 3 plus 0 shift 4 5 rnd sat
value relu [jet, 2] u7 frac 3 = relu q
value leaky [jet, 2] i8 frac 3 = leaky_relu q by 3 shift 5 rnd
value clip [jet, 2] i4 frac 3 = clip q range -8 7
value table [jet, 2] i8 frac 3 = table clip entries t
value sum [2] i16 frac 3 = sum relu
value met [1] i32 frac 3 = sum y
value mul [2] i32 frac 3 = mul sum met
value add [2] i32 frac 3 = add sum h
value sub [2] i32 frac 3 = sub sum h
value error [1] i64 frac 3 = squared_error add sub
value squares [1] i64 frac 3 = sum_squares h
value select [3] i4 frac 3 = select h channels 1 0 1
value concat [4] i16 frac 3 = concat [h, sum]
output score = error
output "second:0" = concat
"#;

fn sound() -> Program {
    Program::from_text(SOUND).unwrap()
}

fn value_at(program: &Program, name: &str) -> ValueId {
    let index = program.values.iter().position(|v| v.name == name).unwrap();
    ValueId::new(index)
}

/// `change` makes the sound program one that is refused with a message of these parts.
fn check(parts: &[&str], change: impl FnOnce(&mut Program)) {
    let mut program = sound();
    change(&mut program);
    let error = program.verify().map(|_| ()).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
}

/// As [`check`], by a text in which `from` stands once.
fn check_text(from: &str, to: &str, parts: &[&str]) {
    assert_eq!(SOUND.matches(from).count(), 1, "{from}");
    check(parts, |program| {
        *program = Program::from_text(&SOUND.replacen(from, to, 1)).unwrap();
    });
}

fn value<'p>(program: &'p mut Program, name: &str) -> &'p mut hodoscope_program::Value {
    let id = value_at(program, name);
    &mut program.values[id.index()]
}

#[test]
fn the_sound_program_verifies() {
    sound().verify().unwrap();
}

#[test]
fn invariant_1_names() {
    check(&["program 'a b'", "not an identifier"], |p| {
        p.name = "a b".into()
    });
    check(&["program ''"], |p| p.name = String::new());
    check(&["set 'jet'", "twice"], |p| p.sets[1].name = "jet".into());
    check(&["set '1'", "not an identifier"], |p| {
        p.sets[1].name = "1".into()
    });
    check(&["input 'x'", "twice"], |p| p.inputs[1].name = "x".into());
    check(&["input 'x\"'", "not an identifier"], |p| {
        p.inputs[0].name = "x\"".into()
    });
    check(&["input ''", "not an identifier"], |p| {
        p.inputs[0].name = String::new()
    });
    check(&["constant 'w'", "twice"], |p| {
        p.constants[1].name = "w".into()
    });
    check(&["constant 'a:b'", "not an identifier"], |p| {
        p.constants[1].name = "a:b".into()
    });
    check(&["value 'x'", "twice"], |p| p.values[1].name = "x".into());
    check(&["value 'é'", "not an identifier"], |p| {
        p.values[1].name = "é".into()
    });
    check(&["output 'score'", "twice"], |p| {
        p.outputs[1].name = "score".into()
    });
    check(&["output 'a\nb'", "not an identifier"], |p| {
        p.outputs[1].name = "a\nb".into()
    });
    check(&["input 'x'", "field name 'p t'"], |p| {
        p.inputs[0].fields[0].name = "p t".into()
    });
}

#[test]
fn an_axis_of_nothing_is_refused() {
    check(&["value 'concat.0'", "has an axis of no elements"], |p| {
        let mut empty = value(p, "concat").clone();
        empty.name = "concat.0".into();
        empty.shape = Shape(vec![Dim::Fixed(0), Dim::Fixed(4)]);
        empty.operation = Operation::Reshape {
            x: value_at(p, "concat"),
        };
        p.values.push(empty);
    });
    check(&["value 'relu' (relu)", "more than 8 axes"], |p| {
        value(p, "relu").shape = Shape(vec![Dim::Fixed(1); 9]);
    });
    check(&["constant 'b'", "more than 8 axes"], |p| {
        p.constants[1].shape = vec![1; 9];
    });
}

#[test]
fn invariant_2_references() {
    let beyond = 99;
    check(
        &["value 'relu' (relu)", "operand comes after its use"],
        |p| {
            let x = value_at(p, "relu");
            value(p, "relu").operation = Operation::Relu { x };
        },
    );
    check(
        &["value 'concat' (concat)", "operand comes after its use"],
        |p| {
            let parts = vec![ValueId::new(beyond)];
            value(p, "concat").operation = Operation::Concat { parts };
        },
    );
    check(
        &["value 'dense' (dense)", "a constant does not exist"],
        |p| {
            let Operation::Dense { bias, .. } = &mut value(p, "dense").operation else {
                panic!()
            };
            *bias = ConstantId::new(beyond);
        },
    );
    check(
        &["value 'table' (table)", "a constant does not exist"],
        |p| {
            let Operation::Table { table, .. } = &mut value(p, "table").operation else {
                panic!()
            };
            *table = ConstantId::new(beyond);
        },
    );
    check(&["value 'h' (input)", "the input does not exist"], |p| {
        // The input keeps its value: another one refers to nothing.
        let mut other = p.values[value_at(p, "h").index()].clone();
        value(p, "h").operation = Operation::Input(InputId::new(beyond));
        other.name = "h.2".into();
        p.values.push(other);
    });
    check(&["value 'q' (rescale)", "its set does not exist"], |p| {
        value(p, "q").shape.0[0] = Dim::Multiplicity(SetId::new(beyond));
    });
    check(&["input 'y'", "its set does not exist"], |p| {
        p.inputs[1].set = Some(SetId::new(beyond));
        let input = InputId::new(0);
        p.sets.pop();
        p.sets[0].order = Some(WordRef { input, channel: 0 });
    });
    check(&["output 'score'", "its value does not exist"], |p| {
        p.outputs[0].value = ValueId::new(beyond);
    });
}

#[test]
fn invariant_3_inputs() {
    check(&["input 'h'", "0 values, not one"], |p| {
        p.values.retain(|v| v.name == "x" || v.name == "y");
    });
    check(&["input 'h'", "2 values, not one"], |p| {
        let mut copy = value(p, "h").clone();
        copy.name = "h.2".into();
        p.values.push(copy);
    });
    check(&["value 'h' (input)", "shape"], |p| {
        value(p, "h").shape = Shape::row(3)
    });
    check(&["value 'x' (input)", "shape"], |p| {
        value(p, "x").shape = Shape::per_constituent(SetId::new(1), 4);
    });
    check(&["value 'h' (input)", "i5 is not the words' type"], |p| {
        value(p, "h").element = IntType::signed(5);
    });
    check(
        &["input 'x'", "the fields do not divide the channels"],
        |p| p.inputs[0].channels = 3,
    );
    check(
        &["input 'h'", "the fields do not divide the channels"],
        |p| {
            p.inputs[2].channels = 0;
        },
    );
    check(
        &["input 'h'", "the fields do not divide the channels"],
        |p| {
            p.inputs[2].fields.clear();
        },
    );
    check(&["input 'x'", "empty word of 'pt'"], |p| {
        p.inputs[0].fields[0].empty = 256
    });
    check(&["input 'x'", "empty word of 'eta'"], |p| {
        p.inputs[0].fields[1].maximum = -65
    });
    check(&["input 'h'", "words of 'h' are wider than 32 bits"], |p| {
        p.inputs[2].fields[0].maximum = 1 << 31;
    });
    for lsb in [0.0, -0.25, f64::NAN, f64::INFINITY] {
        check(&["input 'x'", "LSB of 'pt'"], |p| {
            p.inputs[0].fields[0].lsb = ExactF64(lsb)
        });
    }
    for unit in ["\"", "a\nb", "a\u{85}b"] {
        check(&["input 'x'", "unit of 'eta'"], |p| {
            p.inputs[0].fields[1].unit = unit.into()
        });
    }
}

#[test]
fn invariant_4_sets() {
    for capacity in [0, 65_536, usize::MAX] {
        check(&["set 'jet'", "capacity is not 1 to 65535"], |p| {
            p.sets[0].capacity = capacity
        });
    }
    check(&["set 'empty'", "it has no input"], |p| {
        let mut set = p.sets[0].clone();
        set.name = "empty".into();
        (set.live, set.order) = (Live::Always, None);
        p.sets.push(set);
    });
    let words = [(1, 0), (2, 0), (0, 4), (99, 0)];
    for (input, channel) in words {
        let input = InputId::new(input);
        let word = WordRef { input, channel };
        check(&["set 'jet'", "live word"], |p| {
            p.sets[0].live = Live::NotEqual { word, empty: 0 }
        });
        check(&["set 'jet'", "live word"], |p| {
            p.sets[0].live = Live::Above { word, threshold: 0 }
        });
        check(&["set 'jet'", "order word"], |p| {
            p.sets[0].order = Some(word)
        });
    }
}

#[test]
fn invariant_5_constants() {
    check(&["constant 'w'", "[2, 4] has not 7 elements"], |p| {
        p.constants[0].data.truncate(7)
    });
    check(&["constant 'w'", "has not 8 elements"], |p| {
        p.constants[0].shape = vec![usize::MAX, usize::MAX];
    });
    check(&["constant 'w'", "128 is not of i8"], |p| {
        p.constants[0].data[3] = 128
    });
    for (signed, width) in [(true, 0), (true, 65), (false, 64)] {
        let element = IntType { signed, width };
        check(&["constant 't'", "is not a type"], |p| {
            p.constants[2].element = element
        });
    }
}

#[test]
fn invariant_6_shapes() {
    let shape = |name: &str, operation: &str, shape: Shape| {
        check(&[&format!("value '{name}' ({operation})"), "shape"], |p| {
            value(p, name).shape = shape
        });
    };
    let jets = |channels| Shape::per_constituent(SetId::new(0), channels);
    shape("dense", "dense", Shape::row(2));
    for (name, operation) in [
        ("q", "rescale"),
        ("relu", "relu"),
        ("leaky", "leaky_relu"),
        ("clip", "clip"),
        ("table", "table"),
    ] {
        let one = |p: &mut Program| value(p, name).scale = Scale::Pow2(0);
        let parts = [&*format!("value '{name}' ({operation})"), "shape"];
        check(&parts, |p| {
            one(p);
            value(p, name).shape = jets(3);
        });
        check(&parts, |p| {
            one(p);
            value(p, name).shape = Shape::row(2);
        });
    }
    shape("sum", "sum", Shape::row(3));
    shape("sum", "sum", jets(2));
    shape("mul", "mul", Shape::row(1));
    shape("mul", "mul", Shape::row(3));
    shape("add", "add", Shape::row(1));
    shape("sub", "sub", Shape::row(3));
    shape("error", "squared_error", Shape::row(2));
    shape("squares", "sum_squares", Shape::row(2));
    shape("select", "select", Shape::row(2));
    shape("concat", "concat", Shape::row(3));

    let sum = "value 'sum' (sum)";
    check(&[sum, "no multiplicity to sum over"], |p| {
        let x = value_at(p, "h");
        value(p, "sum").operation = Operation::Sum { x };
    });
    check_text(
        "mul sum met",
        "mul sum relu",
        &["value 'mul' (mul)", "shape"],
    );
    check_text("add sum h", "add sum met", &["value 'add' (add)", "shape"]);
    check_text(
        "squared_error add sub",
        "squared_error add met",
        &["'error'", "shape"],
    );
    check_text(
        "concat [h, sum]",
        "concat [h, relu]",
        &["'concat' (concat)", "shape"],
    );
    check_text(
        "channels 1 0 1",
        "channels 1 0 2",
        &["'select' (select)", "no channel 2"],
    );
    check(&["'concat' (concat)", "nothing to concatenate"], |p| {
        value(p, "concat").operation = Operation::Concat { parts: vec![] };
    });
    check(&["'select' (select)", "shape"], |p| {
        let x = value_at(p, "h");
        let channels = vec![];
        value(p, "select").operation = Operation::Select { x, channels };
    });
    check_text(
        "weights w bias b",
        "weights b bias b",
        &["'dense'", "constant of shape [2]"],
    );
    check_text(
        "weights w bias b",
        "weights w bias w",
        &["'dense'", "constant of shape [2, 4]"],
    );
    check_text(
        "entries t",
        "entries b",
        &["'table'", "constant of shape [2]"],
    );
    check_text(
        "table clip",
        "table q",
        &["'table' (table)", "[16] where [256]"],
    );
    check_text(
        "table clip",
        "table dense",
        &["'table' (table)", "a table over i32 is too long"],
    );
    let counts = [
        (
            "by 1 3 plus",
            "by 1 2 3 plus",
            "3 multipliers for 2 channels",
        ),
        (
            "plus 0 shift",
            "plus 0 0 0 shift",
            "3 offsets for 2 channels",
        ),
        (
            "shift 4 5 rnd",
            "shift 4 5 6 rnd",
            "3 shifts for 2 channels",
        ),
    ];
    for (from, to, reason) in counts {
        check_text(from, to, &["value 'q' (rescale)", reason]);
    }

    let no_shape = ["value 'relu' (relu)", "is not a shape of this version"];
    for dims in [
        vec![],
        vec![Dim::Multiplicity(SetId::new(0))],
        vec![
            Dim::Fixed(2),
            Dim::Multiplicity(SetId::new(0)),
            Dim::Fixed(2),
        ],
        vec![
            Dim::Multiplicity(SetId::new(0)),
            Dim::Multiplicity(SetId::new(0)),
        ],
    ] {
        check(&no_shape, |p| value(p, "relu").shape = Shape(dims));
    }
    check(&["value 'h' (input)", "elements"], |p| {
        p.inputs[2].channels = 1 << 30;
        value(p, "h").shape = Shape::row(1 << 30);
    });
}

#[test]
fn invariant_7_results_fit() {
    for (signed, width) in [(true, 0), (true, 65), (false, 64)] {
        let element = IntType { signed, width };
        check(&["value 'add' (add)", "is not a type"], |p| {
            value(p, "add").element = element
        });
    }
    // The type before holds the result: one bit less does not.
    let narrowest = |name: &str, operation: &str, element: IntType| {
        let mut program = sound();
        value(&mut program, name).element = element;
        program.verify().unwrap();
        let narrower = IntType {
            width: element.width - 1,
            ..element
        };
        let head = format!("value '{name}' ({operation})");
        check(&[&head, "can reach"], |p| value(p, name).element = narrower);
    };
    // Σ|w·x| + |b| = (1 + 3)·255 + (2 + 4)·64 + 7 = 1411.
    narrowest("dense", "dense", IntType::signed(12));
    narrowest("relu", "relu", IntType::unsigned(7));
    narrowest("leaky", "leaky_relu", IntType::signed(8));
    narrowest("clip", "clip", IntType::signed(4));
    narrowest("table", "table", IntType::signed(4));
    // 4 · 88 = 352.
    narrowest("sum", "sum", IntType::unsigned(9));
    // 352 · 2 · 255 = 179,520.
    narrowest("mul", "mul", IntType::unsigned(18));
    narrowest("add", "add", IntType::signed(10));
    narrowest("sub", "sub", IntType::signed(10));
    // 368² + 156² = 159,760.
    narrowest("error", "squared_error", IntType::unsigned(18));
    // 2 · 8² = 128.
    narrowest("squares", "sum_squares", IntType::unsigned(8));
    narrowest("select", "select", IntType::signed(4));
    narrowest("concat", "concat", IntType::signed(10));
}

#[test]
fn invariant_7_partial_sums() {
    // 100 · (x − x): the result is 0, what is summed on the way is not.
    let text = |element: &str| {
        format!(
            "hodoscope-program 1 program partial
             input x channels 1 field x unit \"\" lsb 1.0 range 100 100 saturate empty 100
             constant w i8 [1, 2] 100 -100
             constant b i8 [1] 0
             value x [1] u7 frac 0 = input x
             value both [2] u7 frac 0 = concat [x, x]
             value dense [1] {element} frac 0 = dense both weights w bias b
             output y = dense"
        )
    };
    let verify = |element: &str| Program::from_text(&text(element)).unwrap().verify();
    let proof = verify("i16").unwrap();
    assert_eq!(proof.interval(ValueId::new(2)).signed_bits(), 1);
    assert_eq!(proof.bounds[2], 20_000);
    let error = verify("i15").map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("value 'dense' (dense): partial sums can reach ±20000"),
        "{error}"
    );
}

#[test]
fn invariant_7_products_of_a_rescale() {
    let q = "value 'q' (rescale)";
    check_text(
        "by 1 3 plus",
        "by 1 2147483648 plus",
        &[q, "channel 1: × 2147483648"],
    );
    check_text(
        "by 1 3 plus",
        "by 1 -2147483649 plus",
        &[q, "channel 1: × -2147483649"],
    );
    check_text(
        "shift 4 5 rnd",
        "shift 4 63 rnd",
        &[q, "channel 1", "2^63 is not allowed"],
    );
    check_text(
        "plus 0 shift",
        "plus 9223372036854775807 shift",
        &[q, "exceeds 63 bits"],
    );
    // The rounding term: 2^62 + 2^61 fits, with a half of 2^61 it does not.
    let near = 6_917_529_027_641_081_856i64;
    check_text(
        "plus 0 shift 4 5",
        &format!("plus {near} shift 4 62"),
        &[q, "exceeds 63 bits"],
    );
    // The product exceeds 63 bits before its offset brings it back.
    check(
        &[
            "value 'wide' (rescale)",
            "channel 0: the product",
            "exceeds 63 bits",
        ],
        |p| {
            let mut wide = value(p, "q").clone();
            wide.name = "wide".into();
            wide.shape = Shape::row(1);
            wide.scale = Scale::Pow2(0);
            let mut large = wide.clone();
            let rescale = |x, multiplier, offset| Operation::Rescale {
                x,
                multipliers: vec![multiplier],
                offsets: vec![offset],
                shifts: vec![0],
                rounding: Rounding::Rnd,
                overflow: Overflow::Sat,
            };
            large.name = "large".into();
            large.element = IntType::signed(64);
            large.operation = rescale(value_at(p, "met"), 0, 1 << 62);
            p.values.push(large);
            let x = ValueId::new(p.values.len() - 1);
            wide.operation = rescale(x, 2, -(1 << 62));
            p.values.push(wide);
        },
    );
}

#[test]
fn invariant_7_parameters_of_activations() {
    let leaky = "value 'leaky' (leaky_relu)";
    check_text(
        "by 3 shift 5 rnd",
        "by -1 shift 5 rnd",
        &[leaky, "-1 / 2^5 is not allowed"],
    );
    check_text(
        "by 3 shift 5 rnd",
        "by 2147483648 shift 5 rnd",
        &[leaky, "is not allowed"],
    );
    check_text(
        "by 3 shift 5 rnd",
        "by 3 shift 63 rnd",
        &[leaky, "3 / 2^63 is not allowed"],
    );
    // −2^40 · 2^30 exceeds 63 bits, although the quotient is small.
    check(&["value 'steep' (leaky_relu)", "exceeds 63 bits"], |p| {
        let mut wide = value(p, "h").clone();
        wide.name = "wide".into();
        wide.element = IntType::signed(45);
        wide.operation = Operation::Rescale {
            x: value_at(p, "h"),
            multipliers: vec![1 << 30],
            offsets: vec![-(1 << 40)],
            shifts: vec![0],
            rounding: Rounding::Rnd,
            overflow: Overflow::Sat,
        };
        let mut steep = wide.clone();
        p.values.push(wide);
        steep.name = "steep".into();
        steep.operation = Operation::LeakyRelu {
            x: ValueId::new(p.values.len() - 1),
            multiplier: 1 << 30,
            shift: 62,
            rounding: Rounding::Rnd,
        };
        p.values.push(steep);
    });
    check_text(
        "range -8 7\n",
        "range 8 7\n",
        &["value 'clip' (clip)", "8..=7 is empty"],
    );
}

/// What exceeds 128 bits is refused like what exceeds 64: no bound wraps around.
#[test]
fn invariant_7_intervals_do_not_wrap() {
    let text = |operation: &str| {
        format!(
            "hodoscope-program 1 program wide
             input x channels 1 field x unit \"\" lsb 1.0 range -2147483648 2147483647 saturate empty 0
             constant w i64 [1, 8]
               -9223372036854775808 -9223372036854775808 -9223372036854775808 -9223372036854775808
               9223372036854775807 9223372036854775807 9223372036854775807 9223372036854775807
             constant b i64 [1] 0
             value x [1] i32 frac 0 = input x
             value x2 [1] i64 frac 0 = rescale x by 2147483647 plus 0 shift 0 rnd sat
             value wide [1] i64 frac 0 = add x2 x2
             value all [8] i64 frac 0 = concat [wide, wide, wide, wide, wide, wide, wide, wide]
             value y [1] i64 frac 0 = {operation}
             output y = y"
        )
    };
    for operation in [
        "dense all weights w bias b",
        "sum_squares all",
        "squared_error all all",
        "mul wide wide",
        "add wide wide",
    ] {
        let program = Program::from_text(&text(operation)).unwrap();
        let error = program.verify().map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("value 'y'"), "{error}");
    }
}

#[test]
fn invariant_8_scales() {
    let q = "value 'q' (rescale)";
    check(&[q, "the scale has 3 entries for 2 channels"], |p| {
        value(p, "q").scale = Scale::Pow2PerChannel(vec![1, 2, 3]);
    });
    check(&[q, "the scale has 3 entries for 2 channels"], |p| {
        value(p, "q").scale = Scale::Lsb(vec![ExactF64(1.0); 3]);
    });
    check(&[q, "the scale has 0 entries for 2 channels"], |p| {
        value(p, "q").scale = Scale::Lsb(vec![])
    });
    check(&[q, "frac 1001 is not within ±1000"], |p| {
        value(p, "q").scale = Scale::Pow2(1001)
    });
    check(&[q, "frac -1001 is not within ±1000"], |p| {
        value(p, "q").scale = Scale::Pow2PerChannel(vec![0, -1001]);
    });
    check(&[q, "frac -2147483648 is not"], |p| {
        value(p, "q").scale = Scale::Pow2(i32::MIN)
    });
    for lsb in [f64::NAN, f64::INFINITY] {
        check(&[q, "is not finite"], |p| {
            value(p, "q").scale = Scale::Lsb(vec![ExactF64(1.0), ExactF64(lsb)]);
        });
    }
    for lsb in [0.0, -0.5] {
        check(&["output 'second:0'", "is not positive"], |p| {
            value(p, "concat").scale = Scale::Lsb(vec![ExactF64(lsb)]);
        });
    }
}

#[test]
fn invariant_9_outputs() {
    check(&["program 'sound'", "it has no output"], |p| {
        p.outputs.clear()
    });
    check(&["output 'score'", "a row per constituent"], |p| {
        p.outputs[0].value = value_at(p, "relu");
    });
}
