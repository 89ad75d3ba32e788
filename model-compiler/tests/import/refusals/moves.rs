//! What picks, cuts and reshapes.

use super::*;

/// Lists of whole numbers as constants `a`, `b` and `c`.
fn lists(values: &[&[i64]]) -> Vec<TensorProto> {
    let one = |(name, list): (&str, &&[i64])| int64s(name, &[list.len() as i64], list);
    ["a", "b", "c"].into_iter().zip(values).map(one).collect()
}

#[test]
fn slices() {
    let check = |all: &[&[i64]], parts: &[&str]| {
        refused("Slice", &["x", "a", "b", "c"], vec![], lists(all), parts);
    };
    check(&[&[0, 0], &[1], &[2]], &["different lengths"]);
    check(&[&[3], &[3], &[2]], &["slice 3:3:1 of axis 2 is empty"]);
    check(&[&[0], &[1], &[3]], &["axis 3"]);
    let step = lists(&[&[0], &[1], &[0]]);
    refused(
        "Slice",
        &["x", "a", "b", "", "c"],
        vec![],
        step,
        &["step is 0"],
    );
    refused(
        "Slice",
        &["x", "a"],
        vec![],
        lists(&[&[0]]),
        &["ends are missing"],
    );
}

#[test]
fn picked_rows() {
    let check = |index: &[i64], parts: &[&str]| {
        refused(
            "Gather",
            &["x", "a"],
            vec![int("axis", 2)],
            lists(&[index]),
            parts,
        );
    };
    check(&[5], &["index 5 is outside axis 2 of 5"]);
    check(&[-6], &["index -6"]);
    refused("Gather", &["x", "no_axes"], vec![], vec![], &["no indices"]);
    refused(
        "GatherElements",
        &["x", "other"],
        vec![],
        vec![],
        &["no integers", "cast"],
    );
}

#[test]
fn parts() {
    let split = |opset, attributes, parts: &[&str]| {
        let all = lists(&[&[2, 2]]);
        let inputs = ["x", "a"];
        let inputs = if opset < 18 {
            &inputs[..]
        } else {
            &inputs[..1]
        };
        refused_at(opset, "Split", inputs, attributes, all, parts);
    };
    let of_two = vec![int("axis", 2), int("num_outputs", 2)];
    split(18, of_two, &["'num_outputs'", "1 outputs"]);
    split(
        13,
        vec![int("axis", 2)],
        &["5 elements", "1 parts of [2, 2]"],
    );
    refused(
        "Concat",
        &[],
        vec![int("axis", 0)],
        vec![],
        &["at least one input"],
    );
    refused("Sum", &[], vec![], vec![], &["at least one input"]);
}

#[test]
fn shapes() {
    let reshape = |shape: &[i64], parts: &[&str]| {
        refused("Reshape", &["x", "a"], vec![], lists(&[shape]), parts);
    };
    reshape(&[-1, -1], &["[1, 2, 5] cannot be reshaped to [-1, -1]"]);
    reshape(&[1, -2], &["cannot be reshaped"]);
    reshape(&[1, 1, 1, 0], &["copies an axis that is not there"]);
    reshape(&[3, -1], &["[1, 2, 5]"]);
    let open = lists(&[&[0, -1]]);
    refused(
        "Reshape",
        &["x", "a"],
        vec![int("allowzero", 1)],
        open,
        &["open beside an empty one"],
    );
    refused(
        "Squeeze",
        &["x", "a"],
        vec![],
        lists(&[&[1]]),
        &["axis 1", "not of one element"],
    );
    refused(
        "Unsqueeze",
        &["x", "a"],
        vec![],
        lists(&[&[1, 1]]),
        &["[1, 1] are not distinct"],
    );
    refused("Unsqueeze", &["x"], vec![], vec![], &["axes are missing"]);
    refused(
        "Expand",
        &["x", "a"],
        vec![],
        lists(&[&[1, 3, 5]]),
        &["does not broadcast"],
    );
    refused(
        "Expand",
        &["x", "a"],
        vec![],
        lists(&[&[-1]]),
        &["negative extent"],
    );
    refused(
        "Transpose",
        &["x"],
        vec![ints("perm", &[0, 1])],
        vec![],
        &["no permutation"],
    );
}

#[test]
fn lists_of_integers() {
    let swapped = vec![ints("perm", &[0])];
    refused(
        "Transpose",
        &["no_axes"],
        swapped,
        vec![],
        &["empty integer tensor"],
    );
    let empty = lists(&[&[7], &[0]]);
    refused(
        "Reshape",
        &["a", "b"],
        vec![int("allowzero", 1)],
        empty,
        &["empty tensor"],
    );
    let many = lists(&[&[7], &[1 << 23]]);
    refused(
        "Expand",
        &["a", "b"],
        vec![],
        many,
        &["more than is allowed"],
    );
    refused(
        "ReduceSum",
        &["a"],
        vec![],
        lists(&[&[i64::MAX, 1]]),
        &["overflows"],
    );
}
