//! Sets, however they are pooled and masked: the integer program against the float network on padded events with every
//! multiplicity, holes, no constituent at all, and more than fit.

use crate::import_support::*;
use hodoscope_compiler::exact::Constituents;
use hodoscope_compiler::graph::{Executor, Graph, Tensor, simplify};
use hodoscope_compiler::import::proto::{NodeProto, TensorProto};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::quantised;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{Live, Operation, Program};

/// Slots, and features of each: (pt, eta, phi).
const SLOTS: usize = 6;
const FEATURES: usize = 3;
/// Largest rms error, as a fraction of the output's range.
const RMS: f64 = 1.0 / 512.0;

/// A small generator of numbers within ±1.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32 / (1u64 << 23) as f32) - 1.0
    }

    fn list(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// Φ 3→5 with ReLU, then `pooling` from `phi` `[1, 6, 5]` to `pool` `[1, 5]`, then a layer 5→2.
fn network(pooling: Vec<NodeProto>, constants: Vec<TensorProto>) -> Graph {
    let mut numbers = Numbers(7);
    let mut initializers = vec![
        floats("w1", &[3, 5], &numbers.list(15)),
        floats("b1", &[5], &numbers.list(5)),
        floats("w2", &[5, 2], &numbers.list(10)),
        floats("b2", &[2], &numbers.list(2)),
        int64s("slots", &[1], &[1]),
        int64s("features", &[1], &[2]),
        int64s("zero", &[1], &[0]),
        int64s("one", &[1], &[1]),
        floats("nothing", &[], &[0.0]),
    ];
    initializers.extend(constants);
    let mut nodes = vec![
        node("MatMul", "h0", &["x", "w1"], vec![]),
        node("Add", "h1", &["h0", "b1"], vec![]),
        node("Relu", "phi", &["h1"], vec![]),
        node("Slice", "pt", &["x", "zero", "one", "features"], vec![]),
    ];
    nodes.extend(pooling);
    nodes.push(node("MatMul", "y0", &["pool", "w2"], vec![]));
    nodes.push(node("Add", "y", &["y0", "b2"], vec![]));
    let input = info("x", &[-1, SLOTS as i64, FEATURES as i64]);
    let graph = load(&model(13, vec![input], initializers, nodes, &["y"])).expect("import");
    simplify(&graph).expect("simplify")
}

/// `alive`, 1 in live slots: pt > 0.
fn mask() -> Vec<NodeProto> {
    vec![
        node("Greater", "is_live", &["pt", "nothing"], vec![]),
        node("Cast", "alive", &["is_live"], vec![int("to", 1)]),
        node("Mul", "live", &["phi", "alive"], vec![]),
    ]
}

fn over_slots(op: &str, name: &str, x: &str, keepdims: i64) -> NodeProto {
    match op {
        "ReduceSum" => node(op, name, &[x, "slots"], vec![int("keepdims", keepdims)]),
        _ => node(
            op,
            name,
            &[x],
            vec![ints("axes", &[1]), int("keepdims", keepdims)],
        ),
    }
}

/// A row of words' values: pT on a grid, so that no constituent is lost to rounding.
fn constituent(numbers: &mut Numbers) -> [f32; FEATURES] {
    let pt = (numbers.next().abs() * 64.0).floor() / 64.0 + 1.0 / 64.0;
    [pt, numbers.next(), numbers.next()]
}

/// Padded events: `live` says which slots hold a constituent.
fn event(live: &[bool], numbers: &mut Numbers) -> Vec<f32> {
    live.iter()
        .flat_map(|alive| match alive {
            true => constituent(numbers),
            false => [0.0; FEATURES],
        })
        .collect()
}

/// Every multiplicity as a prefix, and every pattern with holes, several times.
fn events() -> Vec<Vec<f32>> {
    let mut numbers = Numbers(11);
    let patterns = (0..1u32 << SLOTS).cycle().take(5 << SLOTS);
    patterns
        .map(|pattern| {
            let live: Vec<bool> = (0..SLOTS).map(|slot| pattern >> slot & 1 == 1).collect();
            event(&live, &mut numbers)
        })
        .collect()
}

struct Compiled {
    graph: Graph,
    program: Program,
}

impl Compiled {
    fn new(graph: Graph) -> Self {
        let spec = InputsSpec::default();
        let calibration = Calibration::new(&graph, vec![events().concat()]).expect("calibration");
        let options = Options {
            weights: 16,
            activations: Activations::Sixteen,
        };
        let quantised = quantised(&graph, "set", &spec, None, &calibration, &options);
        let (quantised, computed) = quantised.expect("quantised");
        assert_eq!(computed, Constituents::Live { counted: None });
        let program = quantised.program;
        // The written form keeps what the new operations say.
        let again = Program::from_text(&program.to_text()).expect("text");
        assert_eq!(again, program);
        Self { graph, program }
    }

    fn words(&self, values: &[f32]) -> Event {
        let input = &self.program.inputs[0];
        let word = |(i, v): (usize, &f32)| {
            let encoded = input.field(i % FEATURES).encode(f64::from(*v));
            encoded.expect("finite").word
        };
        Event {
            inputs: vec![values.iter().enumerate().map(word).collect()],
        }
    }

    fn raws(&self, values: &[f32]) -> Vec<i64> {
        let interpreter = Interpreter::new(&self.program).expect("verified");
        interpreter.run(&self.words(values)).expect("run")[0].clone()
    }

    fn fixed(&self, values: &[f32]) -> Vec<f64> {
        let scale = &self.program.value(self.program.outputs[0].value).scale;
        let raws = self.raws(values);
        let value = |(c, raw): (usize, &i64)| *raw as f64 * scale.lsb(c);
        raws.iter().enumerate().map(value).collect()
    }

    fn float(&self, values: &[f32]) -> Vec<f64> {
        let x = Tensor::new(vec![1, SLOTS, FEATURES], values.to_vec()).expect("an event");
        let executor = Executor::new(&self.graph).expect("executor");
        let out = executor.run(&[x]).expect("run");
        out[0].data.iter().map(|v| f64::from(*v)).collect()
    }

    /// The rms error over all padded events is within the bar; `skip` leaves out those on which the float network has no
    /// meaning.
    fn agrees(&self, name: &str, skip: fn(&[f32]) -> bool) {
        let (mut squares, mut count) = (0.0, 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for values in events().iter().filter(|e| !skip(e)) {
            for (a, b) in self.float(values).iter().zip(self.fixed(values)) {
                squares += (a - b) * (a - b);
                count += 1.0;
                low = low.min(*a);
                high = high.max(*a);
            }
        }
        let rms = f64::sqrt(squares / count) / (high - low);
        println!("{name}: rms {rms:.2e} of the range {:.2}", high - low);
        assert!(count > 100.0 && rms <= RMS, "{name}: rms {rms:.2e}");
    }

    /// Trailing empty slots may be left out of an event: not one bit changes.
    fn ignores_trailing_padding(&self) {
        let mut numbers = Numbers(3);
        for n in 0..=SLOTS {
            let live: Vec<bool> = (0..SLOTS).map(|slot| slot < n).collect();
            let padded = event(&live, &mut numbers);
            let bare = &padded[..n * FEATURES];
            assert_eq!(self.raws(&padded), self.raws(bare), "{n} constituents");
        }
    }

    /// Of more constituents than fit the hardest are taken, as the float network sees them.
    fn keeps_the_hardest(&self, name: &str) {
        let mut numbers = Numbers(5);
        for _ in 0..20 {
            let many: Vec<[f32; FEATURES]> =
                (0..SLOTS + 3).map(|_| constituent(&mut numbers)).collect();
            let mut order: Vec<usize> = (0..many.len()).collect();
            order.sort_by(|a, b| many[*b][0].total_cmp(&many[*a][0]));
            order.truncate(SLOTS);
            order.sort_unstable();
            let kept: Vec<f32> = order.iter().flat_map(|i| many[*i]).collect();
            let all: Vec<f32> = many.concat();
            assert_eq!(self.raws(&all), self.raws(&kept), "{name}");
        }
    }

    /// Where nothing says which are the hardest, the first that fit are taken.
    fn keeps_the_first(&self, name: &str) {
        assert_eq!(self.program.sets[0].order, None, "{name}");
        let mut numbers = Numbers(5);
        let many: Vec<[f32; FEATURES]> =
            (0..SLOTS + 3).map(|_| constituent(&mut numbers)).collect();
        let (first, all) = (many[..SLOTS].concat(), many.concat());
        assert_eq!(self.raws(&all), self.raws(&first), "{name}");
    }

    fn has(&self, wanted: fn(&Operation) -> bool) -> bool {
        self.program.values.iter().any(|v| wanted(&v.operation))
    }
}

fn never(_: &[f32]) -> bool {
    false
}

fn is_empty(values: &[f32]) -> bool {
    values.iter().all(|v| *v == 0.0)
}

#[test]
fn padding_without_a_mask_counts_exactly() {
    for op in ["ReduceSum", "ReduceMean", "ReduceMax"] {
        let compiled = Compiled::new(network(vec![over_slots(op, "pool", "phi", 0)], vec![]));
        let live = compiled.program.sets[0].live;
        assert!(matches!(live, Live::NotEmpty { .. }), "{op}: {live:?}");
        compiled.agrees(op, never);
        compiled.ignores_trailing_padding();
        compiled.keeps_the_first(op);
    }
}

#[test]
fn masked_sums_and_maxima() {
    for op in ["ReduceSum", "ReduceMax", "ReduceMean"] {
        let mut nodes = mask();
        nodes.push(over_slots(op, "pool", "live", 0));
        let compiled = Compiled::new(network(nodes, vec![]));
        let live = compiled.program.sets[0].live;
        assert!(matches!(live, Live::Above { .. }), "{op}: {live:?}");
        compiled.agrees(op, never);
        compiled.ignores_trailing_padding();
        compiled.keeps_the_hardest(op);
    }
}

#[test]
fn a_maximum_over_live_slots_only() {
    // Φ is positive: a fill below it never wins while something is live.
    for fill in [-1.0, -1e9, f32::NEG_INFINITY] {
        let mut nodes = mask();
        nodes.push(node("Where", "kept", &["is_live", "phi", "fill"], vec![]));
        nodes.push(over_slots("ReduceMax", "pool", "kept", 0));
        let compiled = Compiled::new(network(nodes, vec![floats("fill", &[], &[fill])]));
        assert!(compiled.has(|o| matches!(o, Operation::Max { .. })));
        compiled.agrees("filled maximum", is_empty);
        compiled.keeps_the_hardest("filled maximum");
        // Without any constituent the result is that of the fill, or of the smallest number.
        let nothing = compiled.raws(&[]);
        assert_eq!(nothing, compiled.raws(&[0.0; SLOTS * FEATURES]));
    }
}

#[test]
fn means_over_the_live_constituents() {
    let clip = vec![
        node("Clip", "divisor", &["n", "least"], vec![]),
        node("Div", "pool", &["sum", "divisor"], vec![]),
    ];
    let maximum = vec![
        node("Max", "divisor", &["n", "least"], vec![]),
        node("Div", "pool", &["sum", "divisor"], vec![]),
    ];
    let offset = vec![
        node("Add", "divisor", &["n", "little"], vec![]),
        node("Div", "pool", &["sum", "divisor"], vec![]),
    ];
    for (name, ending) in [("clip", clip), ("max", maximum), ("offset", offset)] {
        let mut nodes = mask();
        nodes.push(over_slots("ReduceSum", "sum", "live", 0));
        nodes.push(over_slots("ReduceSum", "n", "alive", 0));
        nodes.extend(ending);
        let constants = vec![floats("least", &[], &[1.0]), floats("little", &[], &[1e-3])];
        let compiled = Compiled::new(network(nodes, constants));
        assert!(compiled.has(|o| matches!(o, Operation::Count { .. })));
        compiled.agrees(name, never);
        compiled.ignores_trailing_padding();
        compiled.keeps_the_hardest(name);
    }
}

#[test]
fn a_mask_over_several_features() {
    let nodes = vec![
        node("Equal", "same", &["x", "nothing"], vec![]),
        node("Not", "other", &["same"], vec![]),
        node("Cast", "count", &["other"], vec![int("to", 1)]),
        node(
            "ReduceSum",
            "features_that_differ",
            &["count", "features"],
            vec![int("keepdims", 0)],
        ),
        node(
            "Greater",
            "some",
            &["features_that_differ", "nothing"],
            vec![],
        ),
        node("Cast", "weight", &["some"], vec![int("to", 1)]),
        node("Unsqueeze", "row", &["weight", "one"], vec![]),
        node("MatMul", "weighted", &["row", "phi"], vec![]),
        node("Squeeze", "pool", &["weighted", "one"], vec![]),
    ];
    let compiled = Compiled::new(network(nodes, vec![]));
    let live = compiled.program.sets[0].live;
    assert!(matches!(live, Live::NotEmpty { .. }), "{live:?}");
    compiled.agrees("any feature", never);
    compiled.ignores_trailing_padding();
}

/// Keras' `TimeDistributed`, written once per constituent.
#[test]
fn unrolled_layers_are_one_set_again() {
    let mut numbers = Numbers(13);
    let mut constants = vec![
        floats("u", &[5, 4], &numbers.list(20)),
        floats("v", &[4], &numbers.list(4)),
        floats("w3", &[4, 5], &numbers.list(20)),
    ];
    let mut nodes = vec![];
    let mut rows = vec![];
    for slot in 0..SLOTS {
        let name = |what: &str| format!("{what}{slot}");
        let (start, end) = (name("start"), name("end"));
        constants.push(int64s(&start, &[1], &[slot as i64]));
        constants.push(int64s(&end, &[1], &[slot as i64 + 1]));
        let chain = [
            ("Slice", "part", vec!["phi", &start, &end, "slots"]),
            ("Squeeze", "flat", vec!["part#", "one"]),
            ("MatMul", "product", vec!["flat#", "u"]),
            ("Add", "biased", vec!["product#", "v"]),
            ("Tanh", "bent", vec!["biased#"]),
            ("Unsqueeze", "row", vec!["bent#", "one"]),
        ];
        for (op, result, inputs) in chain {
            let inputs: Vec<String> = inputs
                .iter()
                .map(|i| i.strip_suffix('#').map_or(i.to_string(), &name))
                .collect();
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            nodes.push(node(op, &name(result), &inputs, vec![]));
        }
        rows.push(name("row"));
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    nodes.push(node("Concat", "all", &rows, vec![int("axis", 1)]));
    nodes.push(node("MatMul", "last", &["all", "w3"], vec![]));
    nodes.push(over_slots("ReduceSum", "pool", "last", 0));
    let graph = network(nodes, constants);
    let is_concat = |op: &hodoscope_compiler::graph::Op| op.name() == "Concat";
    assert!(!graph.nodes().iter().any(|n| is_concat(&n.op)), "{graph}");
    let compiled = Compiled::new(graph);
    compiled.agrees("unrolled", never);
    compiled.ignores_trailing_padding();
}

/// A sum of what a mask keeps beside a maximum over all slots: padding counts in one of them.
#[test]
fn two_rules_of_padding() {
    let mut nodes = mask();
    nodes.push(over_slots("ReduceSum", "sum", "live", 0));
    nodes.push(over_slots("ReduceMax", "largest", "phi", 0));
    nodes.push(node("Add", "pool", &["sum", "largest"], vec![]));
    let graph = network(nodes, vec![]);
    let compiled = Compiled::new(graph);
    compiled.agrees("two rules", never);
    compiled.ignores_trailing_padding();
}
