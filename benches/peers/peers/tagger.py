"""The reference tagger `pfn-qg` on its test events, and on events of every multiplicity."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Callable

import numpy as np

from . import deepset, engines
from .emitted import joined
from .firmware import HERE, Core, Crate, run, template
from .program import dense_layers
from .row import Row, compiled, count

FOLDER = HERE.parent.parent / "models/pfn-qg"
TITLE = "pfn-qg"
# Events of an engine whose cost does not depend on the event.
SAMPLE = 4


class Tagger:
    """The compiled tagger, its events as detector words, and the references' answers."""

    def __init__(self, hodoscope: Path, place: Path, events: int) -> None:
        self.hodoscope, self.place = hodoscope, place
        options = ["--calibration", str(FOLDER / "calibration.npz"), "--inputs-spec", str(FOLDER / "inputs.toml")]
        self.dir = compiled(hodoscope, FOLDER / "model.onnx", place / "pfn-qg", options)
        spec = tomllib.loads((FOLDER / "inputs.toml").read_text())["input"]["x"]
        fields, self.capacity = spec["field"], spec["capacity"]
        self.fields = len(fields)
        self.floats = np.load(FOLDER / "test.npz")["x"][:events]
        lsb = np.array([field["lsb"] for field in fields])
        ends = ([field["minimum"] for field in fields], [field["maximum"] for field in fields])
        words = np.clip(np.floor(self.floats.astype(np.float64) / lsb + 0.5), *ends)
        self.words = words.astype(np.int16)
        self.live = [event[event[:, 0] > 0] for event in self.words]
        self.mean = float(np.mean([len(event) for event in self.live]))

    def event(self, constituents: np.ndarray) -> bytes:
        """The multiplicity, and all slots."""
        padding = np.zeros((self.capacity - len(constituents), self.fields), np.int16)
        return np.int16(len(constituents)).tobytes() + np.concatenate([constituents, padding]).tobytes()

    def answers(self, where: str, x: np.ndarray) -> dict[str, np.ndarray]:
        inputs, outputs = self.place / "events.npz", self.place / f"{where}.npz"
        np.savez(inputs, x=x)
        run([str(self.hodoscope), "run", str(self.dir), "--inputs", str(inputs), "--on", where, "-o", str(outputs)])
        return dict(np.load(outputs))

    def engine(self, _: Path) -> Crate:
        text = template(
            "hodoscope_set", crate="pfn_qg", field="x", capacity=self.capacity, words=self.fields, outputs=1
        )
        return Crate(text, joined(self.dir))

    def row(self, events: list[np.ndarray], floats: np.ndarray, macs: float, constants: int) -> Row:
        raws = self.answers("interpreter", floats)["logit.raw"].ravel()
        exact = [np.int32(raw).tobytes() for raw in raws]
        rows = [self.event(event) for event in events]
        return Row("hodoscope", self.engine, rows, 4, lambda got: count(got, exact, "<i4"), constants, macs)

    def every_multiplicity(self) -> Row:
        """One event for each multiplicity from 0 to the capacity, of the hardest constituents of a full one."""
        full = int(np.argmax([len(event) for event in self.live]))
        hardest = np.concatenate([self.live[full], self.live[full]])[: self.capacity]
        floats = np.zeros((self.capacity + 1, *self.floats.shape[1:]), self.floats.dtype)
        slots = self.floats[full][self.words[full][:, 0] > 0]
        slots = np.concatenate([slots, slots])[: self.capacity]
        for n in range(self.capacity + 1):
            floats[n, :n] = slots[:n]
        events = [hardest[:n] for n in range(self.capacity + 1)]
        return self.row(events, floats, 1, 0)


def near(got: list[bytes], expected: np.ndarray) -> str:
    values = np.frombuffer(b"".join(got), "<f4").reshape(expected.shape)
    largest = float(np.abs(values - expected).max())
    return f"within {largest:.1e}"


def rows(tagger: Tagger, core: Core, sources: engines.Sources) -> list[Row]:
    padded = tagger.capacity
    floats = [row.astype("<f4").tobytes() for row in tagger.floats]
    layers = dense_layers(tagger.dir / "program.txt")
    constants = sum(layer.weights.size + 4 * layer.bias.size for layer in layers)

    def macs(multiplicity: float) -> float:
        return sum(layer.weights.size * (multiplicity if layer.constituents else 1) for layer in layers)

    narrow = np.clip(tagger.words >> 4, -128, 127).astype(np.int8)

    def twin(slots: int) -> Row:
        padding = np.zeros((len(narrow), slots - padded, tagger.fields), np.int8)
        return Row(
            f"CMSIS-NN, twin padded to {slots}",
            lambda place: deepset.cmsis_nn(layers, slots, place, core, sources),
            [row.tobytes() for row in np.concatenate([narrow, padding], axis=1)],
            1,
            lambda _: "not compared",
            constants,
            macs(slots),
            SAMPLE,
        )

    def c_float(tool: Callable[..., Crate], *more: object) -> Callable[[Path], Crate]:
        return lambda place: tool(FOLDER / "model.onnx", place, core, *more, padded * tagger.fields, 1)

    expected = tagger.answers("float", tagger.floats)["logit"]
    float_row = {"events": floats, "answer": 4, "constants": constants, "macs": macs(padded), "priced": SAMPLE}
    far = lambda got: near(got, expected)
    return [
        tagger.row(tagger.live, tagger.floats, macs(tagger.mean), constants),
        twin(padded),
        twin(2 * padded),
        Row("emx-onnx-cgen 1.4.0, float", c_float(engines.emx_onnx_cgen), wrong=far, **float_row),
        Row("onnx2c, float", c_float(engines.onnx2c, sources), wrong=far, **float_row),
    ]
