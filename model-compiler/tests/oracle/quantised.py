"""Quantised networks with the results of those who define them: what `exact/oracle.rs` compiles.

    python -m venv v && v/bin/pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 qonnx==1.0.0
    v/bin/python quantised.py        writes quantised.npz beside this file

Trunc (both versions, every rounding mode, signed or not, narrow or not, with a zero point) and BipolarQuant as the qonnx
package executes them; a convolutional network as onnxruntime quantises it (QDQ, per tensor and per channel), with
onnxruntime's results. Arrays: NAME.model (bytes of the ONNX file), NAME.out and x or NAME.x (float32).
"""

import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

MODES = ["ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]
DOMAIN = "qonnx.custom_op.general"
SCALE, CHANNELS, EVENTS = 0.0625, 16, 40


def qonnx(nodes, constants, x, version=1):
    """A model of QONNX's operators on x, and its result, event by event."""
    for node in nodes:
        if node.op_type in ("Quant", "Trunc", "BipolarQuant"):
            node.domain = DOMAIN
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    constants = [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "g", [info("x", [1, x.shape[1]])], [info("y", None)], constants)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, version)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    wrapped = ModelWrapper(model).transform(InferShapes())
    out = [execute_onnx(wrapped, {"x": row[None]})["y"][0] for row in x]
    return model.SerializeToString(), np.asarray(out, np.float32)


def trunc(mode, signed, version, narrow, zero, x):
    low_bits, coarse = 4, SCALE * 16
    constants = {"s": SCALE, "z": zero, "b": 8.0, "low": low_bits, "coarse": coarse}
    quant = helper.make_node("Quant", ["x", "s", "z", "b"], ["q"], signed=signed, narrow=0, rounding_mode="ROUND")
    if version == 1:
        node = helper.make_node("Trunc", ["q", "s", "z", "b", "low"], ["y"], rounding_mode=mode)
    else:
        inputs = ["q", "s", "z", "b", "coarse", "low"]
        node = helper.make_node("Trunc", inputs, ["y"], rounding_mode=mode, signed=signed, narrow=narrow)
    return qonnx([quant, node], constants, x, version)


class Events(quantization.CalibrationDataReader):
    def __init__(self, x):
        self.rows = iter(x)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"x": row[None]}


def convolutions(rng, per_channel):
    """Convolution, pooling, depthwise and pointwise convolution, mean and a dense layer: int8 by onnxruntime."""
    constant = lambda name, *shape: numpy_helper.from_array((rng.normal(size=shape) * 0.3).astype(np.float32), name)
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"]),
        node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1], group=4),
        node("Relu", ["c2"], ["r2"]),
        node("Conv", ["r2", "w3", "b3"], ["c3"]),
        node("Relu", ["c3"], ["r3"]),
        node("GlobalAveragePool", ["r3"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "w4", "b4"], ["y"], transB=1),
    ]
    weights = [constant("w1", 4, 1, 3, 3), constant("b1", 4), constant("w2", 4, 1, 3, 3), constant("b2", 4)]
    weights += [constant("w3", 8, 4, 1, 1), constant("b3", 8), constant("w4", 2, 8), constant("b4", 2)]
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "cnn", [info("x", [1, 1, 8, 8])], [info("y", [1, 2])], weights)
    x = rng.exponential(0.5, size=(100, 1, 8, 8)).astype(np.float32)
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), place / "f.onnx")
        quantization.quantize_static(
            place / "f.onnx",
            place / "q.onnx",
            Events(x[:60]),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=per_channel,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        data = (place / "q.onnx").read_bytes()
    # Optimised, it would round biases again.
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(data, options)
    out = [session.run(None, {"x": row[None]})[0][0] for row in x]
    return data, x.reshape(len(x), -1), np.asarray(out, np.float32)


def main():
    # Every code of 8 bits, halves between them, and what saturates.
    x = (np.arange(-EVENTS * CHANNELS // 2, EVENTS * CHANNELS // 2) * SCALE / 2).reshape(EVENTS, CHANNELS).astype(np.float32)
    arrays = {"x": x}

    def add(name, model, own, out):
        arrays[f"{name}.model"], arrays[f"{name}.out"] = np.frombuffer(model, np.uint8), out
        if own is not x:
            arrays[f"{name}.x"] = own

    for mode in MODES:
        for signed in (1, 0):
            sign = "s" if signed else "u"
            model, out = trunc(mode, signed, 1, 0, 0.0, x)
            add(f"trunc1_{mode}_{sign}", model, x, out)
            for narrow in (0, 1):
                model, out = trunc(mode, signed, 2, narrow, 0.0, x)
                add(f"trunc2_{mode}_{sign}{narrow}", model, x, out)
        for version in (1, 2):
            model, out = trunc(mode, 1, version, 0, 16.0, x)
            add(f"trunc{version}_{mode}_zero", model, x, out)
    bipolar = lambda *names: helper.make_node("BipolarQuant", list(names[:2]), [names[2]])
    add("bipolar", *spread(x, qonnx([bipolar("x", "s", "y")], {"s": 0.5}, x)))
    scales = 2.0 ** (np.arange(CHANNELS) % 4 - 2)
    add("bipolar_per_channel", *spread(x, qonnx([bipolar("x", "s", "y")], {"s": scales[None]}, x)))
    rng = np.random.default_rng(4)
    quant = helper.make_node("Quant", ["x", "s", "z", "b"], ["q"], signed=1, narrow=0, rounding_mode="ROUND")
    product = helper.make_node("MatMul", ["q", "v"], ["y"])
    constants = {"s": SCALE, "z": 0.0, "b": 8.0, "w": rng.normal(size=(CHANNELS, 5)), "t": 0.25}
    add("bipolar_weights", *spread(x, qonnx([quant, bipolar("w", "t", "v"), product], constants, x)))
    for name, per_channel in (("ort_tensor", False), ("ort_channel", True)):
        model, events, out = convolutions(np.random.default_rng(3), per_channel)
        add(name, model, events, out)
    np.savez_compressed(pathlib.Path(__file__).parent / "quantised.npz", **arrays)


def spread(x, made):
    model, out = made
    return model, x, out


if __name__ == "__main__":
    main()
