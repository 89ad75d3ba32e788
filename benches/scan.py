"""A scan of many events by the command, beside the board process and onnxruntime: read a file, infer, write a file.

    cargo build --release
    python3 benches/scan.py target/release/hodoscope

Takes numpy and onnxruntime. Runs are paired: one of each after the other, several times, of which the least is told. The answers of
the process and of the boards' protocol are compared. Wall is the time until the command ends, CPU what it and its children computed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MODELS = Path(__file__).resolve().parent.parent / "models"

ONNXRUNTIME = """
import sys, time
import numpy as np, onnxruntime
model, events, scores = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
x = np.load(events)[name]
started = time.perf_counter()
parts = [session.run(None, {name: x[first : first + 4096]})[0] for first in range(0, len(x), 4096)]
print((time.perf_counter() - started) * 1e9 / len(x))
np.savez(scores, score=np.concatenate(parts))
"""


def measured(command: list[str], threads: int) -> tuple[float, float, str]:
    """Seconds until the command ends, seconds that it computed, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, computed, done.stdout


def scan(hodoscope: str, model: str, events: int, repeats: int, folder: Path) -> None:
    source = MODELS / model
    compiled = folder / model
    given = [str(source / "model.onnx"), "--calibration", str(source / "calibration.npz")]
    measured([hodoscope, "compile", *given, "-o", str(compiled)], 2)
    x = np.load(source / "test.npz")["x"]
    file = folder / f"{model}.npz"
    np.savez(file, x=np.concatenate([x] * -(-events // len(x)))[:events])

    def run(on: str, scores: Path, inputs: Path = file) -> list[str]:
        return [hodoscope, "run", str(compiled), "--inputs", str(inputs), "--on", on, "-o", str(scores)]

    answers = {on: folder / f"{model}-{on}.npz" for on in ["native", "native-board"]}
    for on, scores in answers.items():
        # Builds it.
        measured(run(on, scores, source / "test.npz"), 2)
    onnx = folder / f"{model}-onnxruntime.npz"
    python = [sys.executable, "-c", ONNXRUNTIME, str(source / "model.onnx"), str(file), str(onnx)]
    runs = {
        "native, one thread": (run("native", answers["native"]), 1),
        "native, two threads": (run("native", answers["native"]), 2),
        "native-board": (run("native-board", answers["native-board"]), 1),
        "onnxruntime, float": (python, 1),
    }
    least: dict[str, tuple[float, float]] = {}
    inference = float("inf")
    for _ in range(repeats):
        for name, (command, threads) in runs.items():
            wall, computed, told = measured(command, threads)
            known = least.get(name, (wall, computed))
            least[name] = min(known[0], wall), min(known[1], computed)
            if command is python:
                inference = min(inference, float(told))
    with np.load(answers["native"]) as here, np.load(answers["native-board"]) as there:
        if any(not np.array_equal(here[name], there[name]) for name in here.files):
            sys.exit(f"{model}: the process and the board differ")
    print(f"{model}, {events:,} events, least of {repeats}: ns per event")
    print(f"  {'':22} {'wall':>8} {'CPU':>8}")
    for name, (wall, computed) in least.items():
        print(f"  {name:22} {wall * 1e9 / events:8.0f} {computed * 1e9 / events:8.0f}")
    print(f"  {'of it, inference alone':22} {inference:8.0f}")
    one, two, board = (least[name][0] for name in list(runs)[:3])
    print(f"  native-board / native {board / one:.1f}, one thread / two {one / two:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hodoscope", help="the command, built with --release")
    parser.add_argument("--models", nargs="+", default=["ae-qcd", "pfn-qg"])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for model in given.models:
            scan(given.hodoscope, model, given.events, given.repeats, Path(folder))


if __name__ == "__main__":
    main()
