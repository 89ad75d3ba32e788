"""Computes events of several models in turn through ctypes: in_turn.py EXAMPLE PACKAGE/share/hodoscope/NAME.json FOLDER ..."""

import importlib.util
import pathlib
import sys

import numpy as np

spec = importlib.util.spec_from_file_location("score", sys.argv[1])
score = importlib.util.module_from_spec(spec)
spec.loader.exec_module(score)

models = []
for description, folder in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    model, folder = score.Model(description), pathlib.Path(folder)
    facts = model.about["inputs"]
    words = [np.fromfile(folder / f"words{i}", np.int32).reshape(-1, f["words"]) for i, f in enumerate(facts)]
    # Types and strides of all kinds: columns that lie apart, rows backwards.
    words = [np.asfortranarray(w.astype(np.int64))[::-1].copy("K")[::-1] for w in words]
    raws = np.fromfile(folder / "raws", np.int64).reshape(-1, model.table.raws)
    models.append((model, words, np.fromfile(folder / "offsets", np.int64), raws))

events = different = 0
for first in range(0, max(len(raws) for *_, raws in models), 101):
    for model, words, offsets, expected in models:
        expected = expected[first : first + 101]
        if not len(expected):
            continue
        chosen, own = [], offsets[first : first + len(expected) + 1]
        has_set = False
        for x, facts in zip(words, model.about["inputs"]):
            has_set |= facts["per_constituent"]
            chosen.append(x if facts["per_constituent"] else x[first : first + len(expected)])
        raws, scores = model.run(*chosen, offsets=own if has_set else None)
        events += len(raws)
        different += int((raws != expected).any(axis=1).sum())
print(f"{events} events, {different} different")
sys.exit(different != 0)
