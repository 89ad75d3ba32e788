"""What an event costs by its multiplicity: a table, a fit, and a plot."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .firmware import Core, build
from .measure import Tools, measure
from .tagger import Tagger

WIDTH, HEIGHT, MARGIN = 640, 360, 56


def linearity(jets: Tagger, core: Core, tools: Tools, place: Path, plot: Path | None) -> dict[str, object]:
    """Measures every multiplicity. A constant part is the cost of an event without constituents."""
    row = jets.every_multiplicity()
    elf = build(place / "multiplicity", core, row.crate(place))
    measured = measure(elf, core, tools, row.events, row.answer, row.priced)
    counts = measured.instructions
    full = counts[-1]
    print(f"\n## pfn-qg by multiplicity, {core.name}: {row.wrong(measured.answers)} answers differ\n")
    print("| n | instructions | of those at P | 1.1·n/P + constant | modelled cycles |\n|---|---|---|---|---|")
    constant = counts[0] / full
    for n in (0, 1, 2, jets.capacity // 4, jets.capacity // 2, jets.capacity - 1, jets.capacity):
        cycles = "–" if measured.cycles is None else f"{measured.cycles[n]:,.0f}"
        bound = 1.1 * n / jets.capacity + constant
        print(f"| {n} | {counts[n]:,.0f} | {counts[n] / full:.3f} | {bound:.3f} | {cycles} |")
    print(f"\nconstant: {counts[0]:,.0f} instructions, those of an event without constituents")
    if plot is not None:
        plot.write_text(svg(counts, core.name))
        print(f"plot: {plot.name}")
    return {"instructions": counts.tolist(), "cycles": None if measured.cycles is None else measured.cycles.tolist()}


def svg(counts: np.ndarray, core: str) -> str:
    """Points over the multiplicity, and the straight line from the first to the last."""
    last = len(counts) - 1
    top = 10 ** np.floor(np.log10(counts.max())) / 2
    ceiling = np.ceil(counts.max() / top) * top
    x = lambda n: MARGIN + (WIDTH - 2 * MARGIN) * n / last
    y = lambda count: HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * count / ceiling
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>pfn-qg on {core}: instructions of an event by multiplicity</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for tick in np.arange(0, ceiling + 1, top):
        lines.append(f'<path d="M{MARGIN} {y(tick):.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>')
        lines.append(f'<text x="{MARGIN - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,.0f}</text>')
    for n in range(0, last + 1, 4):
        lines.append(f'<text x="{x(n):.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{n}</text>')
    lines.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 16}" text-anchor="middle">constituents</text>')
    lines.append(f'<text x="{MARGIN}" y="{MARGIN - 20}">instructions per event, pfn-qg, {core}</text>')
    lines.append(
        f'<path d="M{x(0):.1f} {y(counts[0]):.1f}L{x(last):.1f} {y(counts[-1]):.1f}" stroke="#999" stroke-dasharray="4"/>'
    )
    for n, count in enumerate(counts):
        lines.append(f'<circle cx="{x(n):.1f}" cy="{y(count):.1f}" r="3" fill="#1f6feb"/>')
    return "\n".join([*lines, "</svg>", ""])
