//! What scikit-learn and the libraries of boosted trees export.

use super::*;

#[test]
fn scikit_learn() {
    let check = |op, attributes, parts: &[&str]| refused(op, &["x"], attributes, vec![], parts);
    check(
        "ai.onnx.ml::Normalizer",
        vec![string("norm", "L3")],
        &["'norm'", "'L3'", "L2"],
    );
    let of_number = |op, inputs: &[&str]| {
        refused(op, inputs, vec![], vec![], &["at least one axis"]);
    };
    of_number("ai.onnx.ml::Scaler", &["number"]);
    of_number("ai.onnx.ml::ArrayFeatureExtractor", &["number", "no_axes"]);
    check(
        "ai.onnx.ml::LinearClassifier",
        vec![],
        &["'classlabels_int64s'", "missing"],
    );
    check(
        "ai.onnx.ml::SVMClassifier",
        vec![ints("classlabels_ints", &[0, 1])],
        &["'vectors_per_class'", "LinearSVC"],
    );
    check(
        "ai.onnx.ml::SVMRegressor",
        vec![
            list("rho", &[0.0]),
            int("n_supports", 1),
            string("kernel_type", "COSINE"),
        ],
        &["'kernel_type'", "'COSINE'", "RBF"],
    );
    check(
        "ai.onnx.ml::TfIdfVectorizer",
        vec![],
        &["support vector machines"],
    );
    check(
        "ai.onnx.ml::Scaler",
        vec![list("offset", &[1.0, 2.0])],
        &["'offset'", "2 entries for 5 features"],
    );
    check(
        "ai.onnx.ml::Scaler",
        vec![list("scale", &[f32::NAN])],
        &["'scale'", "NaN"],
    );
    check(
        "ai.onnx.ml::LinearRegressor",
        vec![string("post_transform", "PROBIT")],
        &["'post_transform'", "NONE"],
    );
    check(
        "ai.onnx.ml::LinearRegressor",
        vec![list("coefficients", &[1.0; 4])],
        &["'coefficients'", "5 features"],
    );
}

/// A stump on feature 0 that gives target 0 one of two values, with attributes changed.
fn stump(kind: &str, changed: Vec<AttributeProto>) -> Vec<AttributeProto> {
    let own = |what: &str| format!("{kind}_{what}");
    let mut all = vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[0, 0, 0]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        list("nodes_values", &[0.5, 0.0, 0.0]),
        names("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        ints(&own("treeids"), &[0, 0]),
        ints(&own("nodeids"), &[1, 2]),
        ints(&own("ids"), &[0, 0]),
        list(&own("weights"), &[-1.0, 2.0]),
    ];
    match kind {
        "class" => all.push(ints("classlabels_int64s", &[0, 1])),
        _ => all.push(int("n_targets", 1)),
    }
    for attribute in changed {
        all.retain(|known| known.name != attribute.name);
        all.push(attribute);
    }
    all
}

#[test]
fn trees() {
    let check = |op: &str, kind, changed: Vec<AttributeProto>, parts: &[&str]| {
        let op = format!("ai.onnx.ml::{op}");
        refused(&op, &["x"], stump(kind, changed), vec![], parts);
    };
    let regressor = |changed, parts: &[&str]| {
        check("TreeEnsembleRegressor", "target", vec![changed], parts);
    };
    let classifier = |changed: Vec<AttributeProto>, parts: &[&str]| {
        check("TreeEnsembleClassifier", "class", changed, parts);
    };
    regressor(
        names("nodes_modes", &["BRANCH_MEMBER", "LEAF", "LEAF"]),
        &["'nodes_modes'", "BRANCH_MEMBER", "one threshold"],
    );
    regressor(
        string("aggregate_function", "MEDIAN"),
        &["'aggregate_function'", "MEDIAN", "AVERAGE"],
    );
    regressor(
        string("post_transform", "PROBIT"),
        &["'post_transform'", "PROBIT", "export NONE"],
    );
    regressor(
        string("post_transform", "LOGISTIC"),
        &["'post_transform'", "onnxruntime", "export NONE"],
    );
    regressor(
        list("base_values", &[1.0, 2.0]),
        &["'base_values'", "1 targets"],
    );
    regressor(
        ints("nodes_truenodeids", &[7, 0, 0]),
        &["'nodes_truenodeids'", "node 7", "tree 0"],
    );
    regressor(
        ints("nodes_truenodeids", &[0, 0, 0]),
        &["'nodes_truenodeids'", "circle"],
    );
    regressor(
        ints("nodes_featureids", &[5, 0, 0]),
        &["tree 0 leads nowhere"],
    );
    regressor(
        ints("nodes_featureids", &[0, 0]),
        &["'nodes_featureids'", "2 entries for 3 nodes"],
    );
    regressor(
        list("nodes_values", &[f32::NAN, 0.0, 0.0]),
        &["'nodes_values'", "NaN"],
    );
    regressor(
        ints("target_ids", &[0, 1]),
        &["'target_ids'", "target 1 of node 2"],
    );
    regressor(ints("n_targets", &[1]), &["'n_targets'"]);
    regressor(int("n_targets", 0), &["'n_targets'", "is 0"]);
    // Thresholds of double precision stand in an attribute of another name.
    let tensor = tensor("nodes_values_as_tensor", floats("", &[1], &[0.5]));
    regressor(tensor, &["'nodes_values_as_tensor'", "export without it"]);
    let partial = vec![
        ints("target_treeids", &[0]),
        ints("target_nodeids", &[2]),
        ints("target_ids", &[0]),
        list("target_weights", &[1.0]),
    ];
    let with = |more| [partial.clone(), vec![more]].concat();
    check(
        "TreeEnsembleRegressor",
        "target",
        with(list("base_values", &[1.0])),
        &["'base_values'", "target 0", "runtimes disagree"],
    );
    check(
        "TreeEnsembleRegressor",
        "target",
        with(string("aggregate_function", "MIN")),
        &["'aggregate_function'", "export SUM"],
    );
    classifier(
        vec![list("base_values", &[1.0, 2.0])],
        &["'base_values'", "two classes"],
    );
    classifier(
        vec![ints("classlabels_int64s", &[7])],
        &["'class_ids'", "fewer than two"],
    );
    classifier(
        vec![
            ints("classlabels_int64s", &[4, 5]),
            ints("class_ids", &[0, 1]),
        ],
        &["'classlabels_int64s'", "disagree"],
    );
    classifier(
        vec![ints("classlabels_int64s", &[4, 5, 6])],
        &["'class_ids'", "no weight"],
    );
    for transform in ["SOFTMAX_ZERO", "PROBIT"] {
        classifier(
            vec![string("post_transform", transform)],
            &["'post_transform'", transform, "LOGISTIC", "export NONE"],
        );
    }
}

#[test]
fn lists_of_trees() {
    let check = |changed: Vec<AttributeProto>, parts: &[&str]| {
        let op = "ai.onnx.ml::TreeEnsembleRegressor";
        refused(op, &["x"], stump("target", changed), vec![], parts);
    };
    let missing = ints("nodes_missing_value_tracks_true", &[1]);
    check(
        vec![missing],
        &["'nodes_missing_value_tracks_true'", "1 entries for 3 nodes"],
    );
    check(
        vec![ints("nodes_nodeids", &[0, 1, 1])],
        &["'nodes_nodeids'", "node 1 of tree 0 twice"],
    );
    check(
        vec![list("target_weights", &[1.0])],
        &["'target_weights'", "1 entries"],
    );
    check(
        vec![list("target_weights", &[1.0, f32::INFINITY])],
        &["'target_weights'", "inf"],
    );
    check(
        vec![ints("target_nodeids", &[0, 2])],
        &["a node that branches has weights"],
    );
    let leaves = (1 << 12) + 1;
    let many: Vec<i64> = (0..leaves).collect();
    let zeros = vec![0; many.len()];
    let none = vec![0.0; many.len()];
    check(
        vec![
            int("n_targets", 1 << 12),
            ints("nodes_treeids", &many),
            ints("nodes_nodeids", &zeros),
            ints("nodes_featureids", &zeros),
            ints("nodes_truenodeids", &zeros),
            ints("nodes_falsenodeids", &zeros),
            list("nodes_values", &none),
            names("nodes_modes", &vec!["LEAF"; many.len()]),
            ints("target_treeids", &many),
            ints("target_nodeids", &zeros),
            ints("target_ids", &zeros),
            list("target_weights", &none),
        ],
        &["4097 leaves of 4096 targets are too many"],
    );
    let lists = [
        "treeids",
        "nodeids",
        "featureids",
        "truenodeids",
        "falsenodeids",
    ];
    let none = lists.map(|name| ints(&format!("nodes_{name}"), &[]));
    let mut none = none.to_vec();
    none.extend([
        list("nodes_values", &[]),
        names("nodes_modes", &[]),
        ints("target_treeids", &[]),
        ints("target_nodeids", &[]),
        ints("target_ids", &[]),
        list("target_weights", &[]),
    ]);
    check(none, &["has no tree"]);
}

#[test]
fn labels() {
    let check = |changed: Vec<AttributeProto>, parts: &[&str]| {
        let op = "ai.onnx.ml::TreeEnsembleClassifier";
        refused(op, &["x"], stump("class", changed), vec![], parts);
    };
    check(
        vec![names("classlabels_strings", &["qcd", "top"])],
        &["'classlabels_strings'", "beside classlabels_int64s"],
    );
    check(
        vec![ints("classlabels_int64s", &[])],
        &["'classlabels_int64s'", "missing"],
    );
    // Three classes, so that no label follows from the sign of one score.
    check(
        vec![
            ints("classlabels_int64s", &[0, 1, (1 << 24) + 1]),
            ints("class_treeids", &[0; 6]),
            ints("class_nodeids", &[1, 1, 1, 2, 2, 2]),
            ints("class_ids", &[0, 1, 2, 0, 1, 2]),
            list("class_weights", &[1.0; 6]),
        ],
        &["'classlabels_int64s'", "a float does not hold"],
    );
}

/// The operator of version 5, in which one node names its leaves.
#[test]
fn one_operator_for_all_ensembles() {
    let changed = |changes: Vec<AttributeProto>, parts: &[&str]| {
        let mut all = vec![
            int("n_targets", 1),
            ints("nodes_featureids", &[0]),
            ints("nodes_truenodeids", &[0]),
            ints("nodes_trueleafs", &[1]),
            ints("nodes_falsenodeids", &[1]),
            ints("nodes_falseleafs", &[1]),
            ints("tree_roots", &[0]),
            ints("leaf_targetids", &[0, 0]),
            tensor("nodes_modes", int64s("", &[1], &[0])),
            tensor("nodes_splits", floats("", &[1], &[0.5])),
            tensor("leaf_weights", floats("", &[2], &[-1.0, 2.0])),
        ];
        for change in changes {
            all.retain(|known| known.name != change.name);
            all.extend((change.r#type != 0).then_some(change));
        }
        refused("ai.onnx.ml::TreeEnsemble", &["x"], all, vec![], parts);
    };
    let check = |change, parts: &[&str]| changed(vec![change], parts);
    let absent = |name: &str| AttributeProto {
        name: name.into(),
        ..Default::default()
    };
    check(
        int("aggregate_function", 7),
        &["'aggregate_function'", "is 7"],
    );
    check(
        int("post_transform", 4),
        &["'post_transform'", "PROBIT", "export NONE"],
    );
    check(absent("nodes_splits"), &["'nodes_splits'", "missing"]);
    check(
        ints("nodes_trueleafs", &[1, 1]),
        &["'nodes_trueleafs'", "2 entries for 1 nodes"],
    );
    check(
        ints("nodes_missing_value_tracks_true", &[1, 1]),
        &["'nodes_missing_value_tracks_true'", "2 entries"],
    );
    check(
        ints("leaf_targetids", &[0]),
        &["'leaf_targetids'", "1 entries for 2 leaves"],
    );
    check(
        ints("leaf_targetids", &[0, 1]),
        &["'leaf_targetids'", "1 of 1 targets"],
    );
    check(
        ints("nodes_falsenodeids", &[2]),
        &["'nodes_falsenodeids'", "leads to no node"],
    );
    check(ints("tree_roots", &[5]), &["'tree_roots'", "no such node"]);
    let member = tensor("nodes_modes", int64s("", &[1], &[6]));
    check(member, &["'nodes_modes'", "has 6", "one threshold"]);
    // Of several weights it is the tensor that is refused; one alone may be a bound elsewhere.
    changed(
        vec![
            ints("nodes_falsenodeids", &[0]),
            ints("leaf_targetids", &[0]),
            tensor("leaf_weights", floats("", &[1], &[f32::INFINITY])),
        ],
        &["'leaf_weights'", "has inf"],
    );
}
