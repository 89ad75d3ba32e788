//! Every operation behind every way in which a layer leaves its result: sums, halves, bytes; of an event, of rows, of constituents.

use std::fmt::Write as _;

use hodoscope_program::Program;

/// What follows a dense layer of eight outputs: sums that are read, and what makes them narrower.
const ENDS: [(&str, &str); 7] = [
    ("sums", ""),
    ("narrow sums", "narrow"),
    ("bytes", "i8 frac 3 = rescale P by 1 plus 0 shift 6 rnd sat"),
    (
        "halves",
        "i16 frac 3 = rescale P by 1 plus 0 shift 1 rnd sat",
    ),
    (
        "scaled",
        "i16 frac 3 = rescale P by 23000 plus 5 shift 16 rnd sat",
    ),
    (
        "words",
        "i32 frac 3 = rescale P by 3 plus 0 shift 1 rnd sat",
    ),
    (
        "floored",
        "i12 frac 3 = rescale P by 1 plus 0 shift 3 trn sat_sym",
    ),
];

/// Operations on x, and on a second value y of its type; `S` is the shape up to the channels.
const OPERATIONS: [(&str, &str); 21] = [
    ("relu", "[S8] T frac 3 = relu X"),
    ("leaky", "[S8] T frac 3 = leaky_relu X by 3277 shift 15 rnd"),
    ("clip", "[S8] T frac 3 = clip X range -100 100"),
    (
        "rescale",
        "[S8] i8 frac 3 = rescale X by 1 plus 0 shift 2 rnd sat",
    ),
    (
        "wrap",
        "[S8] i7 frac 3 = rescale X by 3 plus 1 shift 2 rnd_conv wrap",
    ),
    ("divide", "[S8] T frac 3 = divide X by 7 rnd"),
    ("root", "[S8] T frac 3 = square_root X shift 0"),
    ("select", "[S3] T frac 3 = select X channels 5 0 5"),
    ("concat", "[S16] T frac 3 = concat [X, Y]"),
    ("mul", "[S8] i64 frac 6 = mul X Y"),
    ("add", "[S8] i64 frac 3 = add X Y"),
    ("sub", "[S8] i64 frac 3 = sub X Y"),
    ("error", "[S1] i64 frac 6 = squared_error X Y"),
    ("squares", "[S1] i64 frac 6 = sum_squares X"),
    ("quotient", "[S8] i16 frac 3 = quotient X Y shift 3 rnd"),
    ("larger", "[S8] T frac 3 = larger X Y"),
    ("smaller", "[S8] T frac 3 = smaller X Y"),
    ("largest", "[S1] T frac 3 = largest X"),
    ("top", "[S3] u3 frac 0 = top_k X count 3"),
    ("dense", "[S5] i64 frac 3 = dense X weights v bias c"),
    ("twice", "[S8] i64 frac 3 = dense X weights w bias b"),
];

/// One program for each shape and end, in which each operation has a layer of its own.
pub fn pairings() -> Vec<Program> {
    let mut programs = vec![];
    for shape in ["", "2, ", "jet, "] {
        for (name, end) in ENDS {
            let text = pairing(shape, end);
            let program =
                Program::from_text(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
            if let Err(error) = program.verify() {
                panic!("{name}: {error}\n{text}");
            }
            programs.push(program);
        }
    }
    programs
}

fn pairing(shape: &str, end: &str) -> String {
    let is_set = shape == "jet, ";
    let (set, rule, of_set) = match is_set {
        true => ("set jet capacity 4\n", "live jet x[0] not 0\n", " set jet"),
        false => ("", "", ""),
    };
    let (channels, first) = if shape == "2, " {
        (16, "[16]")
    } else {
        (8, "")
    };
    let first = if first.is_empty() {
        format!("[{shape}8]")
    } else {
        first.to_owned()
    };
    let numbers = |count: i32| {
        let numbers = (0..count).map(|i| ((i * 37 + 11) % 127 - 63).to_string());
        numbers.collect::<Vec<_>>().join(" ")
    };
    let mut text = format!(
        "hodoscope-program 1\nprogram pairing\n{set}input x{of_set} channels {channels}\n  \
         field f unit \"\" lsb 1.0 range -100 100 saturate empty 0\n{rule}\
         constant w i8 [8, 8]\n{}\nconstant s i8 [8, 8]\n{}\nconstant b i16 [8]\n{}\nconstant v i16 [5, 8]\n{}\nconstant c i16 [5]\n{}\n\
         value words {first} i8 frac 0 = input x\n",
        numbers(64),
        "1 -2 3 0 ".repeat(16),
        numbers(8),
        numbers(40),
        numbers(5),
    );
    let x = match shape {
        "2, " => {
            text += "value rows [2, 8] i8 frac 0 = reshape words\n";
            "rows"
        }
        _ => "words",
    };
    for (operation, form) in OPERATIONS {
        let mut made = vec![];
        for which in ["x", "y"] {
            let layer = format!("{operation}.{which}");
            let (ty, weights) = match end {
                "narrow" => ("i16", "s"),
                _ => ("i32", "w"),
            };
            let _ = writeln!(
                text,
                "value {layer} [{shape}8] {ty} frac 3 = dense {x} weights {weights} bias b"
            );
            made.push(match end {
                "" | "narrow" => layer,
                _ => {
                    let end = end.replace('P', &layer);
                    let _ = writeln!(text, "value {layer}.q [{shape}8] {end}");
                    format!("{layer}.q")
                }
            });
        }
        let ty = match end {
            "" => "i32",
            "narrow" => "i16",
            end => end.split(' ').next().unwrap_or("i32"),
        };
        // In this order: names of values have no capitals.
        let form = form.replace('S', shape).replace('T', ty);
        let form = form.replace('X', &made[0]).replace('Y', &made[1]);
        let _ = writeln!(text, "value {operation} {form}");
        let output = match shape {
            "jet, " => {
                let channels = form.split([',', ']']).nth(1).unwrap_or("8");
                let _ = writeln!(
                    text,
                    "value {operation}.sum [{}] i64 frac 3 = sum {operation}",
                    channels.trim()
                );
                format!("{operation}.sum")
            }
            "2, " => {
                let channels: usize = form
                    .split([',', ']'])
                    .nth(1)
                    .and_then(|c| c.trim().parse().ok())
                    .unwrap_or(8);
                let ty = form
                    .split("] ")
                    .nth(1)
                    .and_then(|rest| rest.split(' ').next())
                    .unwrap_or("i64");
                let _ = writeln!(
                    text,
                    "value {operation}.flat [{}] {ty} frac 3 = reshape {operation}",
                    2 * channels
                );
                format!("{operation}.flat")
            }
            _ => operation.to_owned(),
        };
        let _ = writeln!(text, "output {operation} = {output}");
    }
    text
}
