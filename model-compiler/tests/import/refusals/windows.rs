//! Convolutions, pooling and padding.

use super::*;

#[test]
fn convolutions() {
    let check = |attribute, parts: &[&str]| {
        refused("Conv", &["x", "weights"], vec![attribute], vec![], parts)
    };
    check(
        ints("kernel_shape", &[2]),
        &["'kernel_shape'", "[2]", "[3]"],
    );
    check(ints("strides", &[0]), &["'strides'", "zero"]);
    check(ints("dilations", &[1, 1]), &["'dilations'", "1 axes"]);
    check(ints("pads", &[-1, 0]), &["'pads'", "[-1, 0]"]);
    check(string("auto_pad", "SAME"), &["'auto_pad'", "SAME_UPPER"]);
    check(int("group", 0), &["'group'", "is 0"]);
    check(int("group", 3), &["3 groups", "2 channels"]);
    check(int("spin", 3), &["'spin'", "not supported"]);
    let weights = ["x", "other"];
    refused("Conv", &weights, vec![], vec![], &["weights", "constant"]);
    let transposed = |attribute, parts: &[&str]| {
        let operands = ["x", "weights"];
        refused("ConvTranspose", &operands, vec![attribute], vec![], parts)
    };
    transposed(ints("output_shape", &[4, 4]), &["'output_shape'", "[4, 4]"]);
    transposed(int("group", 1 << 40), &["more groups than weights"]);
    transposed(ints("pads", &[9, 9]), &["no elements"]);
}

#[test]
fn pooling() {
    let check = |attributes, parts: &[&str]| refused("MaxPool", &["x"], attributes, vec![], parts);
    check(vec![], &["'kernel_shape'", "missing"]);
    check(
        vec![ints("kernel_shape", &[0])],
        &["'kernel_shape'", "zero"],
    );
    check(vec![ints("kernel_shape", &[9])], &["does not fit axis 2"]);
    let padded = vec![ints("kernel_shape", &[2]), ints("pads", &[2, 0])];
    check(padded, &["padding is as wide as the window"]);
    let counted = vec![ints("kernel_shape", &[2]), int("count_include_pad", 2)];
    refused(
        "AveragePool",
        &["x"],
        counted,
        vec![],
        &["'count_include_pad'", "0 or 1"],
    );
    let norm = |attribute, parts: &[&str]| {
        let attributes = vec![ints("kernel_shape", &[2]), attribute];
        refused("LpPool", &["x"], attributes, vec![], parts);
    };
    norm(int("p", 3), &["'p'", "only 1 and 2"]);
    norm(int("ceil_mode", 1), &["'ceil_mode'", "pad the input"]);
    refused(
        "MaxRoiPool",
        &["x"],
        vec![],
        vec![],
        &["not supported", "rewrite"],
    );
}

#[test]
fn padding_and_order() {
    let sizes = |v: &[i64]| vec![int64s("sizes", &[v.len() as i64], v)];
    let pad = |mode, list: &[i64], parts: &[&str]| {
        let mode = vec![string("mode", mode)];
        refused("Pad", &["x", "sizes"], mode, sizes(list), parts)
    };
    pad("mirror", &[0; 6], &["'mode'", "'mirror'", "reflect"]);
    pad("constant", &[0; 4], &["4 sizes", "3 axes"]);
    pad("reflect", &[0, 2, 0, 0, 0, 0], &["too much padding"]);
    pad(
        "constant",
        &[0, 0, i64::MAX, 0, 0, i64::MAX],
        &["too much padding"],
    );
    pad(
        "constant",
        &[0, 0, -5, 0, 0, 0],
        &["nothing is left of axis 2"],
    );
    refused(
        "Pad",
        &["x", "other"],
        vec![],
        vec![],
        &["sizes must be known"],
    );
    let k = |v: i64| vec![int64s("k", &[1], &[v])];
    refused("TopK", &["x", "k"], vec![], k(6), &["6 of 5 elements"]);
    refused("TopK", &["x", "k"], vec![], k(0), &["0 of 5 elements"]);
    refused(
        "TopK",
        &["x", "other"],
        vec![],
        vec![],
        &["number k must be known"],
    );
    refused(
        "ArgMax",
        &["x"],
        vec![int("axis", 3)],
        vec![],
        &["axis 3 does not exist"],
    );
    refused(
        "Gather",
        &["x", "other"],
        vec![],
        vec![],
        &["indices are no integers", "cast"],
    );
}

#[test]
fn quantised_convolutions() {
    // Weights [2, 2, 3] whose scales lie along the operand's channels, and a transposed one of two groups.
    let check = |op: &str, axis: i64, attributes: Vec<AttributeProto>, parts: &[&str]| {
        let constants = vec![
            floats("stored", &[2, 2, 3], &[3.0; 12]),
            floats("scale", &[2], &[0.5, 0.25]),
            floats("zero", &[2], &[0.0; 2]),
        ];
        let factors = ["stored", "scale", "zero"];
        let nodes = vec![
            node(
                "DequantizeLinear",
                "weights",
                &factors,
                vec![int("axis", axis)],
            ),
            node(op, "y", &["x", "weights"], attributes),
        ];
        let message = error(&model(
            13,
            vec![info("x", &[1, 2, 5])],
            constants,
            nodes,
            &["y"],
        ));
        for part in ["node 'y'", op].iter().chain(parts) {
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    };
    let another = &["another axis", "per output channel"];
    check("Conv", 1, vec![], another);
    check("ConvTranspose", 0, vec![], another);
    let groups = vec![int("group", 2)];
    check("ConvTranspose", 1, groups, &["groups", "per tensor"]);
}

#[test]
fn enlargements() {
    let check = |attributes, scales: &[f32], sizes: &[i64], parts: &[&str]| {
        let constants = vec![
            floats("scales", &[scales.len() as i64], scales),
            int64s("sizes", &[sizes.len() as i64], sizes),
        ];
        let either = if sizes.is_empty() { "" } else { "sizes" };
        let inputs = ["x", "", "scales", either];
        refused("Resize", &inputs, attributes, constants, parts);
    };
    let mode = |name, value| vec![string(name, value)];
    let doubled = [1.0, 1.0, 2.0];
    check(
        mode("mode", "lanczos"),
        &doubled,
        &[],
        &["'mode'", "'lanczos'", "nearest"],
    );
    check(
        vec![string("mode", "linear"), int("antialias", 1)],
        &doubled,
        &[],
        &["'antialias'", "pooling"],
    );
    check(
        vec![
            string("mode", "linear"),
            string("coordinate_transformation_mode", "tf_crop_and_resize"),
        ],
        &doubled,
        &[],
        &["'tf_crop_and_resize'", "half_pixel"],
    );
    check(
        vec![],
        &[1.0, 1.0, 0.5],
        &[],
        &["0.5", "whole factors", "pooling"],
    );
    check(vec![], &[1.0, 2.0], &[], &["2 factors for 3 axes"]);
    check(vec![], &[], &[], &["either scales or sizes"]);
    check(vec![], &doubled, &[1, 2, 10], &["either scales or sizes"]);
    check(vec![], &[], &[1, 2, 1 << 40], &["whole factors"]);
    check(vec![], &[1.0, 1.0, 65536.0], &[], &["axis 2 are too many"]);
    let place = "coordinate_transformation_mode";
    check(
        mode(place, "align_corners"),
        &doubled,
        &[],
        &[place, "'align_corners'", "asymmetric with floor"],
    );
    check(
        mode(place, "asymmetric"),
        &[1.0, 1.0, 3.0],
        &[],
        &[place, "3 times"],
    );
    let policy = "keep_aspect_ratio_policy";
    check(
        mode(policy, "not_larger"),
        &doubled,
        &[],
        &[policy, "stretch"],
    );
}
