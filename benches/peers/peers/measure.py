"""Runs a bench firmware in the emulator and reads what the plugin counted."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .elf import Image
from .firmware import Core

LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Measured:
    """What one engine needs for one network."""

    instructions: np.ndarray  # per event
    cycles: np.ndarray | None  # modelled, per event
    answers: list[bytes]
    image: Image
    stack: int


@dataclass(frozen=True)
class Tools:
    """What counts, and what prices."""

    plugin: Path
    price: Path


def measure(elf: Path, core: Core, tools: Tools, events: list[bytes], answer: int, priced: int | None) -> Measured:
    """Counts all events, and models the cycles of the first `priced`, of all without a number."""
    image = Image.read(elf)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        counts = windows(run(elf, core, tools, events, place, ""))
        answers = (place / "output.bin").read_bytes()
        (stack,) = struct.unpack("<I", (place / "stack.bin").read_bytes())
    if len(counts) != len(events) or len(answers) != answer * len(events):
        raise RuntimeError(f"{len(counts)} windows and {len(answers)} bytes for {len(events)} events")
    return Measured(
        instructions=counts,
        cycles=cycles(elf, core, tools, events[:priced], counts[:priced]),
        answers=[answers[i : i + answer] for i in range(0, len(answers), answer)],
        image=image,
        stack=stack,
    )


def cycles(elf: Path, core: Core, tools: Tools, events: list[bytes], counts: np.ndarray) -> np.ndarray | None:
    """Modelled cycles of each event; none where the table has no figure for an instruction, as for floats."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        run(elf, core, tools, events, place, f",paths={place / 'paths.bin'}")
        command = [str(tools.price), str(elf), str(place / "paths.bin"), core.cost]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{elf.parent.name}: no cycles: {done.stderr.strip()}", file=sys.stderr)
        return None
    lines = np.array([[int(word) for word in line.split()] for line in done.stdout.splitlines()])
    if not np.array_equal(windows(lines[:, 0]), counts):
        raise RuntimeError("what was priced is not what was counted")
    return windows(lines[:, 1])


def windows(counts: np.ndarray) -> np.ndarray:
    """One inference of each event: half of the difference of a window of three and a window of one."""
    three, one = counts.reshape(-1, 2).T
    return (three - one) / 2


def run(elf: Path, core: Core, tools: Tools, events: list[bytes], place: Path, more: str) -> np.ndarray:
    """Lets the firmware answer all events; instructions of every window."""
    window = Image.read(elf).window()
    (place / "input.bin").write_bytes(b"".join(events))
    command = [*core.emulator, "-display", "none", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", "enable=on,target=native"]
    command += ["-plugin", f"{tools.plugin},{window},out={place / 'counts.bin'}{more}", "-kernel", str(elf)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    if done.returncode != 0:
        raise RuntimeError(f"the engine gave up (exit {done.returncode}): {done.stderr[-500:]}")
    return np.frombuffer((place / "counts.bin").read_bytes(), "<u8").astype(np.int64)
