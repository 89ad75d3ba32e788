"""What a program computes of arrays."""

from __future__ import annotations

import pickle
import shutil
import threading
import warnings
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from conftest import ROOT, command

import hodoscope


def ragged(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and content of padded constituents, pT first."""
    counts = (x[:, :, 0] > 0).sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return offsets, np.concatenate([event[:n] for event, n in zip(x, counts)])


def test_the_same_arrays_as_the_command(pfn: hodoscope.Program, jets: dict[str, np.ndarray], tmp_path: Path) -> None:
    written = tmp_path / "scores.npz"
    done = command("run", pfn.path, "--inputs", ROOT / "models/pfn-qg/test.npz", "-o", written)
    assert done.returncode == 0, done.stderr
    expected = np.load(written)
    outputs = pfn.run(jets)
    assert sorted(outputs) == sorted(expected.files)
    for name in expected.files:
        assert outputs[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(outputs[name], expected[name])
    # Whatever holds the raws, numpy does not: they were not copied.
    assert outputs["logit.raw"].base is not None


def test_native_gives_the_same_bits(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hodoscope.HodoscopeWarning)
        native = pfn.native()
    assert (native.on, native.hash) == ("native", pfn.hash)
    for name, values in pfn.run(jets).items():
        np.testing.assert_array_equal(native.run(jets)[name], values)
    np.testing.assert_array_equal(native.decide(jets, raw=100), pfn.decide(jets, raw=100))


def test_constituents_in_every_form(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    x = jets["x"][:500]
    expected = pfn.run({"x": x})["logit.raw"]
    offsets, content = ragged(x)
    as_awkward = ak.unflatten(ak.Array(content), np.diff(offsets))
    names = [field.name for field in pfn.inputs[0].fields]
    records = ak.zip({name: as_awkward[:, :, channel] for channel, name in enumerate(names)})
    # Rows of nobody before and behind.
    around = np.concatenate([content[:5], content, content[:7]])
    forms = {
        "offsets": (offsets, content),
        "offsets from 5": (offsets.astype(np.int32) + 5, around),
        "awkward": as_awkward,
        "records": records,
        "double": x.astype(np.float64),
        "Fortran": np.asfortranarray(x),
        "big-endian": x.astype(">f4"),
        "strided": np.repeat(x, 2, axis=0)[::2],
    }
    for form, events in forms.items():
        np.testing.assert_array_equal(pfn.run({"x": events})["logit.raw"], expected, err_msg=form)
        # Its only input may stand alone.
        np.testing.assert_array_equal(pfn.run(events)["logit.raw"], expected, err_msg=form)


def test_words_are_what_floats_become(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    x = jets["x"][:200]
    words = pfn.words("x", x)
    assert words.shape == x.shape
    fields = pfn.inputs[0].fields
    lsb = np.array([field.lsb for field in fields])
    lowest, highest = (np.array([getattr(field, key) for field in fields]) for key in ("minimum_word", "maximum_word"))
    expected = np.clip(np.floor(x.astype(np.float64) / lsb + 0.5), lowest, highest)
    saturating = [field.overflow == "saturate" for field in fields]
    np.testing.assert_array_equal(words[..., saturating], expected[..., saturating])
    for dtype in (np.int64, np.int16, np.int32):
        np.testing.assert_array_equal(
            pfn.run({"x": words.astype(dtype)})["logit.raw"], pfn.run({"x": x})["logit.raw"]
        )


def test_a_threshold_decides_as_a_board_does(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    outputs = pfn.run(jets)
    for score in (-1.0, 0.0, 0.5, float(outputs["logit"][17, 0])):
        accepted = pfn.decide(jets, score=score)
        assert accepted.dtype == np.bool_
        np.testing.assert_array_equal(accepted, outputs["logit"][:, 0] >= score)
        np.testing.assert_array_equal(accepted, pfn.decide(jets, raw=pfn.threshold(score)))
    assert not pfn.decide(jets, raw=pfn.threshold(1e30)).any()
    assert pfn.decide(jets, raw=pfn.threshold(-1e30)).all()
    with pytest.raises(hodoscope.InputError, match="NaN"):
        pfn.threshold(float("nan"))
    with pytest.raises(TypeError, match="one of the two"):
        pfn.decide(jets)


def test_evaluate_prints_what_the_command_prints(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    done = command("evaluate", pfn.path, "--inputs", ROOT / "models/pfn-qg/test.npz", "--bootstrap", 3, "--seed", 5)
    labels = jets["labels"]
    report = pfn.evaluate({"x": jets["x"], "logit.float": jets["logit.float"]}, labels, bootstrap=3, seed=5)
    assert str(report) == done.stdout
    assert report["signal_events"] == (labels == 1).sum()
    # Without the file's float score the network computes it: float32 in another order.
    computed = pfn.evaluate((*ragged(jets["x"]),), labels)
    assert computed["float_source"] == "float graph"
    assert computed["auc_float"] == pytest.approx(report["auc_float"], abs=1e-6)
    assert computed["auc_fixed"] == report["auc_fixed"]


def test_a_program_says_what_it_is(pfn: hodoscope.Program) -> None:
    assert pfn.name == "pfn-qg"
    assert len(pfn.hash) == 64 and pfn.report["program_sha256"] == pfn.hash
    (x,) = pfn.inputs
    assert (x.name, x.words, x.capacity) == ("x", 3, 32)
    assert x.fields[0] == hodoscope.Field(
        name="pt", unit="GeV", lsb=0.25, minimum_word=0, maximum_word=4095, zero_point=0, overflow="saturate", empty_word=0
    )
    (logit,) = pfn.outputs
    assert (logit.name, logit.values) == ("logit", 1)
    assert (pfn.path / "program.txt").read_text() == pfn.text
    again = hodoscope.Program.load(pfn.path)
    assert (again.hash, again.inputs, again.outputs) == (pfn.hash, pfn.inputs, pfn.outputs)
    assert pfn.hash[:16] in repr(pfn)


def test_other_processes_find_it(pfn: hodoscope.Program, jets: dict[str, np.ndarray], tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(pfn))
    assert (again.hash, again.on) == (pfn.hash, pfn.on)
    np.testing.assert_array_equal(again.run(jets)["logit.raw"], pfn.run(jets)["logit.raw"])
    shutil.copytree(pfn.path, tmp_path / "moved")
    moved = pickle.dumps(hodoscope.Program.load(tmp_path / "moved"))
    shutil.rmtree(tmp_path / "moved")
    with pytest.raises(hodoscope.InputError, match="no such directory"):
        pickle.loads(moved)


def test_events_without_constituents(pfn: hodoscope.Program) -> None:
    empty = pfn.run({"x": np.zeros((3, 2, 3), np.float32)})["logit.raw"]
    for events in ((np.zeros(4, int), np.zeros((0, 3), np.float32)), np.zeros((3, 0, 3), np.float32)):
        np.testing.assert_array_equal(pfn.run({"x": events})["logit.raw"], empty)


def test_threads_compute_at_once(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    expected = pfn.run(jets)["logit.raw"]
    raws: list[np.ndarray] = []

    def work() -> None:
        raws.append(pfn.run(jets)["logit.raw"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(raws) == 4
    for raw in raws:
        np.testing.assert_array_equal(raw, expected)


def test_others_run_while_it_computes(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    many = {"x": np.repeat(jets["x"], 4, axis=0)}
    counted, stop = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.wait(0.001):
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    before = counted
    pfn.run(many)
    during = counted - before
    stop.set()
    thread.join()
    # With the lock held it is one at most.
    assert during > 5


def test_a_forked_process_computes(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    import multiprocessing

    expected = pfn.run(jets)["logit.raw"]
    with warnings.catch_warnings():
        # Python warns of threads beside a fork: those of the tests before.
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            results = pool.map(_raws, [(str(pfn.path), jets["x"])] * 2, chunksize=1)
    for raw in results:
        np.testing.assert_array_equal(raw, expected)


def _raws(work: tuple[str, np.ndarray]) -> np.ndarray:
    path, x = work
    return hodoscope.Program.load(path).run({"x": x})["logit.raw"]
