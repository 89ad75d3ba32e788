"""The two networks: their events, their reference answers, and the engines that can run them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
from tflite_micro import runtime

from . import deepset, engines
from .dense import DenseNetwork, read_tflite
from .firmware import HERE, Core, Crate, run, template
from .program import dense_layers

ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Row:
    """An engine on a network."""

    engine: str
    crate: Callable[[Path], Crate]
    events: list[bytes]
    answer: int  # bytes
    wrong: Callable[[list[bytes]], str]  # what differs from the reference
    constants: int  # bytes of weights (1 each) and biases (4 each)
    macs: float  # per event, as the network states it


def compiled(hodoscope: Path, model: Path, place: Path, options: list[str]) -> Path:
    run([str(hodoscope), "compile", str(model), "-o", str(place), "--force", *options])
    return place


def joined(dir: Path) -> str:
    """Dependencies on an emitted crate and its kernels."""
    package = tomllib.loads((dir / "crate/Cargo.toml").read_text())["package"]["name"]
    return (
        f'{package} = {{ path = "{dir / "crate"}" }}\n'
        f'\n[patch.crates-io]\nhodoscope-kernels = {{ path = "{dir / "kernels"}" }}'
    )


def count(got: list[bytes], expected: list[bytes], kind: str) -> str:
    a, b = (np.frombuffer(b"".join(rows), kind) for rows in (got, expected))
    different = int((a != b).sum())
    return f"{different} of {a.size}"


def near(got: list[bytes], expected: np.ndarray) -> str:
    values = np.frombuffer(b"".join(got), "<f4").reshape(expected.shape)
    largest = float(np.abs(values - expected).max())
    return f"within {largest:.1e}"


def autoencoder(folder: Path, hodoscope: Path, core: Core, sources: engines.Sources, place: Path) -> list[Row]:
    """MLPerf Tiny's anomaly detection, int8: 640-128×4-8-128×4-640, batch 1."""
    file, model = folder / "ad01_int8.tflite", folder / "deep_autoencoder.onnx"
    network = read_tflite(file)
    (frames,) = folder.glob("*.bin")
    spectrum = np.fromfile(frames, "<f4").reshape(-1, 128)
    windows = np.stack([spectrum[i : i + 5].ravel() for i in range(0, len(spectrum) - 4, 28)])
    raw = network.input.quantise(windows)
    oracle = runtime.Interpreter.from_bytes(file.read_bytes())
    expected = []
    for row in raw:
        oracle.set_input(row[None], 0)
        oracle.invoke()
        expected.append(oracle.get_output(0)[0].tobytes())
    raws = [row.tobytes() for row in raw]
    floats = [row.astype("<f4").tobytes() for row in windows]
    constants = network.macs + 4 * network.biases
    inputs, outputs = engines.ends(network)

    def exact(got: list[bytes]) -> str:
        return count(got, expected, "i1")

    def rounded(got: list[bytes]) -> str:
        values = np.frombuffer(b"".join(got), "<f4")
        return exact([network.output.quantise(values).tobytes()])

    def ours(place: Path) -> Crate:
        dir = compiled(hodoscope, model, place / "model", [])
        return Crate(
            template(
                "hodoscope_dense",
                crate="deep_autoencoder",
                input="input_1",
                output="identity",
                inputs=inputs,
                outputs=outputs,
            ),
            joined(dir),
        )

    def row(engine: str, crate: Callable[[Path], Crate], events=raws, answer=outputs, wrong=exact) -> Row:
        return Row(engine, crate, events, answer, wrong, constants, network.macs)

    return [
        row("hodoscope", ours),
        row("CMSIS-NN", lambda place: engines.cmsis_nn(network, place, core, sources)),
        row("embedded-nn 0.2.3", lambda _: engines.embedded_nn(network)),
        row("microflow 0.1.3", lambda _: engines.microflow(file, network), answer=4 * outputs, wrong=rounded),
        row(
            "emx-onnx-cgen 1.4.0, QDQ",
            lambda place: engines.emx_onnx_cgen(model, place, core, inputs, outputs),
            floats,
            4 * outputs,
            rounded,
        ),
        row(
            "onnx2c, QDQ",
            lambda place: engines.onnx2c(model, place, core, sources, inputs, outputs),
            floats,
            4 * outputs,
            rounded,
        ),
        row("(nothing)", lambda _: engines.nothing(inputs, outputs), wrong=lambda _: "–"),
    ]


def deep_set(hodoscope: Path, core: Core, sources: engines.Sources, place: Path, events: int) -> list[Row]:
    """The reference tagger `pfn-qg` on its test events."""
    folder = ROOT / "models/pfn-qg"
    dir = compiled(
        hodoscope,
        folder / "model.onnx",
        place / "pfn-qg",
        ["--calibration", str(folder / "calibration.npz"), "--inputs-spec", str(folder / "inputs.toml")],
    )
    spec = tomllib.loads((folder / "inputs.toml").read_text())["input"]["x"]
    fields, padded = spec["field"], spec["capacity"]
    test = dict(np.load(folder / "test.npz"))
    x = test["x"][:events].astype(np.float64)
    lsb = np.array([field["lsb"] for field in fields])
    ends = ([field["minimum"] for field in fields], [field["maximum"] for field in fields])
    words = np.clip(np.floor(x / lsb + 0.5), *ends).astype(np.int16)
    live = words[:, :, 0] > 0
    chosen = [event[mask] for event, mask in zip(words, live)]
    rows = []
    for event in chosen:
        padding = np.zeros((padded - len(event), len(fields)), np.int16)
        rows.append(np.int16(len(event)).tobytes() + np.concatenate([event, padding]).tobytes())

    # The references: the interpreter for integers, the float graph for floats.
    answers = {}
    for where in ("interpreter", "float"):
        file = place / f"{where}.npz"
        inputs = place / "events.npz"
        np.savez(inputs, x=test["x"][:events])
        run([str(hodoscope), "run", str(dir), "--inputs", str(inputs), "--on", where, "-o", str(file)])
        answers[where] = dict(np.load(file))
    exact = [np.int32(raw).tobytes() for raw in answers["interpreter"]["logit.raw"].ravel()]
    floats = [row.astype("<f4").tobytes() for row in x]
    layers = dense_layers(dir / "program.txt")
    mean = float(np.mean([len(event) for event in chosen]))
    constants = sum(layer.weights.size + 4 * layer.bias.size for layer in layers)

    def macs(multiplicity: float) -> float:
        return sum(layer.weights.size * (multiplicity if layer.constituents else 1) for layer in layers)

    twin = np.clip(words >> 4, -128, 127).astype(np.int8)
    print(f"pfn-qg: {len(rows)} events, padded to {padded}, mean multiplicity {mean:.2f}")

    def ours(_: Path) -> Crate:
        template_ = template(
            "hodoscope_set", crate="pfn_qg", field="x", capacity=padded, words=len(fields), outputs=1
        )
        return Crate(template_, joined(dir))

    def c_float(tool: Callable[..., Crate], *more: object) -> Callable[[Path], Crate]:
        return lambda place: tool(folder / "model.onnx", place, core, *more, padded * len(fields), 1)

    float_row = {"events": floats, "answer": 4, "constants": constants, "macs": macs(padded)}
    far = lambda got: near(got, answers["float"]["logit"])
    return [
        Row("hodoscope", ours, rows, 4, lambda got: count(got, exact, "<i4"), constants, macs(mean)),
        Row(
            f"CMSIS-NN, twin padded to {padded}",
            lambda place: deepset.cmsis_nn(layers, padded, place, core, sources),
            [row.tobytes() for row in twin],
            1,
            lambda _: "not compared",
            constants,
            macs(padded),
        ),
        Row("emx-onnx-cgen 1.4.0, float", c_float(engines.emx_onnx_cgen), wrong=far, **float_row),
        Row("onnx2c, float", c_float(engines.onnx2c, sources), wrong=far, **float_row),
    ]
