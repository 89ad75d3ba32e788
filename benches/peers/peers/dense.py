"""Integer networks of dense layers, in the form that int8 engines take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper


@dataclass(frozen=True)
class Layer:
    """y = clamp(rescale(bias + Σ weights · (x + input_offset)) + output_offset)."""

    weights: np.ndarray  # [out, in], int8
    bias: np.ndarray  # [out], int32
    x_scale: float
    weights_scale: float
    y_scale: float
    input_offset: int
    output_offset: int
    multiplier: int  # of 2^31
    shift: int  # to the left
    minimum: int

    @property
    def outputs(self) -> int:
        return self.weights.shape[0]

    @property
    def inputs(self) -> int:
        return self.weights.shape[1]


@dataclass(frozen=True)
class Affine:
    """value = (raw − zero_point) · scale."""

    scale: float
    zero_point: int

    def quantise(self, values: np.ndarray) -> np.ndarray:
        """In single precision, as QuantizeLinear says."""
        raw = np.rint(values.astype(np.float32) / np.float32(self.scale)) + self.zero_point
        return np.clip(raw, -128, 127).astype(np.int8)


@dataclass(frozen=True)
class DenseNetwork:
    """Layers one after the other."""

    layers: list[Layer]
    input: Affine
    output: Affine

    @property
    def macs(self) -> int:
        return sum(layer.weights.size for layer in self.layers)

    @property
    def biases(self) -> int:
        return sum(layer.outputs for layer in self.layers)


def multiplier(real: float) -> tuple[int, int]:
    """`real` as multiplier · 2^(shift − 31), the multiplier in [2^30, 2^31)."""
    mantissa, shift = math.frexp(real)
    fixed = round(mantissa * 2**31)
    return (fixed // 2, shift + 1) if fixed == 2**31 else (fixed, shift)


def read_tflite(path: Path) -> DenseNetwork:
    """A chain of FULLY_CONNECTED, as the tflite file has it."""
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)

    def affine(index: int) -> Affine:
        parameters = graph.Tensors(index).Quantization()
        return Affine(float(parameters.Scale(0)), int(parameters.ZeroPoint(0)))

    def data(index: int, kind: str) -> np.ndarray:
        tensor = graph.Tensors(index)
        raw = model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(raw, kind).reshape(tensor.ShapeAsNumpy())

    layers = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        x, weights, bias = (int(i) for i in operator.InputsAsNumpy())
        y = int(operator.OutputsAsNumpy()[0])
        options = tflite.FullyConnectedOptions()
        table = operator.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        relu = options.FusedActivationFunction() == tflite.ActivationFunctionType.RELU
        scales = [affine(i).scale for i in (x, weights, y)]
        fixed, shift = multiplier(scales[0] * scales[1] / scales[2])
        layers.append(
            Layer(
                weights=data(weights, "<i1"),
                bias=data(bias, "<i4"),
                x_scale=scales[0],
                weights_scale=scales[1],
                y_scale=scales[2],
                input_offset=-affine(x).zero_point,
                output_offset=affine(y).zero_point,
                multiplier=fixed,
                shift=shift,
                minimum=affine(y).zero_point if relu else -128,
            )
        )
    return DenseNetwork(layers, affine(int(graph.Inputs(0))), affine(int(graph.Outputs(0))))


def write_qdq(network: DenseNetwork, path: Path, quantised: bool = True) -> None:
    """The network's own integers as ONNX: quantisers and Gemm. Without `quantised` the activations stay float."""
    nodes, constants = [], []

    def constant(name: str, array: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(array, name))
        return name

    def scale(name: str, value: float, zero: np.ndarray) -> list[str]:
        return [constant(f"{name}.scale", np.float32(value)), constant(f"{name}.zero", zero)]

    def around(x: str, name: str, value: float, zero: int, result: str | None = None) -> str:
        factors = scale(name, value, np.int8(zero))
        nodes.append(helper.make_node("QuantizeLinear", [x, *factors], [f"{name}.q"], f"{name}.q"))
        result = result or f"{name}.x"
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}.q", *factors], [result], f"{name}.x"))
        return result

    x = "input"
    if quantised:
        x = around(x, "words", network.input.scale, network.input.zero_point)
    for index, layer in enumerate(network.layers):
        last = index + 1 == len(network.layers)
        name = f"dense_{index}"
        for kind, data, value in (
            ("weights", layer.weights, layer.weights_scale),
            ("bias", layer.bias, float(np.float32(layer.x_scale) * np.float32(layer.weights_scale))),
        ):
            factors = scale(f"{name}.{kind}", value, data.dtype.type(0))
            stored = constant(f"{name}.{kind}.q", data)
            nodes.append(helper.make_node("DequantizeLinear", [stored, *factors], [f"{name}.{kind}"]))
        rectified = layer.minimum != -128 or not last and layer.output_offset == -128
        result = name if rectified or quantised or not last else "output"
        nodes.append(helper.make_node("Gemm", [x, f"{name}.weights", f"{name}.bias"], [result], name, transB=1))
        x = result
        if rectified:
            nodes.append(helper.make_node("Relu", [x], [f"{name}.relu"], f"{name}.relu"))
            x = f"{name}.relu"
        if quantised:
            x = around(x, f"{name}.y", layer.y_scale, layer.output_offset, "output" if last else None)

    def ends(name: str, count: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count])

    inputs, outputs = network.layers[0].inputs, network.layers[-1].outputs
    graph = helper.make_graph(nodes, "autoencoder", [ends("input", inputs)], [ends("output", outputs)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
