"""Samples on disk, their test and training parts, and the input arrays of each model."""
import numpy as np

import events

# The first chunks of every process are for tests: 12,000 jets of a class, 10,000 events of the Standard Model mix.
# Training and calibration never see them.
JET_TEST_CHUNKS, EVENT_TEST_CHUNKS = 3, 2


def read(folder, process, part, array):
    """One array of a process from all its chunks of a part: "test", "training" or "all"."""
    paths = sorted(folder.glob(f"{process}.[0-9][0-9][0-9].npz"))
    tests = EVENT_TEST_CHUNKS if process in events.PROCESSES else JET_TEST_CHUNKS
    chosen = [path for path in paths if part == "all" or (int(path.name.split(".")[1]) < tests) == (part == "test")]
    if not chosen:
        raise FileNotFoundError(f"no {part} chunk of {process} in {folder}")
    return np.concatenate([np.load(path)[array] for path in chosen])


def constituents(folder, process, part, slots):
    """The `slots` hardest constituents of each jet: f4[jets, slots, 3] = (pT in GeV, deta, dphi in radians)."""
    return read(folder, process, part, "constituents")[:, :slots, :3]


def objects(folder, process, part):
    """Trigger objects of each event, flattened: f4[events, 57] = 19 x (pT in GeV, eta, phi in radians)."""
    x = read(folder, process, part, "objects")
    return x.reshape(len(x), -1)


def background(folder, part):
    """The Standard Model mix. Chunks hold the right shares already."""
    return np.concatenate([objects(folder, process, part) for process in events.BACKGROUND])


def shuffled(seed, *arrays):
    """The same random order applied to all arrays."""
    order = np.random.default_rng(seed).permutation(len(arrays[0]))
    return [array[order] for array in arrays]
