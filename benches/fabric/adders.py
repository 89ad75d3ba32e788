"""Adders of constant matrices beside da4ml: the same matrices, in one run.

    pip install da4ml==0.6.0 numpy
    python benches/fabric/adders.py DIR...        # compiled models, as `hodoscope compile` makes them

da4ml is called as a package. What it returns is multiplied out first: it must be the matrix (given an array in Fortran's order it is
another one, silently). Both count one adder for each sum or difference of two wires; biases are in neither count.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy
from da4ml.cmvm import solve

ROOT = Path(__file__).resolve().parents[2]


def ours(program):
    """What the crate finds, and the matrices."""
    run = ["cargo", "run", "--quiet", "-p", "hodoscope-fabric", "--example", "adders", "--", program]
    text = subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def theirs(rows, **options):
    """Adders of da4ml for the matrix, and how many stand one behind the other."""
    kernel = numpy.ascontiguousarray(numpy.array(rows, dtype=numpy.float32).T)
    solution = solve(kernel, **options)
    if not numpy.array_equal(numpy.asarray(solution.kernel), kernel):
        sys.exit("da4ml's solution is not the matrix")
    return round(solution.cost), round(max(solution.out_latencies))


def main(directories):
    print(f"{'model':28} {'layer':24} {'fewest':>7} {'da4ml':>7}   {'shallow':>7} {'da4ml':>7}   seconds")
    for directory in directories:
        total = numpy.zeros(4, dtype=int)
        name = Path(directory).name
        for layer in ours(str(Path(directory).resolve() / "program.txt")):
            begin = time.monotonic()
            auto, minimal = theirs(layer["rows"]), theirs(layer["rows"], hard_dc=0)
            seconds = time.monotonic() - begin
            counts = [layer["fewest"], auto[0], layer["shallow"], minimal[0]]
            total += counts
            row = "{:>7} {:>7}   {:>7} {:>7}".format(*counts)
            depths = f"(deep {layer['fewest_depth']}, {auto[1]}, {layer['shallow_depth']}, {minimal[1]})"
            print(f"{name:28} {layer['layer']:24} {row}   {layer['seconds']:.1f}, {seconds:.1f} {depths}")
        row = "{:>7} {:>7}   {:>7} {:>7}".format(*total)
        print(f"{name:28} {'all':24} {row}   {total[0] / total[1]:.3f} and {total[2] / total[3]:.3f} of da4ml's")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
