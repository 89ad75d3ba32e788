"""Scores jets with a model's shared library, through ctypes and numpy: score.py PACKAGE/share/hodoscope/pfn-qg.json"""

import ctypes as c
import json
import pathlib
import sys

import numpy as np


class Array(c.Structure):
    _fields_ = [
        ("data", c.c_void_p), ("event_stride", c.c_int64), ("row_stride", c.c_int64), ("word_stride", c.c_int64),
        ("element", c.c_int32), ("reserved", c.c_int32),
    ]


class Batch(c.Structure):
    _fields_ = [
        ("size", c.c_uint64), ("events", c.c_uint64), ("arrays", c.POINTER(Array)), ("offsets", c.c_void_p),
        ("counts", c.c_void_p), ("rows", c.c_uint64), ("raws", c.c_void_p), ("raw_stride", c.c_int64),
        ("scores", c.c_void_p), ("score_stride", c.c_int64), ("saturated", c.c_uint64), ("done", c.c_uint64),
    ]


class Table(c.Structure):
    _fields_ = [
        ("abi", c.c_uint32), ("size", c.c_uint32), ("program_hash", c.c_char_p), ("model", c.c_char_p),
        ("compiler", c.c_char_p), ("inputs", c.c_uint64), ("outputs", c.c_uint64), ("raws", c.c_uint64),
        ("capacity", c.c_uint64), ("input", c.c_void_p), ("output", c.c_void_p), ("words", c.c_void_p),
        ("words_from_floats", c.c_void_p), ("infer", c.c_void_p),
        ("infer_batch", c.CFUNCTYPE(c.c_int32, c.POINTER(Batch))),
        ("scores", c.c_void_p), ("threshold", c.c_void_p), ("accepts", c.c_void_p),
        ("message", c.CFUNCTYPE(c.c_char_p, c.c_int32)),
    ]


ELEMENTS = {"int8": 1, "int16": 2, "int32": 3, "int64": 4, "float32": 5, "float64": 6}


class Model:
    """A model's library: integers are detector words, floats are values."""

    def __init__(self, description):
        self.about = json.loads(pathlib.Path(description).read_text())
        library = pathlib.Path(description).parents[2] / "lib" / self.about["shared_library"]
        self._library = c.CDLL(str(library), mode=c.RTLD_GLOBAL)
        function = getattr(self._library, self.about["symbol"])
        function.restype = c.POINTER(Table)
        self.table = function().contents
        if self.table.abi != 1 or self.table.program_hash.decode() != self.about["program_sha256"]:
            raise RuntimeError(f"{library} is not what {description} says")

    def run(self, *inputs, offsets=None):
        """Raws and scores, each (events, raws). Of each input an array (events, words); of a set either (events, slots,
        words), or (constituents, words) with offsets. Whatever strides they have, nothing is copied."""
        arrays = (Array * len(inputs))()
        slots, events = 0, None
        for array, x, facts in zip(arrays, inputs, self.about["inputs"], strict=True):
            flat = facts["per_constituent"] and offsets is not None
            if facts["per_constituent"] and not flat:
                slots = x.shape[1]
            if not flat:
                events = len(x)
            if x.shape[-1] != facts["words"]:
                raise ValueError(f"{facts['name']} has {x.shape[-1]} words, not {facts['words']}")
            array.data, array.element = x.ctypes.data, ELEMENTS[x.dtype.name]
            array.event_stride, array.word_stride = x.strides[0], x.strides[-1]
            array.row_stride = x.strides[-2] if x.ndim > 1 else 0
        if offsets is not None:
            offsets = np.ascontiguousarray(offsets, np.int64)
            events = len(offsets) - 1
        raws = np.empty((events, self.table.raws), np.int64)
        scores = np.empty((events, self.table.raws))
        batch = Batch(size=c.sizeof(Batch), events=events, arrays=arrays, rows=slots)
        batch.offsets = None if offsets is None else offsets.ctypes.data
        batch.raws, batch.scores = raws.ctypes.data, scores.ctypes.data
        status = self.table.infer_batch(c.byref(batch))
        if status:
            raise ValueError(f"event {batch.done}: {self.table.message(status).decode()}")
        return raws, scores


if __name__ == "__main__":
    model = Model(sys.argv[1])
    # Two jets of three and one constituents: pT in GeV, and the distances to the jet's axis.
    jets = np.array([[120.0, 0.01, -0.02], [35.5, -0.10, 0.07], [4.25, 0.21, 0.15], [80.0, 0.0, 0.0]])
    raws, scores = model.run(jets, offsets=[0, 3, 4])
    for raw, score in zip(raws[:, 0], scores[:, 0]):
        print(f"raw {raw}, score {score:.6f}")
