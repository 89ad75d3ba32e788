//! Words of any LSB: 0.05, 0.1 and π/720 are no float's power of two.

use crate::import_support::{floats, info, int, int64s, ints, model, node};
use crate::networks::{Network, Random};
use crate::quantised_support::{RMS, SIXTEEN, compile_words, errors, events};
use hodoscope_compiler::graph::Executor;
use hodoscope_compiler::import::proto::{NodeProto, TensorProto};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::Plan;
use hodoscope_compiler::quantise::Options;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor as Kernels;

/// `x` [1, 6] in fields of 0.05, 0.1 and π/720, which repeat; `y` [1, 6] in steps of 0.3.
const WORDS: &str = "
    [[input.x.field]]
    name = \"pt\"
    lsb = 0.05
    minimum = -100
    maximum = 100
    [[input.x.field]]
    name = \"eta\"
    lsb = 0.1
    minimum = -50
    maximum = 50
    [[input.x.field]]
    name = \"phi\"
    lsb = 0.004363323129985824
    minimum = -720
    maximum = 719
    [[input.y.field]]
    name = \"z\"
    lsb = 0.3
    minimum = 1
    maximum = 30
    empty = 1
";

fn pair(random: &mut Random) -> Vec<Vec<f32>> {
    let lsbs = [0.05, 0.1, std::f64::consts::PI / 720.0];
    let ends = [100, 50, 719];
    let x = (0..6).map(|i| {
        let word = random.below(2 * ends[i % 3] + 1) as f64 - ends[i % 3] as f64;
        (word * lsbs[i % 3]) as f32
    });
    let x = x.collect();
    let y = (0..6).map(|_| ((1 + random.below(30)) as f64 * 0.3) as f32);
    vec![x, y.collect()]
}

fn network(name: &'static str, nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> Network {
    let inputs = vec![info("x", &[1, 6]), info("y", &[1, 6])];
    Network {
        name,
        model: model(20, inputs, constants, nodes, &["out"]),
        event: pair,
    }
}

fn sum(value: &str) -> NodeProto {
    node(
        "ReduceSum",
        "out",
        &[value, "axes"],
        vec![int("keepdims", 1)],
    )
}

#[test]
fn whatever_reads_words_of_any_step_holds_the_floats() {
    let axes = || int64s("axes", &[1], &[1]);
    let weights = || {
        let data: Vec<f32> = (0..48).map(|i| ((i * 7 % 19) as f32 - 9.0) / 8.0).collect();
        floats("w", &[12, 4], &data)
    };
    let networks = vec![
        network(
            "added",
            vec![node("Add", "a", &["x", "y"], vec![]), sum("a")],
            vec![axes()],
        ),
        network(
            "outputs",
            vec![node("Concat", "out", &["x", "y"], vec![int("axis", 1)])],
            vec![],
        ),
        network(
            "joined",
            vec![
                node("Concat", "j", &["x", "y"], vec![int("axis", 1)]),
                node("MatMul", "h", &["j", "w"], vec![]),
                node("Elu", "out", &["h"], vec![]),
            ],
            vec![weights()],
        ),
        network(
            "roots",
            vec![
                node("Sqrt", "r", &["y"], vec![]),
                node("Add", "out", &["r", "x"], vec![]),
            ],
            vec![],
        ),
        network(
            "length",
            vec![
                node("Mul", "xx", &["x", "x"], vec![]),
                node("Mul", "yy", &["y", "y"], vec![]),
                node("Add", "s", &["xx", "yy"], vec![]),
                node("Sqrt", "out", &["s"], vec![]),
            ],
            vec![],
        ),
        network(
            "divided",
            vec![node("Div", "out", &["x", "y"], vec![])],
            vec![],
        ),
        network(
            "kernel",
            vec![
                node("Neg", "n", &["x"], vec![]),
                node("Mul", "s", &["n", "x"], vec![]),
                node("Exp", "e", &["s"], vec![]),
                node("Mul", "out", &["e", "y"], vec![]),
            ],
            vec![],
        ),
        network(
            "largest",
            vec![
                node("ReduceMax", "a", &["y", "axes"], vec![int("keepdims", 1)]),
                node("ReduceMin", "b", &["x", "axes"], vec![int("keepdims", 1)]),
                node("Max", "m", &["x", "y"], vec![]),
                node("Sub", "d", &["a", "b"], vec![]),
                node("Mul", "out", &["d", "m"], vec![]),
            ],
            vec![axes()],
        ),
        network(
            "top",
            vec![
                node("TopK", "t", &["y", "k"], vec![int("axis", 1)]),
                node("Elu", "out", &["t"], vec![]),
            ],
            vec![int64s("k", &[1], &[2])],
        ),
        network("absolute", vec![node("Abs", "out", &["x"], vec![])], vec![]),
        network(
            "ranked",
            vec![
                // Three rows, each of two words of one LSB.
                node("Reshape", "p", &["x", "shape"], vec![]),
                node("Transpose", "q", &["p"], vec![ints("perm", &[0, 2, 1])]),
                node(
                    "TopK",
                    "t",
                    &["q", "k"],
                    vec![int("axis", 2), int("largest", 0)],
                ),
                node("Sub", "out", &["t", "q"], vec![]),
            ],
            vec![int64s("shape", &[3], &[1, 2, 3]), int64s("k", &[1], &[2])],
        ),
        network(
            "scaled",
            vec![
                node("Mul", "s", &["x", "c"], vec![]),
                node("Reshape", "p", &["s", "shape"], vec![]),
                node("Transpose", "q", &["p"], vec![ints("perm", &[0, 2, 1])]),
                node("ReduceSum", "out", &["q", "axes"], vec![int("keepdims", 0)]),
            ],
            vec![
                floats("c", &[1], &[0.37]),
                int64s("shape", &[3], &[1, 2, 3]),
                axes(),
            ],
        ),
        network(
            "chosen",
            vec![
                node("Greater", "g", &["x", "zero"], vec![]),
                node("Where", "w", &["g", "x", "y"], vec![]),
                node("Softmax", "out", &["w"], vec![int("axis", 1)]),
            ],
            vec![floats("zero", &[1], &[0.0])],
        ),
    ];
    let spec = InputsSpec::parse(WORDS).unwrap();
    for network in networks {
        let name = network.name;
        let made = compile_words(&network, &spec, &SIXTEEN);
        let (graph, program) = made.unwrap_or_else(|error| panic!("{name}: {error}"));
        let errors = errors(&network, &graph, &program);
        println!("{name}: rms {errors:?}");
        assert!(errors.iter().all(|e| *e <= RMS), "{name}: rms {errors:?}");
        let narrow = compile_words(&network, &spec, &Options::default());
        let (_, narrow) = narrow.unwrap_or_else(|error| panic!("{name}: {error}"));
        for program in [program, narrow] {
            let interpreter = Interpreter::new(&program).unwrap();
            let plan = Plan::portable(&program).unwrap();
            let kernels = Kernels::new(&plan);
            for (_, event) in events(&network, &program).iter().take(3) {
                let expected = interpreter.run(event).unwrap();
                assert_eq!(kernels.infer(&event.inputs), expected, "{name}");
            }
        }
    }
}

/// Comparisons and orders of words are the graph's own, word by word, at 8 bits, too.
#[test]
fn words_are_compared_as_they_came() {
    let decisions = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"];
    let mut cases: Vec<(Network, [usize; 2])> = vec![];
    for op in decisions {
        let name = "compared";
        let nodes = vec![
            node(op, "g", &["y", "c"], vec![]),
            node("Cast", "out", &["g"], vec![int("to", 1)]),
        ];
        // 0.3, 0.9, 1.5 and 7.2 are words, the others lie between.
        let bounds = floats("c", &[6], &[0.3, 0.9, 1.5, 7.2, 1.0, 4.4]);
        cases.push((network(name, nodes, vec![bounds]), [1, 30]));
    }
    let ranked = vec![
        node(
            "ArgMax",
            "a",
            &["y"],
            vec![int("axis", 1), int("keepdims", 1)],
        ),
        node("Cast", "out", &["a"], vec![int("to", 1)]),
    ];
    cases.push((network("ranked", ranked, vec![]), [1, 30]));
    // Fields that differ by one count of 0.05 in 8,000 are still told apart.
    let wide = WORDS
        .replace("lsb = 0.3", "lsb = 0.05")
        .replace("maximum = 30", "maximum = 8000");
    for (network, [low, high]) in cases {
        for (words, high) in [(WORDS, high), (wide.as_str(), 8000)] {
            let spec = InputsSpec::parse(words).unwrap();
            for options in [SIXTEEN, Options::default()] {
                let made = compile_words(&network, &spec, &options);
                let (graph, program) = made.unwrap();
                let executor = Executor::new(&graph).unwrap();
                let mut workspace = executor.workspace();
                let interpreter = Interpreter::new(&program).unwrap();
                let mut random = Random::new(5);
                let field = program.inputs[1].field(0).clone();
                for event in 0..200 {
                    let middle = low + random.below(high - low + 1);
                    let word = |i: usize| match event % 2 {
                        0 => (middle + i * 5 % 7).min(high) as i64,
                        _ => (low + (event * 6 + i) % (high - low + 1)) as i64,
                    };
                    let words: Vec<i64> = (0..6).map(word).collect();
                    let y: Vec<f32> = words.iter().map(|w| field.decode(*w) as f32).collect();
                    executor.run_all(&mut workspace, &[&[0.0; 6], &y]).unwrap();
                    let expected = workspace.value(graph.outputs()[0].value);
                    let inputs = vec![vec![0; 6], words];
                    let found = interpreter.run(&Event { inputs }).unwrap();
                    let found: Vec<f32> = found[0].iter().map(|raw| *raw as f32).collect();
                    assert_eq!(found, expected, "{}: {y:?}", network.name);
                }
            }
        }
    }
}
