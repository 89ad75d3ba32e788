"""Integer networks of dense layers, in the form that int8 engines take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tflite


@dataclass(frozen=True)
class Layer:
    """y = clamp(rescale(bias + Σ weights · (x + input_offset)) + output_offset)."""

    weights: np.ndarray  # [out, in], int8
    bias: np.ndarray  # [out], int32
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
        raw = np.round(values.astype(np.float64) / self.scale) + self.zero_point
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
                input_offset=-affine(x).zero_point,
                output_offset=affine(y).zero_point,
                multiplier=fixed,
                shift=shift,
                minimum=affine(y).zero_point if relu else -128,
            )
        )
    return DenseNetwork(layers, affine(int(graph.Inputs(0))), affine(int(graph.Outputs(0))))
