"""What the tests share: the command, and reference models that are compiled once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import hodoscope

ROOT = Path(__file__).parents[2]


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the command that belongs to this checkout: `HODOSCOPE`, else what `cargo build` made."""
    program = os.environ.get("HODOSCOPE") or ROOT / "target/debug/hodoscope"
    if not Path(program).is_file():
        pytest.fail(f"{program} is not there: `cargo build` makes it, or HODOSCOPE names another")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def pfn(tmp_path_factory: pytest.TempPathFactory) -> hodoscope.Program:
    """A tagger of constituents."""
    model = ROOT / "models/pfn-qg"
    out = tmp_path_factory.mktemp("pfn") / "pfn-qg"
    return hodoscope.compile(model / "model.onnx", calibration=model / "calibration.npz", out=out)


@pytest.fixture(scope="session")
def jets() -> dict[str, np.ndarray]:
    """Its events."""
    return dict(np.load(ROOT / "models/pfn-qg/test.npz"))


def network(features: int = 4, hidden: int = 8, seed: int = 1) -> onnx.ModelProto:
    """A classifier of a row: x of `(events, features)`, score of `(events, 1)`."""
    rng = np.random.default_rng(seed)

    def constant(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(0, 0.5, shape).astype(np.float32), name)

    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w2", "b2"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["score"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["events", features])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["events", 1])],
        [constant("w1", features, hidden), constant("b1", hidden), constant("w2", hidden, 1), constant("b2", 1)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def rows(events: int, features: int = 4, seed: int = 2) -> np.ndarray:
    """Its events, some of them signal."""
    return np.random.default_rng(seed).normal(0, 1, (events, features)).astype(np.float32)
