"""A deep set in CMSIS-NN: its layers over the padded length, the sum, and the layers behind it.

A twin of the program, not the program: int8 input, one shift per layer. It costs CMSIS-NN less than
the exact network would, and its answers are compared with nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .engines import FAST, Sources, numbers
from .firmware import Core, Crate, Missing, c_library, template, write
from .program import Dense


def cmsis_nn(layers: list[Dense], padded: int, place: Path, core: Core, sources: Sources) -> Crate:
    root = sources.cmsis_nn
    if root is None:
        raise Missing("its source tree is not named: --cmsis-nn PATH")
    glue = place / "engine.c"
    write(glue, source(layers, padded))
    kernels = [
        *root.glob("Source/FullyConnectedFunctions/*_s8.c"),
        *root.glob("Source/NNSupportFunctions/arm_nn_vec_mat_mult_t_s8.c"),
        *root.glob("Source/NNSupportFunctions/arm_nn_vec_mat_mult_t_per_ch_s8.c"),
    ]
    library = c_library(place / "c", core, [glue, *kernels], [root / "Include"], FAST)
    inputs = layers[0].weights.shape[1]
    return Crate(template("c", inputs=padded * inputs, outputs=layers[-1].weights.shape[0]), library=library)


def source(layers: list[Dense], padded: int) -> str:
    text = '#include <stdint.h>\n#include <string.h>\n#include "arm_nnfunctions.h"\n'
    for index, layer in enumerate(layers):
        weights = np.clip(layer.weights, -128, 127)
        text += f"static const int8_t w{index}[] = {{{numbers(weights)}}};\n"
        text += f"static const int32_t b{index}[] = {{{numbers(layer.bias)}}};\n"
    text += f"""
static void dense(const int8_t *x, int rows, int inputs, int outputs, const int8_t *w, const int32_t *b,
                  int shift, int minimum, int8_t *y) {{
    cmsis_nn_context context = {{0, 0}};
    cmsis_nn_fc_params parameters = {{0, 0, 0, {{minimum, 127}}}};
    cmsis_nn_per_tensor_quant_params scale = {{1 << 30, 1 - shift}};
    cmsis_nn_dims in = {{rows, 1, 1, inputs}}, filter = {{inputs, 1, 1, outputs}};
    cmsis_nn_dims bias = {{1, 1, 1, outputs}}, out = {{rows, 1, 1, outputs}};
    arm_fully_connected_s8(&context, &parameters, &scale, &in, x, &filter, w, &bias, b, &out, y);
}}

void engine_infer(const uint8_t *input, uint8_t *output) {{
    static int8_t rows[2][{padded} * {max(layer.weights.shape[0] for layer in layers)}];
    const int8_t *x = (const int8_t *)input;
"""
    phi = [layer for layer in layers if layer.constituents]
    for index, layer in enumerate(layers):
        outputs, inputs = layer.weights.shape
        if index == len(phi):
            text += f"""    static int8_t pooled[{inputs}];
    for (int c = 0; c < {inputs}; c++) {{
        int32_t sum = 0;
        for (int i = 0; i < {padded}; i++) sum += x[i * {inputs} + c];
        sum = (sum + 1) >> 1;
        pooled[c] = sum > 127 ? 127 : sum;
    }}
    x = pooled;
"""
        last = index + 1 == len(layers)
        target = "(int8_t *)output" if last else f"rows[{index % 2}]"
        text += f"""    dense(x, {padded if layer.constituents else 1}, {inputs}, {outputs}, w{index}, b{index},
          {layer.shift}, {0 if layer.relu else -128}, {target});
    x = {target};
"""
    return text + "}\n"
