"""Runs a bench firmware in the emulator and reads what the plugin counted."""

from __future__ import annotations

import struct
import subprocess
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


def measure(elf: Path, core: Core, plugin: Path, events: list[bytes], answer: int) -> Measured:
    image = Image.read(elf)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "input.bin").write_bytes(b"".join(events))
        command = [f"qemu-system-arm", "-machine", core.machine, "-display", "none", "-monitor", "none"]
        command += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
        command += ["-plugin", f"{plugin},{image.window()},out={place / 'counts.bin'}", "-kernel", str(elf)]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(f"the engine gave up (exit {done.returncode}): {done.stderr[-500:]}")
        answers = (place / "output.bin").read_bytes()
        counts = np.frombuffer((place / "counts.bin").read_bytes(), "<u8").astype(np.int64)
        (stack,) = struct.unpack("<I", (place / "stack.bin").read_bytes())
    if len(counts) != 2 * len(events) or len(answers) != answer * len(events):
        raise RuntimeError(f"{len(counts)} windows and {len(answers)} bytes for {len(events)} events")
    three, one = counts.reshape(-1, 2).T
    return Measured(
        instructions=(three - one) / 2,
        cycles=None,
        answers=[answers[i : i + answer] for i in range(0, len(answers), answer)],
        image=image,
        stack=stack,
    )
