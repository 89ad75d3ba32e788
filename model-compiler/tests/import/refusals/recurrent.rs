//! Recurrent layers.

use super::*;

#[test]
fn recurrent_layers() {
    let constants = |rows: i64, hidden: i64| {
        let count = |n: i64| vec![0.5; usize::try_from(n).unwrap_or(0)];
        vec![
            floats("w", &[1, rows, 5], &count(rows * 5)),
            floats("r", &[1, rows, hidden], &count(rows * hidden)),
            int64s("two", &[1], &[2]),
            floats("state", &[1, 4, hidden], &count(4 * hidden)),
        ]
    };
    // x is [1, 2, 5]: one step of a batch of two.
    let check = |op, inputs: &[&str], attributes, parts: &[&str]| {
        let rows = if op == "LSTM" { 12 } else { 9 };
        refused(op, inputs, attributes, constants(rows, 3), parts);
    };
    let gru = |attribute, parts: &[&str]| check("GRU", &["x", "w", "r"], vec![attribute], parts);
    gru(int("layout", 1), &["'layout'", "transpose"]);
    gru(
        string("direction", "up"),
        &["'direction'", "'up'", "reverse"],
    );
    gru(int("hidden_size", 4), &["'hidden_size'", "is 4, not 3"]);
    gru(
        names("activations", &["Sigmoid", "Gelu"]),
        &["'activations'", "'Gelu'", "Softsign"],
    );
    gru(
        names("activations", &["Sigmoid", "Affine"]),
        &["'activations'", "'Affine'", "without its alpha"],
    );
    gru(
        names("activations", &["Sigmoid"]),
        &["'activations'", "1 functions, not 2"],
    );
    check(
        "LSTM",
        &["x", "w", "r"],
        vec![int("input_forget", 1)],
        &["'input_forget'"],
    );
    check("GRU", &["x", "r", "w"], vec![], &["do not fit"]);
    check(
        "GRU",
        &["x", "other", "r"],
        vec![],
        &["weights W", "constant"],
    );
    check(
        "GRU",
        &["x", "w", "r", "", "two"],
        vec![],
        &["sequence_lens", "packed"],
    );
    check(
        "GRU",
        &["x", "w", "r", "", "counts"],
        vec![],
        &["sequence_lens", "packed"],
    );
    check(
        "GRU",
        &["x", "w", "r", "", "", "state"],
        vec![],
        &["[1, 4, 3], not [1, 2, 3]"],
    );
    check(
        "GRU",
        &["row", "w", "r"],
        vec![],
        &["[length, batch, inputs]"],
    );
    let eighteen = &["x", "w", "r", "b"];
    let biases = |count: i64| {
        let mut all = constants(9, 3);
        all.push(floats("b", &[1, count], &vec![0.5; count as usize]));
        all
    };
    refused(
        "GRU",
        eighteen,
        vec![],
        biases(17),
        &["17 biases for 9 rows"],
    );
    let mut peepholes = constants(12, 3);
    peepholes.push(floats("p", &[1, 8], &[0.5; 8]));
    let inputs = &["x", "w", "r", "", "", "", "", "p"];
    refused("LSTM", inputs, vec![], peepholes, &["peepholes do not fit"]);
}

#[test]
fn sequences() {
    let layer = |steps: i64, hidden: i64, first: bool| {
        let count = |n: i64| vec![0.5; n as usize];
        let constants = vec![
            floats("w", &[1, hidden, 1], &count(hidden)),
            floats("r", &[1, hidden, hidden], &count(hidden * hidden)),
        ];
        let perm = vec![ints("perm", &[1, 0, 2])];
        let nodes = vec![
            node("Transpose", "steps", &["x"], perm),
            node(
                "RNN",
                "y",
                &[if first { "x" } else { "steps" }, "w", "r"],
                vec![],
            ),
        ];
        let dims = if first { [steps, 3, 1] } else { [1, steps, 1] };
        error(&model(13, vec![info("x", &dims)], constants, nodes, &["y"]))
    };
    let named = ["node 'y'", "RNN"];
    says(
        &layer(2000, 1, false),
        &[&named[..], &["2000 steps are more than"]].concat(),
    );
    says(
        &layer(1000, 256, false),
        &[&named[..], &["too many to be unrolled"]].concat(),
    );
    says(
        &layer(7, 2, true),
        &[&named[..], &["sequence comes first", "batch_first=True"]].concat(),
    );
}
