"""One function per engine: the crate that answers a network's events with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from .dense import DenseNetwork
from .firmware import HERE, Core, Crate, Missing, c_library, output, run, template, write

FAST = ("-Ofast",)


@dataclass(frozen=True)
class Sources:
    """Source trees and tools that the user names: they are in no registry."""

    cmsis_nn: Path | None
    onnx2c: Path | None


def nothing(inputs: int, outputs: int) -> Crate:
    return Crate(template("nothing", inputs=inputs, outputs=outputs))


def microflow(file: Path, network: DenseNetwork) -> Crate:
    inputs, outputs = ends(network)
    return Crate(
        template("microflow", inputs=inputs, outputs=outputs, tflite=file.resolve()),
        'microflow = "=0.1.3"\nnalgebra = { version = "0.32", default-features = false }\n'
        'simba = { version = "0.8", default-features = false }\nlibm = "0.2"',
    )


def embedded_nn(network: DenseNetwork) -> Crate:
    inputs, outputs = ends(network)
    return Crate(
        template("embedded_nn", inputs=inputs, outputs=outputs),
        'embedded-nn = { version = "=0.2.3", features = ["simd"] }',
        {"network.rs": rust_network(network)},
    )


def cmsis_nn(network: DenseNetwork, place: Path, core: Core, sources: Sources) -> Crate:
    """arm_fully_connected_s8 of each layer, built as its own makefiles do: -Ofast."""
    root = sources.cmsis_nn
    if root is None:
        raise Missing("its source tree is not named: --cmsis-nn PATH")
    glue = place / "engine.c"
    write(glue, c_network(network) + CMSIS_GLUE)
    kernels = [
        *root.glob("Source/FullyConnectedFunctions/*_s8.c"),
        *root.glob("Source/NNSupportFunctions/arm_nn_vec_mat_mult_t_s8.c"),
        *root.glob("Source/NNSupportFunctions/arm_nn_vec_mat_mul_core*s8.c"),
        *root.glob("Source/NNSupportFunctions/arm_nn_vec_mat_mult_t_per_ch_s8.c"),
    ]
    library = c_library(place / "c", core, [glue, *kernels], [root / "Include"], FAST)
    inputs, outputs = ends(network)
    return Crate(template("c", inputs=inputs, outputs=outputs), library=library)


def emx_onnx_cgen(model: Path, place: Path, core: Core, inputs: int, outputs: int) -> Crate:
    """Its C for a float interface and a batch of 1, temporaries on the stack, weights as constants."""
    source = place / "network.c"
    place.mkdir(parents=True, exist_ok=True)
    tool = Path(sys.executable).with_name("emx-onnx-cgen")
    command = [str(tool), "compile", "--model-name", "network", "--large-temp-threshold", "0"]
    command += ["--large-weight-threshold", "0"]
    if is_dynamic(model):
        command += ["--input-dim", "batch=1"]
    run([*command, str(model.resolve()), str(source)])
    glue = place / "engine.c"
    write(
        glue,
        """#include <stdint.h>
void network(const void *, void *);
void engine_infer(const uint8_t *input, uint8_t *output) { network(input, output); }
""",
    )
    library = c_library(place / "c", core, [source, glue], [], FAST)
    return Crate(template("c", inputs=4 * inputs, outputs=4 * outputs), library=library)


def is_dynamic(model: Path) -> bool:
    """Whether the model's batch has a name."""
    shape = onnx.load(model).graph.input[0].type.tensor_type.shape
    return bool(shape.dim[0].dim_param)


def onnx2c(model: Path, place: Path, core: Core, sources: Sources, inputs: int, outputs: int) -> Crate:
    """Its C for a float interface."""
    if sources.onnx2c is None:
        raise Missing("neither its program nor its source tree is named: --onnx2c PATH")
    place.mkdir(parents=True, exist_ok=True)
    tool = onnx2c_program(sources.onnx2c, place.parent / "onnx2c-build")
    source = place / "network.c"
    glue = f"""
void engine_infer(const unsigned char *input, unsigned char *output) {{
    entry((const void *)input, (void *)output);
}}
"""
    write(source, output([str(tool), str(model.resolve())]) + glue)
    library = c_library(place / "c", core, [source], [], FAST)
    return Crate(template("c", inputs=4 * inputs, outputs=4 * outputs), library=library)


def onnx2c_program(path: Path, place: Path) -> Path:
    """The program that `path` is or holds, else built from the source tree in `place`, with its own CMake file."""
    for program in (path, path / "onnx2c", path / "build/onnx2c"):
        if program.is_file():
            return program
    if not (path / "CMakeLists.txt").is_file():
        raise Missing(f"{path} is neither the program onnx2c nor its source tree")
    run(["cmake", "-S", str(path), "-B", str(place), "-DCMAKE_BUILD_TYPE=Release"])
    run(["cmake", "--build", str(place), "--target", "onnx2c", "--parallel", "2"])
    return place / "onnx2c"


def ends(network: DenseNetwork) -> tuple[int, int]:
    return network.layers[0].inputs, network.layers[-1].outputs


def numbers(array: np.ndarray) -> str:
    return ",".join(str(number) for number in array.ravel())


def rust_network(network: DenseNetwork) -> str:
    widest = max(max(layer.weights.shape) for layer in network.layers)
    text = f"""//! The network, as the tflite file has it.

/// Widest row.
pub const WIDEST: usize = {widest};

/// A dense layer.
pub struct Layer {{
    pub inputs: usize,
    pub outputs: usize,
    pub weights: &'static [i8],
    pub bias: &'static [i32],
    pub input_offset: i32,
    pub output_offset: i32,
    pub multiplier: i32,
    pub shift: i32,
    pub minimum: i32,
}}

/// All layers.
pub static LAYERS: [Layer; {len(network.layers)}] = [
"""
    for layer in network.layers:
        text += f"""Layer {{ inputs: {layer.inputs}, outputs: {layer.outputs},
    weights: &[{numbers(layer.weights)}],
    bias: &[{numbers(layer.bias)}],
    input_offset: {layer.input_offset}, output_offset: {layer.output_offset},
    multiplier: {layer.multiplier}, shift: {layer.shift}, minimum: {layer.minimum} }},
"""
    return text + "];\n"


def c_network(network: DenseNetwork) -> str:
    text = """#include <stdint.h>
#include "arm_nnfunctions.h"
struct layer { int32_t inputs, outputs, input_offset, output_offset, multiplier, shift, minimum;
               const int8_t *weights; const int32_t *bias; };
"""
    rows = []
    for index, layer in enumerate(network.layers):
        text += f"static const int8_t w{index}[] = {{{numbers(layer.weights)}}};\n"
        text += f"static const int32_t b{index}[] = {{{numbers(layer.bias)}}};\n"
        rows.append(
            f"{{{layer.inputs},{layer.outputs},{layer.input_offset},{layer.output_offset},"
            f"{layer.multiplier},{layer.shift},{layer.minimum},w{index},b{index}}}"
        )
    widest = max(layer.outputs for layer in network.layers[:-1])
    return text + f"static const struct layer layers[] = {{{','.join(rows)}}};\nenum {{ WIDEST = {widest} }};\n"


CMSIS_GLUE = """
void engine_infer(const uint8_t *input, uint8_t *output) {
    static int8_t rows[2][WIDEST];
    const int count = sizeof layers / sizeof *layers;
    const int8_t *x = (const int8_t *)input;
    for (int i = 0; i < count; i++) {
        const struct layer *l = &layers[i];
        int8_t *y = i + 1 == count ? (int8_t *)output : rows[i & 1];
        cmsis_nn_context context = {0, 0};
        cmsis_nn_fc_params parameters = {l->input_offset, 0, l->output_offset, {l->minimum, 127}};
        cmsis_nn_per_tensor_quant_params scale = {l->multiplier, l->shift};
        cmsis_nn_dims in = {1, 1, 1, l->inputs}, filter = {l->inputs, 1, 1, l->outputs};
        cmsis_nn_dims bias = {1, 1, 1, l->outputs}, out = {1, 1, 1, l->outputs};
        arm_fully_connected_s8(&context, &parameters, &scale, &in, x, &filter, l->weights, &bias,
                               l->bias, &out, y);
        x = y;
    }
}
"""
