#!/usr/bin/env python3
"""Makes a reference model: python make.py NAME --samples DIR [--test-events 20000 --out FILE]

NAME is pfn-qg, efn-top, ae-qcd, vae-l1 or `all`. Trains the network, and writes model.onnx, calibration.npz, test.npz
and the figures in README.md beside inputs.toml in models/NAME.

With --test-events it trains nothing: it runs the model.onnx that is there on at least that many events of the test
part, half of them background where the sample allows, and writes FILE in the layout of test.npz.
"""
import argparse
import os
import re
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import events
import figures
import networks
import onnxfile
import samples
import training
from words import Words

MODELS = Path(__file__).resolve().parent.parent
CALIBRATION = 2000       # events in calibration.npz
TEST = 3000              # events in test.npz
SEED = 7                 # initial weights, order of training; SEED + 1 orders the stored samples


class Tagger:
    """Signal against background, trained on both."""

    augment = staticmethod(training.reflect)
    always = 0           # objects at the front of an event that are never absent

    def __init__(self, name, signal, background, output, build, capacity=32, epochs=40):
        self.name, self.output, self.train_as, self.epochs = name, output, build, epochs
        self.signal, self.background, self.capacity = signal, background, capacity
        self.loss, self.processes = training.cross_entropy, [background, signal]

    def train(self, x, y):
        """The trained network."""
        return training.train(self.train_as, x, y, self.loss, self.epochs, SEED, self.augment)

    def sample(self, folder, part):
        """Inputs in physical units, labels, and the index of each event's process."""
        parts = [samples.constituents(folder, process, part, self.capacity) for process in self.processes]
        process = np.repeat(np.arange(len(parts)), [len(x) for x in parts])
        return np.concatenate(parts), (process > 0).astype(np.int64), process

    training_sample = sample


class JetAutoencoder(Tagger):
    """Trained on QCD jets only; top and W jets are the anomalies."""

    def __init__(self, name, build, epochs):
        self.name, self.output, self.train_as, self.epochs = name, "score", build, epochs
        self.loss, self.processes = training.own_loss, ["QCD", "top", "W"]

    def sample(self, folder, part, processes=("QCD", "top", "W")):
        parts = [samples.constituents(folder, process, part, 16) for process in processes]
        process = np.repeat(np.arange(len(parts)), [len(x) for x in parts])
        return np.concatenate(parts).reshape(-1, 48), (process > 0).astype(np.int64), process

    def training_sample(self, folder, part):
        return self.sample(folder, part, ["QCD"])


class EventAutoencoder(Tagger):
    """Trained on the Standard Model mix. Signals are never trained on, so that all of them serve for tests."""

    augment = staticmethod(training.keep)
    always = 1           # MET

    def __init__(self, name, build, epochs):
        self.name, self.output, self.train_as, self.epochs = name, "score", build, epochs
        self.loss, self.processes = training.own_loss, ["SM", *events.SIGNALS]

    def train(self, x, y):
        """Trains; then puts the first two layers onto the grid of 8-bit weights, after each retraining what follows."""
        model = super().train(x, y)
        trunk = model.encoder.trunk
        lsb = Words(MODELS / self.name / "inputs.toml").columns(x.shape[1], "lsb")
        scales = [model.encoder.scale * torch.as_tensor(lsb), torch.ones(trunk[3].in_features)]
        model.frozen = []
        for linear, norm, scale in ((trunk[0], trunk[1], scales[0]), (trunk[3], trunk[4], scales[1])):
            training.onto_grid(linear, norm, scale)
            model.frozen.append(norm)
            training.optimise(model, torch.as_tensor(x), torch.as_tensor(y), self.loss, self.epochs // 3, self.augment,
                              rate=3e-3)
        return model.encoder.eval()

    def sample(self, folder, part):
        parts = [samples.background(folder, part), *(samples.objects(folder, s, "all") for s in events.SIGNALS)]
        process = np.repeat(np.arange(len(parts)), [len(x) for x in parts])
        return np.concatenate(parts), (process > 0).astype(np.int64), process

    def training_sample(self, folder, part):
        x = samples.background(folder, part)
        return x, np.zeros(len(x), np.int64), np.zeros(len(x), np.int64)


def particle_flow():
    return networks.ParticleFlow([1 / 50, 1 / 0.4, 1 / 0.4])


def energy_flow():
    return networks.EnergyFlow(1 / 600, 1 / 0.4)


def jet_autoencoder():
    return networks.Autoencoder([1 / 200, 1 / 0.4, 1 / 0.4] * 16)


# GeV per unit for MET, the e/gamma, the muons and the jets. Together with 4 for the angles this makes one count of any
# detector word about as large as one count of any other.
PT_UNITS = [64] + [32] * events.EGAMMAS + [32] * events.MUONS + [64] * events.JETS


def variational():
    encoder = networks.Encoder([scale for unit in PT_UNITS for scale in (1 / unit, 1 / 4, 1 / 4)])
    return networks.Variational(encoder, beta=0.004)


RECIPES = {recipe.name: recipe for recipe in (
    Tagger("pfn-qg", "quark", "gluon", "logit", particle_flow),
    Tagger("efn-top", "top", "QCD", "probability", energy_flow, epochs=60),
    JetAutoencoder("ae-qcd", jet_autoencoder, epochs=80),
    EventAutoencoder("vae-l1", variational, epochs=60),
)}


def choose(label, process, count, seed):
    """Indices of `count` events in random order: half background, half signal, all signal processes alike."""
    rng = np.random.default_rng(seed)
    signals = [k for k in np.unique(process) if k > 0]
    shares = {0: count if not signals else count // 2}
    shares.update({k: -(-(count - shares[0]) // len(signals)) for k in signals})
    rows = []
    for k, share in shares.items():
        own = np.nonzero(process == k)[0]
        rows.append(rng.permutation(own)[:share])
    return rng.permutation(np.concatenate(rows))


def write(path, words, recipe, sample, rows, outputs_of=None):
    """Writes events of a sample; with `outputs_of`, a model file, also their processes and what it makes of them."""
    x, label, process = sample
    x, _ = words.read_out(x[rows], recipe.always)
    arrays = dict(x=x, labels=label[rows].astype(np.int32))
    if outputs_of and len(recipe.processes) > 2:
        arrays["process"] = process[rows].astype(np.int32)
    if outputs_of:
        arrays.update({f"{name}.float": value for name, value in onnxfile.run(outputs_of, x).items()})
    np.savez_compressed(path, **arrays)
    return arrays


def measure(recipe, sample, words, model):
    """The Markdown table of figures over a whole sample, and what rounding did to it."""
    x, label, process = sample
    x, saturated = words.read_out(x, recipe.always)
    score = onnxfile.run(model, x)[recipe.output][:, 0]
    background = score[process == 0]
    lines = [figures.HEADING]
    signals = [k for k in np.unique(process) if k > 0]
    if len(signals) > 1:
        lines += [figures.row(recipe.processes[k], score[process == k], background) for k in signals]
        smallest = min((process == k).sum() for k in signals)
        score_of_all = np.concatenate([score[process == k][:smallest] for k in signals])
        lines.append(figures.row("all, alike", score_of_all, background))
    else:
        lines.append(figures.row(recipe.processes[1], score[label == 1], background))
    filled = (x.reshape(len(x), -1, 3)[:, :, 0] > 0).sum(axis=1)
    notes = [f"Filled slots per event: {filled.mean():.1f} on average, {filled.max()} at most. Constituents lost to "
             f"rounding: 0. Values saturated: {saturated:,} of {x.size:,}."]
    return "\n".join([*lines, "", *notes])


def make(recipe, folder):
    """Trains, exports, stores the samples, and measures on the whole test part."""
    home = MODELS / recipe.name
    words = Words(home / "inputs.toml")
    x, label, process = recipe.training_sample(folder, "training")
    x, _ = words.read_out(x, recipe.always)
    model = recipe.train(x, label.astype(np.float32))
    path = home / "model.onnx"
    onnxfile.export(model, x, recipe.output, path)
    write(home / "calibration.npz", words, recipe, (x, label, process), choose(label, process, CALIBRATION, SEED + 1))
    test = recipe.sample(folder, "test")
    write(home / "test.npz", words, recipe, test, choose(test[1], test[2], TEST, SEED + 1), path)
    table = measure(recipe, test, words, path)
    print(f"{recipe.name}: {len(x):,} events trained on\n{table}")
    fill(home / "README.md", f"Trained on {len(x):,} events.\n\n{table}")


def fill(readme, figures_text):
    """Replaces what stands between the marks of a README."""
    fresh = f"<!-- figures -->\n{figures_text}\n<!-- end of figures -->"
    text = readme.read_text()
    readme.write_text(re.sub(r"<!-- figures -->.*<!-- end of figures -->", lambda _: fresh, text, flags=re.S))


def summarise():
    """Collects the rows of all models' tables in the README of the folder above."""
    lines = [figures.HEADING.replace("| signal", "| model | signal", 1).replace("|---", "|---|---", 1)]
    for name in RECIPES:
        inside = (MODELS / name / "README.md").read_text().split("figures -->")[1]
        rows = [line for line in inside.splitlines() if "±" in line]
        lines += [f"| {name} {row}" for row in rows]
    fill(MODELS / "README.md", "\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*RECIPES, "all"])
    parser.add_argument("--samples", type=Path, required=True, help="folder that generate.py wrote")
    parser.add_argument("--test-events", type=int, help="only write a test set of at least this many events")
    parser.add_argument("--out", type=Path, help="where the test set goes")
    arguments = parser.parse_args()
    if (arguments.test_events is None) != (arguments.out is None):
        parser.error("--test-events and --out belong together")
    if arguments.out and arguments.name == "all":
        parser.error("--out takes the test set of one model")
    for recipe in RECIPES.values() if arguments.name == "all" else [RECIPES[arguments.name]]:
        if arguments.out is None:
            make(recipe, arguments.samples)
            summarise()
            continue
        home = MODELS / recipe.name
        test = recipe.sample(arguments.samples, "test")
        rows = choose(test[1], test[2], arguments.test_events, SEED + 2)
        if len(rows) < arguments.test_events:
            raise SystemExit(f"only {len(rows)} test events in {arguments.samples}")
        write(arguments.out, Words(home / "inputs.toml"), recipe, test, rows, home / "model.onnx")
        print(f"{arguments.out}: {len(rows)} events")


if __name__ == "__main__":
    main()
