//! Networks of many structures give the interpreter's bits on every target.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

#[path = "../model-compiler/tests/import_support/mod.rs"]
mod import_support;
#[path = "../model-compiler/tests/networks/mod.rs"]
mod networks;

use std::fs;
use std::path::Path;
use std::process::Command;

use hodoscope_compiler::import::proto::ModelProto;
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{NpzReader, NpzWriter};
use networks::{Network, Random};
use prost::Message as _;

const CALIBRATION: usize = 100;
const EVENTS: usize = 20;

/// Places that need an emulator, unless the run goes on without one, aloud.
fn boards() -> Vec<&'static str> {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|v| v == "1") {
        println!("SKIPPED: emulated boards, since HODOSCOPE_WITHOUT_EMULATOR=1");
        return vec![];
    }
    vec!["mps2-an386", "virt-rv32"]
}

fn hodoscope() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hodoscope"));
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope");
    command.env("HODOSCOPE_CACHE", cache);
    command
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it says as it ends with an error.
fn fails(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{command:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes events of a network as arrays by the names of its inputs.
fn write_events(network: &Network, seed: u64, events: usize, path: &Path) {
    let graph = import_support::load(&network.model).unwrap();
    let mut random = Random::new(seed);
    let all: Vec<Vec<Vec<f32>>> = (0..events).map(|_| (network.event)(&mut random)).collect();
    let mut npz = NpzWriter::new(fs::File::create(path).unwrap());
    for (index, input) in graph.inputs().iter().enumerate() {
        let mut shape = graph.shape(input.value).to_vec();
        shape[0] = events;
        let values = all.iter().flat_map(|event| event[index].clone()).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&shape), values).unwrap();
        npz.add_array(&*input.name, &array).unwrap();
    }
    npz.finish().unwrap();
}

fn encoded(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

#[test]
fn convolutions_are_exact_on_every_target() {
    let place = tempfile::tempdir().unwrap();
    for network in [networks::image_cnn(), networks::image_autoencoder()] {
        let path = |end: &str| place.path().join(format!("{}{end}", network.name));
        fs::write(path(".onnx"), encoded(&network.model)).unwrap();
        write_events(&network, 100, CALIBRATION, &path(".calibration.npz"));
        write_events(&network, 200, EVENTS, &path(".npz"));

        let inspected = succeeds(hodoscope().arg("inspect").arg(path(".onnx")));
        assert!(inspected.contains("quantisers are inserted"), "{inspected}");
        let mut compile = hodoscope();
        compile
            .arg("compile")
            .arg(path(".onnx"))
            .arg("--calibration");
        compile
            .arg(path(".calibration.npz"))
            .arg("-o")
            .arg(path(""))
            // Bits are compared here: what few events of a toy lose is no matter.
            .arg("--accept-loss");
        let report = succeeds(&mut compile);
        assert!(
            report.contains("'conv1' (Conv)") || report.contains("'down1' (Conv)"),
            "{report}"
        );

        let mut verify = hodoscope();
        verify
            .arg("verify")
            .arg(path(""))
            .arg("--inputs")
            .arg(path(".npz"));
        succeeds(verify.args(["--on", "native"]).args(boards()));

        // Every layer that has its node's name follows float, with channels last as well as first.
        let mut trace = hodoscope();
        trace.arg("trace").arg(path("")).arg("--inputs");
        let traced = succeeds(trace.arg(path(".npz")).args(["--events", "20", "--json"]));
        let traced: serde_json::Value = serde_json::from_str(&traced).unwrap();
        let layers = traced["layers"].as_array().unwrap();
        let errors = layers.iter().filter_map(|layer| {
            let error = layer["relative_rms_error"].as_f64()?;
            Some((layer["name"].as_str()?, error))
        });
        let errors: Vec<_> = errors.collect();
        let first = if network.name.contains("cnn") {
            "conv1"
        } else {
            "down1"
        };
        let of_first = errors.iter().filter(|(name, _)| name.starts_with(first));
        assert!(of_first.count() > 0, "{first}: {errors:?}");
        // What a Relu reads alone is formatted for what is above zero: negative numbers saturate there.
        let wrong = errors
            .iter()
            .filter(|(name, error)| !name.contains(".q") && *error > 0.2);
        assert_eq!(wrong.count(), 0, "{errors:?}");
    }
}

/// One firmware for many networks: each board is built once.
#[test]
fn networks_of_the_field_are_exact_on_every_target() {
    let place = tempfile::tempdir().unwrap();
    let network = networks::side_by_side();
    let path = |end: &str| place.path().join(format!("{}{end}", network.name));
    fs::write(path(".onnx"), encoded(&network.model)).unwrap();
    write_events(&network, 100, CALIBRATION, &path(".calibration.npz"));
    write_events(&network, 200, EVENTS, &path(".npz"));
    let mut compile = hodoscope();
    compile
        .arg("compile")
        .arg(path(".onnx"))
        .arg("-o")
        .arg(path(""));
    compile.arg("--calibration").arg(path(".calibration.npz"));
    // Bits are compared here: what few events of a toy lose is no matter.
    compile.arg("--accept-loss");
    succeeds(compile.args(["--weights", "16", "--activations", "16"]));
    let mut verify = hodoscope();
    verify
        .arg("verify")
        .arg(path(""))
        .arg("--inputs")
        .arg(path(".npz"));
    succeeds(verify.args(["--on", "native"]).args(boards()));
}

/// A particle flow network whose identities become one-hot is a set.
#[test]
fn sets_of_identities_run_over_live_constituents_on_every_target() {
    let place = tempfile::tempdir().unwrap();
    let network = networks::identities();
    let path = |end: &str| place.path().join(format!("{}{end}", network.name));
    fs::write(path(".onnx"), encoded(&network.model)).unwrap();
    write_events(&network, 100, CALIBRATION, &path(".calibration.npz"));
    write_events(&network, 200, EVENTS, &path(".npz"));
    let inspected = succeeds(hodoscope().arg("inspect").arg(path(".onnx")));
    assert!(inspected.contains("8 slots: a set"), "{inspected}");
    let mut compile = hodoscope();
    compile.arg("compile").arg(path(".onnx"));
    compile.arg("--calibration").arg(path(".calibration.npz"));
    let report = succeeds(compile.arg("-o").arg(path("")));
    assert!(
        report.contains("live constituents are computed"),
        "{report}"
    );
    let program = fs::read_to_string(path("").join("program.txt")).unwrap();
    assert!(
        program.contains("set constituents capacity 8") && program.contains(" = sum "),
        "{program}"
    );
    let mut verify = hodoscope();
    verify.arg("verify").arg(path(""));
    verify.arg("--inputs").arg(path(".npz"));
    succeeds(verify.args(["--on", "native"]).args(boards()));
}

/// Compares, of one crate, whole events with constituents that are pushed, in another order than they stand; ends with an error
/// at a difference.
const DRIVER: &str = r#"
struct Random(u64);

impl Random {
    fn word(&mut self, bits: u32) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % (1 << bits) - (1 << (bits - 1))
    }
}

macro_rules! agrees {
    ($krate:ident, $tagger:ident, $($plan:ident),+) => {$(
        let mut tagger = $krate::$tagger::<$krate::$plan>::new();
        let mut random = Random(7);
        for n in 0..=$krate::CAPACITY + 5 {
            for _ in 0..20 {
                let all: Vec<$krate::Constituent> = (0..n)
                    .map(|_| $krate::Constituent { x: std::array::from_fn(|_| random.word(15) as _) })
                    .collect();
                let whole = $krate::$tagger::<$krate::$plan>::run(&all);
                for constituent in &all {
                    tagger.push(constituent);
                }
                assert_eq!(tagger.finish(), whole, "{} {n}", stringify!($krate));
            }
        }
    )+};
}
"#;

/// Steps of a constituent of several kinds: whole events and pushed constituents are the same bits,
/// from none to more than fit. What differs in the others is in these four.
#[test]
fn whole_and_pushed_events_of_sets_agree_at_every_multiplicity() {
    use networks::sets::{Step, set};
    let place = tempfile::tempdir().unwrap();
    let mut manifest = "[package]\nname = \"driver\"\nedition = \"2024\"\n[workspace]\n\
                        [profile.dev]\nopt-level = 1\n[dependencies]\n"
        .to_owned();
    let mut calls = String::new();
    let mut kernels = String::new();
    for step in [Step::Elu, Step::Gelu, Step::LayerNorm, Step::OneHot] {
        let network = set(step);
        let path = |end: &str| place.path().join(format!("{}{end}", network.name));
        fs::write(path(".onnx"), encoded(&network.model)).unwrap();
        write_events(&network, 100, CALIBRATION, &path(".npz"));
        let mut compile = hodoscope();
        compile
            .arg("compile")
            .arg(path(".onnx"))
            .arg("-o")
            .arg(path(""));
        // Bits are compared here: what few events of a toy lose is no matter.
        compile.args(["--accept-loss", "--input", "x=fixed<16,4>", "--calibration"]);
        let report = succeeds(compile.arg(path(".npz")));
        assert!(
            report.contains("live constituents are computed"),
            "{report}"
        );
        let krate = network.name.replace('-', "_");
        let manifest_of_crate = fs::read_to_string(path("").join("crate/Cargo.toml")).unwrap();
        let package = manifest_of_crate
            .lines()
            .find_map(|line| line.strip_prefix("name = "))
            .unwrap()
            .trim_matches('"')
            .to_owned();
        let library = fs::read_to_string(path("").join("crate/src/lib.rs")).unwrap();
        let tagger = library
            .lines()
            .find_map(|line| line.strip_prefix("pub type Deployed = "))
            .and_then(|line| line.split('<').next())
            .unwrap()
            .to_owned();
        manifest += &format!(
            "{krate} = {{ package = {package:?}, path = {:?} }}\n",
            path("").join("crate")
        );
        calls += &format!("agrees!({krate}, {tagger}, Portable, ArmV7eDsp, Rv32im);\n");
        kernels = format!(
            "[patch.crates-io]\nhodoscope-kernels = {{ path = {:?} }}\n",
            path("").join("kernels")
        );
    }
    fs::create_dir_all(place.path().join("driver/src")).unwrap();
    fs::write(place.path().join("driver/Cargo.toml"), manifest + &kernels).unwrap();
    let main = format!("{DRIVER}fn main() {{\n{calls}}}\n");
    fs::write(place.path().join("driver/src/main.rs"), main).unwrap();
    let mut run = Command::new("cargo");
    run.args(["run", "--quiet"])
        .current_dir(place.path().join("driver"))
        .env(
            "CARGO_TARGET_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/sets"),
        );
    succeeds(&mut run);
}

/// Quantisers that HGQ2 and tf2onnx spelled in arithmetic: compiled without calibration, which is refused.
#[test]
fn spelled_quantisers_are_taken_over_on_every_target() {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/model-compiler/tests/oracle/hgq2.npz"
    );
    let mut golden = NpzReader::new(fs::File::open(golden).unwrap()).unwrap();
    let bytes: ArrayD<u8> = golden.by_name("wrap_RND.model").unwrap();
    let x: ArrayD<f32> = golden.by_name("wrap_RND.x").unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    fs::write(path("hgq2.onnx"), bytes.into_iter().collect::<Vec<_>>()).unwrap();
    let mut npz = NpzWriter::new(fs::File::create(path("x.npz")).unwrap());
    npz.add_array("x", &x).unwrap();
    npz.finish().unwrap();

    let inspected = succeeds(hodoscope().arg("inspect").arg(path("hgq2.onnx")));
    assert!(
        inspected.contains("the network's own quantisers"),
        "{inspected}"
    );
    let compile = || {
        let mut compile = hodoscope();
        let (from, to) = (path("hgq2.onnx"), path("hgq2"));
        compile.arg("compile").arg(from).arg("-o").arg(to);
        compile
    };
    let refused = fails(compile().arg("--calibration").arg(path("x.npz")));
    assert!(refused.contains("leave --calibration out"), "{refused}");
    let report = succeeds(&mut compile());
    assert!(report.contains("nothing was calibrated"), "{report}");
    let mut verify = hodoscope();
    let (dir, inputs) = (path("hgq2"), path("x.npz"));
    verify.arg("verify").arg(&dir).arg("--inputs").arg(&inputs);
    succeeds(verify.args(["--on", "native"]).args(boards()));
    let mut trace = hodoscope();
    succeeds(trace.arg("trace").arg(dir).arg("--inputs").arg(inputs));
}

/// With a quantiser, but a function that none follows: as a float network, if there are events.
#[test]
fn networks_that_are_quantised_in_part_are_calibrated() {
    use import_support::{floats, info, model, node};
    let constants = vec![
        floats("scale", &[], &[8.0]),
        floats("low", &[], &[-2.0]),
        floats("high", &[], &[1.875]),
    ];
    let nodes = vec![
        node("Mul", "up", &["x", "scale"], vec![]),
        node("Floor", "floor", &["up"], vec![]),
        node("Div", "grid", &["floor", "scale"], vec![]),
        node("Clip", "inside", &["grid", "low", "high"], vec![]),
        node("Sigmoid", "s", &["inside"], vec![]),
        node("Mul", "y", &["s", "inside"], vec![]),
    ];
    let network = model(13, vec![info("x", &[1, 4])], constants, nodes, &["y"]);
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    fs::write(path("part.onnx"), encoded(&network)).unwrap();
    let mut npz = NpzWriter::new(fs::File::create(path("x.npz")).unwrap());
    let x = ArrayD::from_shape_fn(IxDyn(&[50, 4]), |at| {
        (at[0] * 7 % 50 + at[1]) as f32 / 9.0 - 3.0
    });
    npz.add_array("x", &x).unwrap();
    npz.finish().unwrap();
    let compile = || {
        let mut compile = hodoscope();
        let (from, to) = (path("part.onnx"), path("part"));
        compile.arg("compile").arg(from).arg("-o").arg(to);
        compile
    };
    let refused = fails(&mut compile());
    for part in ["own quantisers", "Sigmoid", "--calibration"] {
        assert!(refused.contains(part), "{refused}");
    }
    // Steps of an eighth at the words' ends: what is lost is no matter here.
    let calibrated = ["--accept-loss", "--calibration"];
    let report = succeeds(compile().args(calibrated).arg(path("x.npz")));
    assert!(report.contains("instead of its own: node"), "{report}");
}

/// 512 outputs are sent as they were computed: no wide copy of them takes stack.
#[test]
fn many_outputs_take_little_stack() {
    if boards().is_empty() {
        return;
    }
    use import_support::{floats, info, model, node};
    let quantised = |from: &str, to: &str| {
        let codes = format!("{to}.codes");
        [
            node("QuantizeLinear", &codes, &[from, "scale", "zero"], vec![]),
            node("DequantizeLinear", to, &[&codes, "scale", "zero"], vec![]),
        ]
    };
    let mut nodes = quantised("x", "a").to_vec();
    nodes.push(node("Relu", "b", &["a"], vec![]));
    nodes.extend(quantised("b", "y"));
    let zero = hodoscope_compiler::import::proto::TensorProto {
        name: "zero".into(),
        dims: vec![],
        data_type: 3, // int8
        int32_data: vec![0],
        ..Default::default()
    };
    let constants = vec![floats("scale", &[], &[0.25]), zero];
    let network = model(13, vec![info("x", &[1, 512])], constants, nodes, &["y"]);
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("wide.onnx");
    fs::write(&file, network.encode_to_vec()).unwrap();
    let dir = place.path().join("wide");
    let mut compile = hodoscope();
    compile.arg("compile").arg(&file).arg("-o").arg(&dir);
    // The event loop's own, about 2.5 KiB, is in it.
    succeeds(compile.args(["--board", "mps2-an386", "--budget", "stack:6KiB"]));
}

/// Exit code and message of a compilation of a network with 16 bits, on events of its own.
fn told(network: &Network, place: &Path, options: &[&str]) -> (Option<i32>, String) {
    let file = place.join("network.onnx");
    fs::write(&file, encoded(&network.model)).unwrap();
    let calibration = place.join("calibration.npz");
    write_events(network, 7, 400, &calibration);
    let mut compile = hodoscope();
    compile.arg("compile").arg(&file).arg("--calibration");
    compile.arg(&calibration).arg("-o").arg(place.join("out"));
    compile.args(["--force", "--weights", "16", "--activations", "16"]);
    let output = compile.args(options).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), errors)
}

/// Roots of numbers of ten decades: words of 32 bits cannot hold the small ones, which neither rms nor correlation show.
#[test]
fn columns_whose_small_values_vanish_are_told() {
    use import_support::{floats, info, model, node};
    fn numbers(random: &mut Random, decades: f32) -> Vec<Vec<f32>> {
        let mut exponent = || (random.below(1001) as f32 / 1000.0 - 0.5) * decades;
        vec![(0..3).map(|_| 10f32.powf(exponent())).collect()]
    }
    type Event = fn(&mut Random) -> Vec<Vec<f32>>;
    let (six, ten): (Event, Event) = (|r| numbers(r, 6.0), |r| numbers(r, 10.0));
    let network = |nodes, event| Network {
        name: "columns",
        model: model(
            17,
            vec![info("x", &[1, 3])],
            vec![floats(
                "w",
                &[3, 3],
                &[1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.5, 0.0, 1.0],
            )],
            nodes,
            &["y"],
        ),
        event,
    };
    let place = tempfile::tempdir().unwrap();
    let root = || vec![node("Sqrt", "y", &["x"], vec![])];
    let (code, errors) = told(&network(root(), ten), place.path(), &[]);
    assert_eq!(code, Some(1), "{errors}");
    for part in ["output `y`: relative error", "in column", "relative=1%"] {
        assert!(errors.contains(part), "`{part}` is not in {errors}");
    }
    let score = ["--judge", "y:score"];
    let (code, errors) = told(&network(root(), ten), place.path(), &score);
    assert_eq!(code, Some(0), "{errors}");
    // Of six decades the words hold all, and logits of ten are no quantities.
    let (code, errors) = told(&network(root(), six), place.path(), &[]);
    assert_eq!(code, Some(0), "{errors}");
    let logits = vec![node("MatMul", "y", &["x", "w"], vec![])];
    let (code, errors) = told(&network(logits, ten), place.path(), &[]);
    assert_eq!(code, Some(0), "{errors}");
}
