"""MLPerf Tiny's anomaly detection, int8: 640-128×4-8-128×4-640, batch 1.

Two references, for two roundings of the same integers. TensorFlow Lite Micro rescales a sum in two steps that
both round; onnxruntime takes the scales as the file states them, which is one rounding.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import numpy as np
import onnxruntime
from tflite_micro import runtime

from . import engines
from .dense import DenseNetwork, read_tflite, write_qdq
from .emitted import emitted, joined
from .firmware import Core, Crate, run, template
from .row import Row, compiled, count

TITLE = "autoencoder 640-128×4-8-128×4-640"
# Frames of a window, and windows from one event to the next.
FRAMES, STEP = 5, 28


def rows(folder: Path, hodoscope: Path, core: Core, sources: engines.Sources, place: Path) -> list[Row]:
    file = folder / "ad01_int8.tflite"
    network = read_tflite(file)
    model, unquantised = place / "int8.onnx", place / "float.onnx"
    write_qdq(network, model)
    write_qdq(network, unquantised, quantised=False)
    (frames,) = folder.glob("*.bin")
    spectrum = np.fromfile(frames, "<f4").reshape(-1, 128)
    every = np.stack([spectrum[i : i + FRAMES].ravel() for i in range(len(spectrum) - FRAMES + 1)])
    windows = every[::STEP]
    raw = network.input.quantise(windows)
    twice, once = micro(file, raw), ort(model, network, windows)
    raws = [row.tobytes() for row in raw]
    floats = [row.astype("<f4").tobytes() for row in windows]
    constants = network.macs + 4 * network.biases
    inputs, outputs = engines.ends(network)

    def against(got: list[bytes]) -> str:
        return f"{count(got, twice, 'i1')} / {count(got, once, 'i1')}"

    def rounded(got: list[bytes]) -> str:
        values = np.frombuffer(b"".join(got), "<f4")
        return against([network.output.quantise(values).tobytes()])

    def row(engine: str, crate: Callable[[Path], Crate], events=raws, answer=outputs, wrong=against) -> Row:
        return Row(engine, crate, events, answer, wrong, constants, network.macs, priced=1)

    def own_integers(engine: str, place: Path, options: list[str]) -> Row:
        qdq = Compiled(hodoscope, model, place, options, windows)

        def ours(got: list[bytes]) -> str:
            raw = np.frombuffer(b"".join(got), qdq.crate.outputs.numpy)
            # The raws of the program count from the zero point where they are wider than the words.
            own = 0 if qdq.crate.outputs.kind == "i8" else network.output.zero_point
            return f"{against([(raw + own).astype(np.int8).tobytes()])}; interpreter {qdq.wrong(got)}"

        return row(engine, qdq.engine, events=[w.tobytes() for w in raw], answer=qdq.crate.outputs.bytes, wrong=ours)

    found = [
        own_integers("hodoscope, int8", place / "int8", []),
        own_integers("hodoscope, int8 rounded twice", place / "twice", ["--rescale", "double"]),
    ]
    calibration = place / "calibration.npz"
    np.savez(calibration, input=every)
    for bits in (8, 16):
        options = ["--calibration", str(calibration), "--weights", "8", "--activations", str(bits)]
        own = Compiled(hodoscope, unquantised, place / f"own{bits}", options, windows)
        found.append(
            row(
                f"hodoscope, its own 8/{bits} bits",
                own.engine,
                events=own.words(),
                answer=own.crate.outputs.bytes,
                wrong=lambda got, own=own: f"interpreter {own.wrong(got)}",
            )
        )
    return [
        *found,
        row("CMSIS-NN", lambda place: engines.cmsis_nn(network, place, core, sources)),
        row("embedded-nn 0.2.3", lambda _: engines.embedded_nn(network)),
        row("microflow 0.1.3", lambda _: engines.microflow(file, network), answer=4 * outputs, wrong=rounded),
        row(
            "emx-onnx-cgen 1.4.0, int8",
            lambda place: engines.emx_onnx_cgen(model, place, core, inputs, outputs),
            floats,
            4 * outputs,
            rounded,
        ),
        row(
            "onnx2c, int8",
            lambda place: engines.onnx2c(model, place, core, sources, inputs, outputs),
            floats,
            4 * outputs,
            rounded,
        ),
        row("(nothing)", lambda _: engines.nothing(inputs, outputs), wrong=lambda _: "–"),
    ]


def micro(file: Path, raw: np.ndarray) -> list[bytes]:
    """The integers of TensorFlow Lite Micro."""
    oracle = runtime.Interpreter.from_bytes(file.read_bytes())
    answers = []
    for row in raw:
        oracle.set_input(row[None], 0)
        oracle.invoke()
        answers.append(oracle.get_output(0)[0].tobytes())
    return answers


def ort(model: Path, network: DenseNetwork, windows: np.ndarray) -> list[bytes]:
    """The integers of onnxruntime, which computes the file's operators one by one."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options)
    answers = [session.run(None, {"input": row[None]})[0] for row in windows]
    return [network.output.quantise(answer).tobytes() for answer in answers]


class Compiled:
    """The network compiled by this engine, with the interpreter's answers."""

    def __init__(self, hodoscope: Path, model: Path, place: Path, options: list[str], windows: np.ndarray) -> None:
        self.dir = compiled(hodoscope, model, place, options)
        self.crate = emitted(self.dir)
        self.windows = windows
        inputs, answers = self.dir.parent / "events.npz", self.dir.parent / "answers.npz"
        np.savez(inputs, input=windows)
        run([str(hodoscope), "run", str(self.dir), "--inputs", str(inputs), "--on", "interpreter", "-o", str(answers)])
        raw = np.load(answers)["output.raw"].reshape(len(windows), -1)
        self.expected = [row.astype(self.crate.outputs.numpy).tobytes() for row in raw]

    def words(self) -> list[bytes]:
        """The detector words of the events, by the fields that the report states."""
        fields = json.loads((self.dir / "report.json").read_text())["inputs"][0]["fields"]
        column = lambda name: np.resize([field[name] for field in fields], self.windows.shape[1])
        words = np.floor(self.windows.astype(np.float64) / column("lsb") + 0.5)
        words = np.clip(words, column("minimum_word"), column("maximum_word"))
        return [row.astype(self.crate.event.numpy).tobytes() for row in words]

    def wrong(self, got: list[bytes]) -> str:
        return count(got, self.expected, self.crate.outputs.numpy)

    def engine(self, _: Path) -> Crate:
        event, outputs = self.crate.event, self.crate.outputs
        text = template(
            "hodoscope_dense",
            crate=self.crate.package,
            input=event.name,
            inputs=event.count,
            word=event.kind,
            output=outputs.name,
            outputs=outputs.count,
            raw=outputs.kind,
            empty=f"[0; {outputs.count}]" if outputs.array else "0",
            raws=f"answer.0.{outputs.name}" if outputs.array else f"[answer.0.{outputs.name}]",
        )
        return Crate(text, joined(self.dir))
