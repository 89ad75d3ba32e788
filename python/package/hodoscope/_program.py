"""Compiled models."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _native
from ._arrays import Arrays
from ._errors import CheckError, InputError, LossError, LossWarning, done, warn
from ._files import is_elsewhere
from ._options import arguments, toml


class Report(dict[str, Any]):
    """Figures of a command, with units in their keys; as text it is what the command prints."""

    def __init__(self, text: str, figures: Mapping[str, Any]) -> None:
        super().__init__(figures)
        self._text = text

    def __str__(self) -> str:
        return self._text


@dataclass(frozen=True)
class Field:
    """A detector word: value = (word − zero_point) · lsb."""

    name: str
    unit: str
    #: Value of one count, in the unit.
    lsb: float
    #: Smallest and largest word.
    minimum_word: int
    maximum_word: int
    #: The word of the value 0.
    zero_point: int
    #: What becomes of values outside of the range: ``saturate`` or ``wrap`` (an azimuth).
    overflow: str
    #: Word of an empty slot.
    empty_word: int


@dataclass(frozen=True)
class Input:
    """An input: a row of words per event, or per constituent."""

    name: str
    #: Words of a row.
    words: int
    #: Constituents that are computed, the hardest or the first of more; nothing where an event has one row.
    capacity: int | None
    #: What the words are; they repeat along the row.
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Output:
    """An output: value = raw · lsb."""

    name: str
    #: Values of an event.
    values: int
    #: Value of one count: one for all values, or one each.
    lsb: tuple[float, ...]
    #: Bits of a raw.
    bits: int


class Program:
    """A compiled model that computes events: exactly what a board computes.

    ``Program.load`` and ``compile`` make it. It computes with the interpreter, the golden model of every target; ``native``
    gives the same program computed by the emitted code, faster and with the same bits.
    """

    def __init__(self, model: _native.Model, path: Path, on: str = "interpreter", keep: Any = None) -> None:
        self._model = model
        self._on = on
        # What must live as long as the program: the directory of one that was compiled without `out`.
        self._keep = keep
        #: Where it lies.
        self.path = path
        interface = json.loads(model.interface)
        #: Inputs, in the program's order.
        self.inputs: tuple[Input, ...] = tuple(
            Input(i["name"], i["words"], i["capacity"], tuple(Field(**f) for f in i["fields"])) for i in interface["inputs"]
        )
        #: Outputs, in the program's order; the first is the score that a trigger decides on.
        self.outputs: tuple[Output, ...] = tuple(
            Output(o["name"], o["values"], tuple(o["lsb"]), o["bits"]) for o in interface["outputs"]
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Program:
        """The compiled model in a directory that ``hodoscope compile`` or ``compile`` made.

        Raises:
            InputError: When it is none, or its program does not verify.
        """
        return cls(done(_native.Model.read(os.fspath(path))), Path(path))

    @property
    def name(self) -> str:
        """Name of the program."""
        return self._model.name

    @property
    def hash(self) -> str:
        """SHA-256 of the program's text, 64 hexadecimal digits: that which libraries and boards show."""
        return self._model.sha256

    @property
    def text(self) -> str:
        """The program: exact operations on integers, as ``program.txt`` has them."""
        return self._model.text

    @property
    def on(self) -> str:
        """What computes: ``interpreter`` or ``native``."""
        return self._on

    @property
    def report(self) -> dict[str, Any]:
        """What was compiled and how, what it loses and what it needs: ``report.json``, figures with units in their keys."""
        report: dict[str, Any] = json.loads(self._model.report)
        return report

    def native(self) -> Program:
        """The same program, computed by the emitted code in this process.

        The code is built once, with ``cargo``, and kept in the cache (``HODOSCOPE_CACHE``, else ``~/.cache/hodoscope``). All
        cores compute; ``RAYON_NUM_THREADS`` says how many.

        Raises:
            ToolError: When there is no cargo, or the build failed.
            InputError: When no library can be made of the program.
        """
        done(self._model.build())
        return Program(self._model, self.path, "native", self._keep)

    def run(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Computes the outputs of events.

        Args:
            arrays: Events by input, the first axis are the events: floats are values in the units of the fields and become
                words by the written rule, integers are words already (but values where the compiler made the words itself).
                A row per event has the shape ``(events, words)``, a row per constituent ``(events, slots, words)``, with an
                array ``INPUT.count`` of filled slots where these are not told by their words; or ``(offsets, content)``
                with a content of ``(rows, words)``; or an awkward array. Arrays of other names are not looked at. A path
                reads them from a file.

        Returns:
            For each output ``NAME`` its values (float64, ``(events, values)``), and ``NAME.raw`` (int64, the same shape),
            ``NAME.scale`` and ``NAME.zero_point``: value = (raw − zero_point) · scale. The arrays are not copied.

        Raises:
            InputError: When an array is missing, of another shape, or not finite; the text is the command's.

        Warns:
            HodoscopeWarning: Of values that saturate, and of constituents that are lost or beyond the capacity.
        """
        outputs, _ = done(self._model.run(self._on, self._events(arrays)))
        return outputs

    def threshold(self, score: float) -> int:
        """The smallest raw of the first output whose value is ``score`` or more: what a board is configured with.

        Where no raw reaches it, one more than the largest.
        """
        return done(self._model.threshold(score))

    def decide(self, arrays: Arrays, *, score: float | None = None, raw: int | None = None) -> NDArray[np.bool_]:
        """The trigger's decision on each event: whether the first output's raw reaches a threshold.

        Args:
            arrays: As for ``run``.
            score: The threshold in units of the score.
            raw: The threshold in raws, as a board has it; one of the two is given.

        Returns:
            ``(events,)``, true where an event is accepted.
        """
        if (score is None) == (raw is None):
            raise TypeError("decide: give a threshold as `score` or as `raw`, one of the two")
        threshold = int(raw) if raw is not None else self.threshold(float(score))  # type: ignore[arg-type]
        # No raw lies beyond 64 bits.
        threshold = max(-(2**63), min(threshold, 2**63 - 1))
        return done(self._model.decide(self._on, self._events(arrays), threshold))

    def words(self, input: str, values: ArrayLike) -> NDArray[np.int64]:
        """Detector words of values, by the written rule: ⌊value / lsb + ½⌋, saturated or wrapped into the field's range.

        Args:
            input: Name of the input.
            values: In the units of its fields, ``(..., words)``.

        Returns:
            Of the same shape.
        """
        array = np.asarray(values, dtype=np.float64)
        words, _ = done(self._model.words(input, array.ravel().tolist()))
        return words.reshape(array.shape)

    def evaluate(
        self,
        arrays: Arrays,
        labels: ArrayLike | None = None,
        **options: Any,
    ) -> Report:
        """Judges the program against its float network: AUC, 1/ε_B, decision ordering, thresholds for rates.

        Args:
            arrays: As for ``run``. An array ``OUTPUT.float`` is the float score; without it the network computes it.
            labels: 0 for background, 1 for signal, ``(events,)``; or an array ``labels`` among the others.
            options: Those of ``hodoscope evaluate``: ``score="OUTPUT:CHANNEL"``, ``signal=LABEL``,
                ``acceptance=[0.1, 0.01]``, ``bootstrap=200``, ``seed=1``.

        Returns:
            Figures by name; as text, what the command prints.
        """
        events = self._events(arrays)
        if labels is not None:
            if events.contains("labels"):
                raise TypeError("evaluate: `labels` are given twice")
            _arrays.put(events, "labels", labels)
        text, figures, _ = done(self._model.evaluate(self._on, events, arguments(options)))
        return Report(text, json.loads(figures))

    def _events(self, arrays: Arrays) -> _native.Arrays:
        only = self.inputs[0].name if len(self.inputs) == 1 else None
        return _arrays.native(arrays, "arrays", only)

    def __reduce__(self) -> tuple[Any, ...]:
        # As another process finds it: by its directory, while that is there.
        return _loaded, (self.path, self.hash, self._on)

    def __repr__(self) -> str:
        words = ", ".join(f"{i.name}: {i.words} words" + (" each" if i.capacity else "") for i in self.inputs)
        outputs = ", ".join(o.name for o in self.outputs)
        return f"<hodoscope.Program {self.name} {self.hash[:16]} on {self._on}: {words} → {outputs}>"


def _loaded(path: Path, hash: str, on: str) -> Program:
    """A program that was pickled.

    Raises:
        InputError: When its directory is gone, or holds another program.
    """
    program = Program.load(path)
    if program.hash != hash:
        raise InputError(f"{path}: holds program {program.hash[:16]}, and {hash[:16]} was pickled")
    return program.native() if on == "native" else program


class _Scratch:
    """A directory that goes when nobody has it any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="hodoscope-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def compile(
    model: Any,
    *,
    calibration: Arrays | None = None,
    inputs: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Program:
    """Compiles a network into an integer program.

    Args:
        model: Path of an ONNX file, its bytes, or what ``onnx.load`` returns.
        calibration: Events from which formats are taken, by input, as for ``Program.run``; with an array ``labels`` the AUC is
            judged, too. A network that is quantised already needs none.
        inputs: Detector words: path of an ``inputs.toml``; what stands in one, as a dictionary; or a type for each input,
            ``{"x": "ufixed<12,10>"}``. Without it, ``inputs.toml`` beside the model, where there is one.
        out: Directory to make. Without it the program lives as long as the object.
        options: Those of ``hodoscope compile``, with underscores: ``weights=16``, ``activations=16``, ``score="mse"``,
            ``multiplicity=16``, ``board=["mps2-an386"]``, ``max_loss={"auc": "0.5%"}``, ``judge="out:regression"``,
            ``name="tagger"``, ``accept_loss=True``, ``force=True``.

    Returns:
        The program, computed by the interpreter.

    Raises:
        InputError: When the network is not supported, named by node and operator, or something given is wrong; nothing is
            written.
        LossError: When an output loses more than ``max_loss`` allows. The directory is written all the same; the exception
            has ``program`` and ``report``, and its text says what helps.
        CheckError: When a ``budget`` is not kept, likewise.

    Warns:
        LossWarning: When a loss over tolerance was accepted.
        HodoscopeWarning: Of other notes of the command.
    """
    keep = None
    if out is None:
        keep = _Scratch()
        out = keep.path / "program"
    given = arguments(options)
    with tempfile.TemporaryDirectory(prefix="hodoscope-") as scratch:
        path = _file(model, Path(scratch))
        if path.parent == Path(scratch) and "name" not in options:
            given.append("--name=model")
        given += _words(inputs, Path(scratch))
        events = None
        if isinstance(calibration, (str, os.PathLike)) and not is_elsewhere(calibration):
            given.append(f"--calibration={os.fspath(calibration)}")
        elif calibration is not None:
            events = _arrays.native(calibration, "calibration")
        given += [f"--output={os.fspath(out)}", "--", os.fspath(path)]
        text, figures, failure = done(_native.compile(given, events))
    report = Report(text, json.loads(figures))
    program = Program.load(out)
    program._keep = keep
    if failure is not None:
        kind = LossError if report["over_tolerance"] and not report["options"]["accept_loss"] else CheckError
        raise kind(failure, program, report)
    if report["over_tolerance"]:
        accepted = [line.strip() for line in text.splitlines() if line.startswith("  accepted by ")]
        warn(LossWarning("; ".join(accepted), report))
    return program


def _file(model: Any, scratch: Path) -> Path:
    """The ONNX file of a model."""
    if isinstance(model, (str, os.PathLike)):
        return Path(model)
    content = model if isinstance(model, bytes) else getattr(model, "SerializeToString", lambda: None)()
    if content is None:
        raise TypeError(
            f"a model is the path of an ONNX file, its bytes or an onnx.ModelProto, not {type(model).__name__}; "
            "torch.onnx.export writes a module's"
        )
    path = scratch / "model.onnx"
    path.write_bytes(content)
    return path


def _words(inputs: str | os.PathLike[str] | Mapping[str, Any] | None, scratch: Path) -> list[str]:
    """Options that state detector words."""
    if inputs is None:
        return []
    if isinstance(inputs, (str, os.PathLike)):
        return [f"--inputs-spec={os.fspath(inputs)}"]
    if all(isinstance(words, str) for words in inputs.values()):
        return [f"--input={name}={words}" for name, words in inputs.items()]
    path = scratch / "inputs.toml"
    path.write_text(toml(inputs), encoding="utf-8")
    return [f"--inputs-spec={path}"]
