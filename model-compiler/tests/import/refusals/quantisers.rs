//! Quantisers: QONNX, QuantizeLinear and DequantizeLinear.

use super::*;

/// What a quantiser reads; each case changes one of them.
fn factors(changed: TensorProto) -> Vec<TensorProto> {
    let mut all = vec![
        floats("scale", &[], &[0.25]),
        floats("zero", &[], &[0.0]),
        floats("bits", &[], &[8.0]),
        floats("out_scale", &[], &[1.0]),
        floats("out_bits", &[], &[6.0]),
    ];
    all.retain(|known| known.name != changed.name);
    all.push(changed);
    all
}

fn unchanged() -> TensorProto {
    floats("scale", &[], &[0.25])
}

#[test]
fn quant() {
    let quant = |changed, attributes, parts: &[&str]| {
        let inputs = ["x", "scale", "zero", "bits"];
        let op = "qonnx.custom_op.general::Quant";
        refused(op, &inputs, attributes, factors(changed), parts);
    };
    quant(
        floats("bits", &[], &[1.0]),
        vec![],
        &["bit width is 1", "BipolarQuant"],
    );
    quant(
        floats("bits", &[], &[2.5]),
        vec![],
        &["bit width 2.5", "from 1 to"],
    );
    quant(
        floats("bits", &[5], &[8.0, 8.0, 8.0, 8.0, 2.5]),
        vec![],
        &["bit width 2.5", "from 1 to"],
    );
    quant(
        floats("bits", &[3], &[8.0, 6.0, 4.0]),
        vec![],
        &["bit width of shape [3]", "does not broadcast"],
    );
    quant(
        floats("scale", &[], &[-1.0]),
        vec![],
        &["scale -1", "positive"],
    );
    quant(
        floats("scale", &[3], &[1.0, 0.5, 0.25]),
        vec![],
        &["scale of shape [3]", "does not broadcast"],
    );
    quant(
        floats("zero", &[], &[0.5]),
        vec![],
        &["zero point 0.5", "integer"],
    );
    let mode = vec![string("rounding_mode", "STOCHASTIC")];
    quant(
        unchanged(),
        mode,
        &["'rounding_mode'", "'STOCHASTIC'", "HALF_UP"],
    );
    quant(
        unchanged(),
        vec![int("signed", 2)],
        &["'signed'", "not 0 or 1"],
    );
    let varying = ["x", "number", "zero", "bits"];
    let op = "qonnx.custom_op.general::Quant";
    refused(
        op,
        &varying,
        vec![],
        factors(unchanged()),
        &["scale", "constant"],
    );
    refused(
        "qonnx.custom_op.general::FloatQuant",
        &["x"],
        vec![],
        vec![],
        &["quantise to integers (Quant)"],
    );
}

#[test]
fn trunc() {
    let trunc = |changed, inputs: &[&str], parts: &[&str]| {
        let op = "qonnx.custom_op.general::Trunc";
        refused(op, inputs, vec![], factors(changed), parts);
    };
    let first = ["x", "scale", "zero", "bits", "out_bits"];
    trunc(floats("zero", &[], &[0.5]), &first, &["zero point 0.5"]);
    let second = ["x", "scale", "zero", "bits", "out_scale", "out_bits"];
    let per_channel = floats("out_scale", &[5], &[0.5, 0.5, 0.5, 1.0, 1.0]);
    trunc(
        per_channel,
        &second,
        &["per channel", "one scale per tensor"],
    );
    trunc(
        floats("zero", &[], &[1.0]),
        &second,
        &["zero point", "after truncation"],
    );
}

#[test]
fn linear() {
    let of = |code, name: &str| TensorProto {
        data_type: code,
        int32_data: vec![0],
        ..int64s(name, &[], &[])
    };
    let quantise = |opset, scale, zero, attributes, parts: &[&str]| {
        let inputs = ["x", "scale", "zero"];
        refused_at(
            opset,
            "QuantizeLinear",
            &inputs,
            attributes,
            vec![scale, zero],
            parts,
        );
    };
    let scale = || floats("scale", &[], &[0.5]);
    let wide = "use int4, int8, int16";
    quantise(
        18,
        scale(),
        of(data_type::INT32, "zero"),
        vec![],
        &["quantises to int32", wide],
    );
    let blocks = vec![int("block_size", 32)];
    quantise(
        20,
        scale(),
        of(data_type::INT8, "zero"),
        blocks,
        &["'block_size'", "per channel"],
    );
    let three = floats("scale", &[3], &[0.5; 3]);
    quantise(
        18,
        three,
        of(data_type::INT8, "zero"),
        vec![],
        &["factors do not fit axis 1"],
    );
    let zero_scale = floats("scale", &[], &[0.0]);
    quantise(
        18,
        zero_scale,
        of(data_type::INT8, "zero"),
        vec![],
        &["scale 0", "positive"],
    );
    let to_int32 = vec![int("output_dtype", data_type::INT32.into())];
    let only_scale = ["x", "scale"];
    refused_at(
        20,
        "QuantizeLinear",
        &only_scale,
        to_int32,
        vec![scale()],
        &["int32", wide],
    );
    // A zero point that is computed has no stated type.
    let nodes = vec![
        node("Identity", "zero", &["stored"], vec![]),
        node("QuantizeLinear", "y", &["x", "scale", "zero"], vec![]),
    ];
    let constants = vec![scale(), of(data_type::INT8, "stored")];
    let computed = model(13, vec![info("x", &[1, 4])], constants, nodes, &["y"]);
    says(
        &error(&computed),
        &["node 'y'", "QuantizeLinear", "zero point", "initializer"],
    );
}

#[test]
fn operators_on_integers() {
    let qdq = "quantise in the QDQ format instead";
    for op in ["MatMulInteger", "ConvInteger", "com.microsoft::QAttention"] {
        refused(op, &["x"], vec![], vec![], &[qdq]);
    }
    refused(
        "own.domain::Layer",
        &["x"],
        vec![],
        vec![],
        &["own.domain::Layer", "custom operators"],
    );
}

/// Half precision has fewer bits than the integers that a quantised network sums.
#[test]
fn half_precision_in_a_quantised_network() {
    let constants = || {
        let half = |name: &str| TensorProto {
            data_type: data_type::FLOAT16,
            float_data: vec![],
            int32_data: vec![0x3400],
            ..floats(name, &[], &[])
        };
        vec![floats("scale", &[], &[0.25]), half("half")]
    };
    let quantise = |scale: &str| node("QuantizeLinear", "y", &["x", scale], vec![]);
    let of =
        |nodes, output: &str, input| error(&model(19, vec![input], constants(), nodes, &[output]));
    let x = || info("x", &[1, 4]);
    let cast = node(
        "Cast",
        "cast",
        &["y"],
        vec![int("to", data_type::FLOAT16.into())],
    );
    let message = of(vec![quantise("scale"), cast], "cast", x());
    says(
        &message,
        &["node 'cast'", "'to'", "float16", "export it in float32"],
    );
    let message = of(vec![quantise("half")], "y", x());
    says(&message, &["node 'y'", "scale is float16", "in float32"]);
    let mut input = x();
    of_type(&mut input, data_type::FLOAT16);
    let message = of(vec![quantise("scale")], "y", input);
    says(&message, &["input 'x'", "float16", "float32 inputs"]);
}
