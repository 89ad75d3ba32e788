//! One comparison decides: a threshold on a score is moved, exactly, before the monotone functions that the score passes.

use crate::emit_programs::{AUTOENCODER, DEEP_SET, FOLDED, FOLDED_SET};
use crate::import_support::*;
use hodoscope_compiler::compile;
use hodoscope_compiler::emit::{Files, emit_crate};
use hodoscope_compiler::graph::simplify;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Decision, Isa, Plan};
use hodoscope_compiler::quantise::Score;
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;

fn decision(program: &Program) -> Option<Decision> {
    Decision::of(&Isa::ALL.map(|isa| Plan::new(program, isa).unwrap()))
}

/// The lines of a function of an emitted plan.
fn body<'a>(files: &'a Files, plan: &str, function: &str) -> &'a str {
    let text = &files[&format!("src/compute/{plan}.rs")];
    let (_, rest) = text.split_once(&format!("fn {function}<")).unwrap();
    rest.split_once("\n    }\n").unwrap().0
}

#[test]
fn every_threshold_on_the_score_has_its_least_raw_before_the_functions() {
    for (text, value) in [(FOLDED, "index"), (FOLDED_SET, "index")] {
        let program = Program::from_text(text).unwrap();
        let decision = decision(&program).unwrap();
        assert_eq!(program.value(decision.value).name, value);
        let output = program.outputs[0].value;
        let interpreter = Interpreter::new(&program).unwrap();
        let range = program.value(output).element;
        let mut seen = std::collections::BTreeSet::new();
        // Words that reach every raw of the value, and more.
        for word in -60..=60 {
            let inputs = match program.sets.is_empty() {
                true => vec![vec![word, word / 2 - 7]],
                false => vec![vec![7, word.clamp(-8, 7)], vec![(word + 60) / 3]],
            };
            let trace = interpreter.trace(&Event { inputs }).unwrap();
            let (x, y) = (
                trace.values[decision.value.index()][0],
                trace.values[output.index()][0],
            );
            seen.insert(x);
            for threshold in range.minimum()..=range.maximum() {
                let step = decision.steps.iter().find(|(raw, _)| *raw >= threshold);
                let least = step.map_or(decision.never, |(_, least)| *least);
                assert_eq!(x >= least, y >= threshold, "{x} {y} {threshold}");
            }
        }
        assert!(seen.len() > 10, "{}", seen.len());
    }
}

#[test]
fn a_function_that_does_not_ascend_stays() {
    let text = FOLDED.replace("40 47 54", "47 40 54");
    let program = Program::from_text(&text).unwrap();
    let folded = decision(&program).unwrap();
    // The rescale and the clip behind the table do ascend.
    assert_eq!(program.value(folded.value).name, "curve");
    assert!(!folded.steps.is_empty());
}

#[test]
fn a_score_that_passes_nothing_is_compared_as_it_is() {
    let program = Program::from_text(AUTOENCODER).unwrap();
    let decision_ = decision(&program).unwrap();
    assert_eq!(decision_.value, program.outputs[0].value);
    assert!(decision_.steps.is_empty());
    // Two values are no one score.
    assert_eq!(decision(&Program::from_text(DEEP_SET).unwrap()), None);
}

#[test]
fn a_decision_computes_what_it_compares_and_no_more() {
    for text in [FOLDED, FOLDED_SET] {
        let program = Program::from_text(text).unwrap();
        let files = emit_crate(&[Plan::portable(&program).unwrap()]);
        let (event, decision) = (
            body(&files, "portable", "event"),
            body(&files, "portable", "decision"),
        );
        for absent in ["unary::table", "// score", "BACK", "// other"] {
            assert!(!decision.contains(absent), "{absent}: {decision}");
        }
        assert!(event.contains("unary::table"), "{event}");
        assert!(
            event.contains("// back") || event.contains("sums.v4"),
            "{event}"
        );
        assert!(decision.contains("// index"), "{decision}");
        let library = &files["src/lib.rs"];
        assert!(library.contains(">= threshold.0\n"), "{library}");
    }
}

/// A sigmoid, and the class of a softmax of two: whichever way the exporter wrote it, the logit decides.
#[test]
fn the_sigmoid_of_a_network_is_not_computed_to_decide() {
    let weights: Vec<f32> = (0..8).map(|i| (i * i * 5 % 7) as f32 / 4.3 - 0.7).collect();
    let layer = node("Gemm", "h", &["x", "w", "b"], vec![]);
    let sigmoid = vec![layer.clone(), node("Sigmoid", "y", &["h"], vec![])];
    let softmax = vec![
        layer,
        node("Softmax", "classes", &["h"], vec![]),
        node("Gather", "y", &["classes", "one"], vec![int("axis", 1)]),
    ];
    for (columns, nodes) in [(1, sigmoid), (2, softmax)] {
        let constants = vec![
            floats("w", &[4, columns], &weights[..4 * columns as usize]),
            floats("b", &[columns], &weights[..columns as usize]),
            int64s("one", &[1], &[1]),
        ];
        let network = model(13, vec![info("x", &[-1, 4])], constants, nodes, &["y"]);
        let graph = simplify(&load(&network).unwrap()).unwrap();
        let events = (0..400).map(|i| (i * 37 % 101) as f32 / 25.0 - 2.0);
        let calibration = Calibration::new(&graph, vec![events.collect()]).unwrap();
        let (spec, options) = (InputsSpec::default(), Options::default());
        let compiled = compile(&graph, "tagger", &spec, None, &calibration, &options).unwrap();
        let decision = decision(compiled.program()).unwrap();
        let text = compiled.program().to_text();
        assert!(decision.steps.len() > 100, "{text}");
        let event = body(&compiled.files, "portable", "event");
        assert!(event.contains("unary::table"), "{event}");
        let decides = body(&compiled.files, "portable", "decision");
        assert!(!decides.contains("table"), "{decides}");
    }
}

/// A variational autoencoder as it is exported: latent means and a reconstruction. Its score is one of the encoder.
#[test]
fn the_score_of_latent_values_needs_no_decoder() {
    let weights: Vec<f32> = (0..96).map(|i| (i * 29 % 23) as f32 / 16.0 - 0.7).collect();
    let constants = vec![
        floats("w1", &[8, 6], &weights[..48]),
        floats("b1", &[6], &weights[3..9]),
        floats("w2", &[6, 3], &weights[48..66]),
        floats("b2", &[3], &weights[9..12]),
        floats("w3", &[3, 8], &weights[66..90]),
        floats("b3", &[8], &weights[20..28]),
    ];
    let nodes = vec![
        node("Gemm", "h", &["x", "w1", "b1"], vec![]),
        node("Relu", "hidden", &["h"], vec![]),
        node("Gemm", "mu", &["hidden", "w2", "b2"], vec![]),
        node("Gemm", "decoded", &["mu", "w3", "b3"], vec![]),
        node("Tanh", "decoder", &["decoded"], vec![]),
    ];
    let outputs = ["decoder", "mu"];
    let network = model(13, vec![info("x", &[-1, 8])], constants, nodes, &outputs);
    let graph = simplify(&load(&network).unwrap()).unwrap();
    let events = (0..1600).map(|i| (i * 37 % 101) as f32 / 25.0 - 2.0);
    let calibration = Calibration::new(&graph, vec![events.collect()]).unwrap();
    let (spec, options) = (InputsSpec::default(), Options::default());
    let compiled =
        |score: &Score| compile(&graph, "vae", &spec, Some(score), &calibration, &options).unwrap();
    let score = Score::SumSquares("mu".into());
    let (all, only) = (
        compiled(&score),
        compiled(&Score::Only(Box::new(score.clone()))),
    );
    let names = |compiled: &hodoscope_compiler::Compiled| -> Vec<String> {
        let outputs = compiled.program().outputs.iter();
        outputs.map(|output| output.name.clone()).collect()
    };
    assert_eq!(names(&all), ["score", "decoder", "mu"]);
    assert_eq!(names(&only), ["score"]);
    assert_eq!(all.program().macs(0), 48 + 18 + 24);
    assert_eq!(only.program().macs(0), 48 + 18);
    // Where the others are outputs, a decision passes them by; where they are not, there is nothing to pass.
    let event = body(&all.files, "portable", "event");
    let decision = body(&all.files, "portable", "decision");
    assert!(
        event.contains("decoder") && !decision.contains("decoder"),
        "{decision}"
    );
    assert_eq!(
        body(&only.files, "portable", "event")
            .matches("::dense")
            .count(),
        2
    );
    assert!(!only.files["src/compute/portable.rs"].contains("fn decision"));
    // The same bits, with and without the decoder.
    let run = |compiled: &hodoscope_compiler::Compiled, words: &[i64]| {
        let interpreter = Interpreter::new(compiled.program()).unwrap();
        let inputs = vec![words.to_vec()];
        interpreter.run(&Event { inputs }).unwrap()[0].clone()
    };
    for event in 0..50 {
        let words: Vec<i64> = (0..8)
            .map(|i| (event * 91 + i * 57) % 4001 - 2000)
            .collect();
        assert_eq!(run(&all, &words), run(&only, &words));
    }
}
