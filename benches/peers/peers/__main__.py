"""Measures all engines and prints a table: mismatches first, then what they cost."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from . import autoencoder, tagger
from .engines import Sources
from .firmware import CORES, Missing, build
from .measure import Measured, Tools, measure
from .multiplicity import linearity
from .row import Row

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
    parser.add_argument("--price", type=Path, required=True, help="the example `price`, built")
    parser.add_argument("--place", type=Path, required=True, help="where generated crates and results go")
    parser.add_argument("--core", choices=CORES, default="cortex-m4")
    parser.add_argument("--mlperf", type=Path, help="folder with ad01_int8.tflite and frames")
    parser.add_argument("--cmsis-nn", type=Path, help="source tree of CMSIS-NN")
    parser.add_argument("--onnx2c", type=Path, help="the program onnx2c, or its source tree with submodules")
    parser.add_argument("--events", type=int, default=100, help="events of the deep set")
    parser.add_argument("--only", default="", help="engines whose name contains this")
    parser.add_argument("--plot", type=Path, help="SVG to write: instructions by multiplicity")
    arguments = parser.parse_args()
    core = CORES[arguments.core]
    tools = Tools(arguments.plugin.resolve(), arguments.price.resolve())
    sources = Sources(*(path and path.resolve() for path in (arguments.cmsis_nn, arguments.onnx2c)))
    place = arguments.place.resolve() / core.name
    place.mkdir(parents=True, exist_ok=True)

    networks = {}
    if arguments.mlperf is None:
        print("the autoencoder is left out: its files are not named, --mlperf FOLDER")
    else:
        networks[autoencoder.TITLE] = autoencoder.rows(
            arguments.mlperf, arguments.hodoscope, core, sources, place / "autoencoder"
        )
    jets = tagger.Tagger(arguments.hodoscope, place, arguments.events)
    networks[tagger.TITLE] = tagger.rows(jets, core, sources)

    report, failed = {}, False
    for network, rows in networks.items():
        print(f"\n## {network}, {core.name}\n")
        if network == autoencoder.TITLE:
            print("answers that differ: from TensorFlow Lite Micro, which rounds twice / from onnxruntime\n")
        print("| " + " | ".join(HEADINGS) + " |")
        print("|" + "---|" * len(HEADINGS))
        report[network] = {}
        for row in rows:
            if arguments.only not in row.engine:
                continue
            home = place / "engines" / re.sub(r"\W+", "-", f"{network.split()[0]} {row.engine}").strip("-").lower()
            try:
                elf = build(home, core, row.crate(home))
                measured = measure(elf, core, tools, row.events, row.answer, row.priced)
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
    print(f"\npfn-qg: {len(jets.live)} events, padded to {jets.capacity}, mean multiplicity {jets.mean:.2f}")
    ratios(report[tagger.TITLE], jets)
    if arguments.only in "hodoscope":
        report["multiplicity"] = linearity(jets, core, tools, place, arguments.plot)
    (place / "peers.json").write_text(json.dumps(report, indent=1))
    return 3 if failed else 0


def ratios(report: dict, jets: tagger.Tagger) -> None:
    """How many times the instructions of the padded twins are ours, beside P / mean(n)."""
    own = report.get("hodoscope")
    for slots in (jets.capacity, 2 * jets.capacity):
        twin = report.get(f"CMSIS-NN, twin padded to {slots}")
        if own and twin:
            ratio, share = twin["instructions"] / own["instructions"], slots / jets.mean
            print(f"CMSIS-NN at P = {slots}: {ratio:.2f} times, {ratio / share:.2f} × P / mean(n) = {share:.2f}")


def summary(row: Row, measured: Measured) -> dict[str, object]:
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
