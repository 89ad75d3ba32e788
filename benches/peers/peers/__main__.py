"""Measures all engines and prints a table: mismatches first, then what they cost."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import workloads
from .engines import Sources
from .firmware import CORES, Missing, build
from .measure import Measured, measure

HEADINGS = [
    "engine",
    "answers that differ",
    "instructions",
    "per MAC",
    "modelled cycles",
    "per MAC",
    "code + constants, B",
    "beyond weights, B",
    "RAM, B",
    "stack, B",
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    parser.add_argument("--hodoscope", type=Path, required=True, help="the command, built")
    parser.add_argument("--plugin", type=Path, required=True, help="the timing plugin, built")
    parser.add_argument("--place", type=Path, required=True, help="where generated crates and results go")
    parser.add_argument("--core", choices=CORES, default="cortex-m4")
    parser.add_argument("--mlperf", type=Path, help="folder with ad01_int8.tflite, deep_autoencoder.onnx and frames")
    parser.add_argument("--cmsis-nn", type=Path, help="source tree of CMSIS-NN")
    parser.add_argument("--onnx2c", type=Path, help="the program onnx2c")
    parser.add_argument("--events", type=int, default=100, help="events of the deep set")
    arguments = parser.parse_args()
    core = CORES[arguments.core]
    sources = Sources(arguments.cmsis_nn, arguments.onnx2c)
    place = arguments.place / core.name
    place.mkdir(parents=True, exist_ok=True)

    networks = {}
    if arguments.mlperf is None:
        print("the autoencoder is left out: its files are not named, --mlperf FOLDER")
    else:
        networks["autoencoder 640-128×4-8-128×4-640, int8"] = workloads.autoencoder(
            arguments.mlperf, arguments.hodoscope, core, sources, place / "autoencoder"
        )
    networks["pfn-qg"] = workloads.deep_set(
        arguments.hodoscope, core, sources, place, arguments.events
    )

    report, failed = {}, False
    for network, rows in networks.items():
        print(f"\n## {network}, {core.name}\n")
        print("| " + " | ".join(HEADINGS) + " |")
        print("|" + "---|" * len(HEADINGS))
        report[network] = {}
        for row in rows:
            home = place / network.split()[0] / row.engine.split()[0].strip("(),").lower()
            try:
                elf = build(home, core, row.crate(home))
                measured = measure(elf, core, arguments.plugin, row.events, row.answer)
            except Missing as missing:
                print(f"| {row.engine} | left out: {missing} |" + " |" * (len(HEADINGS) - 2))
                continue
            except (RuntimeError, TimeoutError) as error:
                failed = True
                print(f"| {row.engine} | failed: {str(error).splitlines()[0]} |" + " |" * (len(HEADINGS) - 2))
                print(error, file=sys.stderr)
                continue
            figures = summary(row, measured)
            report[network][row.engine] = figures
            print("| " + " | ".join(cells(row.engine, figures)) + " |", flush=True)
    (place / "peers.json").write_text(json.dumps(report, indent=1))
    return 3 if failed else 0


def summary(row: workloads.Row, measured: Measured) -> dict[str, object]:
    image = measured.image
    instructions = float(measured.instructions.mean())
    cycles = None if measured.cycles is None else float(measured.cycles.mean())
    return {
        "mismatches": row.wrong(measured.answers),
        "instructions": instructions,
        "instructions_per_mac": instructions / row.macs,
        "modelled_cycles": cycles,
        "modelled_cycles_per_mac": None if cycles is None else cycles / row.macs,
        "flash_bytes": image.flash,
        "beyond_constants_bytes": image.flash - row.constants,
        "ram_bytes": image.ram,
        "stack_bytes": measured.stack,
    }


def cells(engine: str, figures: dict) -> list[str]:
    def figure(name: str, form: str) -> str:
        value = figures[name]
        return "–" if value is None else format(value, form)

    return [
        engine,
        str(figures["mismatches"]),
        figure("instructions", ",.0f"),
        figure("instructions_per_mac", ".3f"),
        figure("modelled_cycles", ",.0f"),
        figure("modelled_cycles_per_mac", ".3f"),
        figure("flash_bytes", ",d"),
        figure("beyond_constants_bytes", ",d"),
        figure("ram_bytes", ",d"),
        figure("stack_bytes", ",d"),
    ]


if __name__ == "__main__":
    sys.exit(main())
