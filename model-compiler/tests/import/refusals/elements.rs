//! Constants, arithmetic, functions of one element and casts.

use super::*;

#[test]
fn arithmetic_on_integers() {
    let whole = |name: &str, value: i64| vec![int64s(name, &[1], &[value])];
    refused(
        "Div",
        &["one", "zero"],
        vec![],
        [whole("one", 1), whole("zero", 0)].concat(),
        &["divides by zero"],
    );
    refused(
        "Div",
        &["counts", "counts"],
        vec![],
        vec![],
        &["depends on the event", "cast to float"],
    );
    refused(
        "Neg",
        &["least"],
        vec![],
        whole("least", i64::MIN),
        &["overflows"],
    );
    // A float has 24 bits.
    let large = whole("large", (1 << 24) + 1);
    refused(
        "Mul",
        &["counts", "large"],
        vec![],
        large,
        &["does not fit a float exactly"],
    );
}

#[test]
fn functions_of_elements() {
    refused(
        "PRelu",
        &["row", "x"],
        vec![],
        vec![],
        &["slope has more axes"],
    );
    let erf = vec![string("approximate", "erf")];
    refused_at(
        20,
        "Gelu",
        &["x"],
        erf,
        vec![],
        &["'approximate'", "'erf'", "'tanh'"],
    );
    let bounds = vec![floats("bounds", &[2], &[0.0, 1.0])];
    refused(
        "Clip",
        &["x", "bounds"],
        vec![],
        bounds,
        &["min must be one constant"],
    );
    refused(
        "Clip",
        &["x", "", "number"],
        vec![],
        vec![],
        &["max must be one constant"],
    );
    refused(
        "Celu",
        &["x"],
        vec![float("alpha", 0.0)],
        vec![],
        &["'alpha'", "divides"],
    );
    let training = |flag| vec![int64s("training", &[], &[flag])];
    refused(
        "Dropout",
        &["x", "", "training"],
        vec![],
        training(1),
        &["training mode", "model.eval()"],
    );
}

#[test]
fn casts() {
    refused("Cast", &["x"], vec![], vec![], &["'to'", "missing"]);
    for (code, name) in [
        (data_type::INT8, "int8"),
        (data_type::STRING, "string"),
        (17, "float8"),
    ] {
        refused(
            "Cast",
            &["x"],
            vec![int("to", code.into())],
            vec![],
            &["'to'", name, "float32"],
        );
    }
}

/// A small file must not ask for gigabytes.
#[test]
fn what_folds_has_a_limit() {
    let shape = int64s("dims", &[1], &[1 << 23]);
    let nodes = vec![
        node("ConstantOfShape", "fill", &["dims"], vec![]),
        node("Cast", "whole", &["fill"], vec![int("to", 7)]),
    ];
    let model_of = |inputs, nodes, shape| error(&model(18, inputs, vec![shape], nodes, &["whole"]));
    let message = model_of(vec![], nodes, shape);
    says(&message, &["node 'whole'", "Cast", "more than is allowed"]);
    // A float names no more rows.
    let nodes = vec![
        node("ArgMax", "indices", &["x"], vec![int("axis", 1)]),
        node("GatherElements", "whole", &["x", "indices"], vec![]),
    ];
    let inputs = vec![info("x", &[1, 1 << 24])];
    let message = model_of(inputs, nodes, int64s("none", &[0], &[]));
    says(
        &message,
        &["node 'whole'", "GatherElements", "name exactly"],
    );
}

#[test]
fn constants() {
    refused("Constant", &[], vec![], vec![], &["'value'", "missing"]);
    let empty = AttributeProto {
        t: None,
        ..tensor("value", floats("", &[], &[]))
    };
    refused(
        "Constant",
        &[],
        vec![empty],
        vec![],
        &["'value'", "corrupt"],
    );
    let fill = |value, dims: &[i64], parts: &[&str]| {
        let dims = vec![int64s("dims", &[dims.len() as i64], dims)];
        refused(
            "ConstantOfShape",
            &["dims"],
            vec![tensor("value", value)],
            dims,
            parts,
        );
    };
    fill(int64s("", &[2], &[1, 2]), &[3], &["'value'", "one element"]);
    fill(
        floats("", &[2], &[1.0, 2.0]),
        &[3],
        &["'value'", "one element"],
    );
    fill(floats("", &[1], &[1.0]), &[-3], &["negative extent"]);
    fill(
        int64s("", &[1], &[1]),
        &[1 << 23],
        &["more than is allowed"],
    );
    let range = |step: &[i64], parts: &[&str]| {
        let numbers = vec![
            int64s("start", &[], &[0]),
            int64s("limit", &[], &[4]),
            int64s("step", &[step.len() as i64], step),
        ];
        refused("Range", &["start", "limit", "step"], vec![], numbers, parts);
    };
    range(&[0], &["step is 0"]);
    range(&[1, 2], &["the step must be one number"]);
}

#[test]
fn an_infinity_of_a_mask_is_not_followed_through_layers() {
    let nodes = vec![
        node("Greater", "there", &["x", "none"], vec![]),
        node("Where", "masked", &["there", "x", "nothing"], vec![]),
        node("MatMul", "mixed", &["masked", "w"], vec![]),
        node("IsNaN", "y", &["mixed"], vec![]),
    ];
    let constants = vec![
        floats("none", &[], &[0.0]),
        floats("nothing", &[], &[f32::NEG_INFINITY]),
        floats("w", &[4, 1], &[1.0, -1.0, 0.0, 2.0]),
    ];
    let inputs = vec![info("x", &[1, 4])];
    says(
        &error(&model(13, inputs, constants, nodes, &["y"])),
        &["IsNaN", "through 'mixed'", "ask the mask"],
    );
}
