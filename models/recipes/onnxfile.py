"""ONNX files: export from PyTorch, and the reference outputs of what was exported."""
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

OPSET = 13


def export(model, example, output, path):
    """Writes the network with a free batch axis, its weights inside, and nothing about where it was made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), (torch.as_tensor(example[:4]),), str(path), dynamo=False, opset_version=OPSET,
                          input_names=["x"], output_names=[output],
                          dynamic_axes={"x": {0: "batch"}, output: {0: "batch"}})
    file = onnx.load(path)
    for node in file.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(file, full_check=True)
    onnx.save(file, path)


def run(path, x):
    """Outputs by name from onnxruntime on one core, its graph optimisations off."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    parts = [session.run(names, {"x": x[i:i + 1000]}) for i in range(0, len(x), 1000)]
    return {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(names)}
