"""A line of the table: an engine on a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from .firmware import Crate, run


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
    priced: int | None = None  # events whose cycles are modelled, all of them without


def compiled(hodoscope: Path, model: Path, place: Path, options: list[str]) -> Path:
    run([str(hodoscope), "compile", str(model), "-o", str(place), "--force", *options])
    return place


def count(got: list[bytes], expected: list[bytes], kind: str) -> str:
    a, b = (np.frombuffer(b"".join(rows), kind) for rows in (got, expected))
    if a.shape != b.shape:
        return f"{a.size} answers for {b.size}"
    different = np.flatnonzero(a != b)
    if not len(different):
        return f"0 of {a.size:,d}"
    largest = int(np.abs(a.astype(np.int64) - b.astype(np.int64)).max())
    return f"{len(different):,d} of {a.size:,d}, by up to {largest}"
