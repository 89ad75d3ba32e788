"""Reads the dense layers of a program's text form, enough for a twin in another engine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Dense:
    """A dense layer of a program, with the median shift of the rescale that follows it."""

    weights: np.ndarray  # [out, in]
    bias: np.ndarray  # [out]
    shift: int
    constituents: bool
    relu: bool


def dense_layers(text: Path) -> list[Dense]:
    constants: dict[str, np.ndarray] = {}
    values: dict[str, str] = {}
    name, rows = None, []
    for line in text.read_text().splitlines():
        if line.startswith(" ") and name is not None:
            rows.extend(int(word) for word in line.split())
            continue
        if name is not None:
            constants[name] = np.array(rows).reshape(shape)
            name, rows = None, []
        if found := re.match(r"constant (\S+) \S+ \[(.*)\]", line):
            name, shape = found[1], [int(word) for word in found[2].split(",")]
        elif found := re.match(r"value (\S+) (.*)", line):
            values[found[1]] = found[2]

    def readers(of: str) -> list[tuple[str, str]]:
        return [(name, text) for name, text in values.items() if f" {of} " in f"{text} ".split("=", 1)[1]]

    layers = []
    for name, text in values.items():
        if not (found := re.search(r"= dense (\S+) weights (\S+) bias (\S+)", text)):
            continue
        shift, relu = 0, False
        for after, rescale in readers(name):
            if shifts := re.search(r"= rescale .* shift ([\d ]+) rnd", rescale):
                shift = int(np.median([int(word) for word in shifts[1].split()]))
                relu = any("= relu" in text for _, text in readers(after))
        constituents = text.startswith("[constituents")
        layers.append(Dense(constants[found[2]], constants[found[3]], shift, constituents, relu))
    return layers
