"""Files: each gives the words of the npz archive."""

from __future__ import annotations

import warnings
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from conftest import ROOT, command
from test_program import ragged

import hodoscope

BRANCHES = ["Jet_pt", "Jet_eta", "Jet_phi"]


@pytest.fixture(scope="module")
def files(jets: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The events of the tagger as jagged columns, and as a padded array."""
    folder = tmp_path_factory.mktemp("files")
    x, labels = jets["x"][:600], jets["labels"][:600]
    offsets, content = ragged(x)
    columns = {name: ak.unflatten(content[:, channel], np.diff(offsets)) for channel, name in enumerate(BRANCHES)}
    with uproot.recreate(folder / "jets.root") as file:
        for tree in ("Events", "Other"):
            file.mktree(tree, {name: "var * float32" for name in BRANCHES} | {"is_signal": "int32"})
        # In several baskets.
        for part in (slice(0, 250), slice(250, 600)):
            baskets = {name: column[part] for name, column in columns.items()}
            file["Events"].extend(baskets | {"is_signal": labels[part]})
            file["Other"].extend(baskets | {"is_signal": labels[part]})
    lists = {name: pa.array(ak.to_list(column), pa.list_(pa.float32())) for name, column in columns.items()}
    table = pa.table(lists | {"is_signal": labels, "comment": ["a"] * 600, "x": pa.array([list(map(list, e)) for e in x])})
    pq.write_table(table, folder / "jets.parquet", row_group_size=170)
    with h5py.File(folder / "jets.h5", "w") as file:
        file["jets/x"] = x
        file["jets/is_signal"] = labels
        file["jets/comment"] = [b"a"] * 600
    return {
        "root": f"{folder / 'jets.root'}:Events",
        "parquet": str(folder / "jets.parquet"),
        "hdf5": f"{folder / 'jets.h5'}:jets",
    }


def mapped(kind: str) -> dict[str, object]:
    return {"x": "x" if kind == "hdf5" else BRANCHES, "labels": "is_signal"}


@pytest.mark.parametrize("kind", ["root", "parquet", "hdf5"])
def test_the_same_words_as_an_archive(
    kind: str, files: dict[str, str], pfn: hodoscope.Program, jets: dict[str, np.ndarray], tmp_path: Path
) -> None:
    expected = pfn.run({"x": jets["x"][:600]})["logit.raw"]
    events = hodoscope.read(files[kind], mapped(kind))
    assert sorted(events) == ["labels", "x"]
    np.testing.assert_array_equal(pfn.run(events)["logit.raw"], expected)
    np.testing.assert_array_equal(events["labels"], jets["labels"][:600])
    # The command takes what it is converted to.
    archive, scores = tmp_path / "x.npz", tmp_path / "y.npz"
    hodoscope.convert(files[kind], archive, mapped(kind))
    done = command("run", pfn.path, "--inputs", archive, "-o", scores)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(scores)["logit.raw"], expected)
    with pytest.raises(hodoscope.InputError, match="exists; force=True"):
        hodoscope.convert(files[kind], archive, mapped(kind))
    # And says so where it is not.
    done = command("run", pfn.path, "--inputs", files[kind], "-o", scores)
    if kind != "hdf5":
        assert done.returncode == 2 and "hodoscope.convert" in done.stderr, done.stderr


def test_a_path_stands_for_its_events(files: dict[str, str], pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    expected = pfn.run({"x": jets["x"][:600]})["logit.raw"]
    for path in (files["parquet"], files["hdf5"], Path(files["parquet"])):
        np.testing.assert_array_equal(pfn.run(path)["logit.raw"], expected)


def test_compiled_from_a_tree(files: dict[str, str], tmp_path: Path) -> None:
    model = ROOT / "models/pfn-qg/model.onnx"
    events = hodoscope.read(files["root"], mapped("root"))
    padded, count = hodoscope._files.padded(*events["x"])
    wide = np.zeros((600, 32, 3), np.float32)
    wide[:, : padded.shape[1]] = padded
    options = {"name": "pfn", "accept_loss": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hodoscope.HodoscopeWarning)
        from_tree = hodoscope.compile(model, calibration=events, **options)
        from_array = hodoscope.compile(
            model, calibration={"x": wide, "x.count": count, "labels": events["labels"]}, **options
        )
    assert from_tree.text == from_array.text


def test_what_is_wrong_is_told(files: dict[str, str], tmp_path: Path) -> None:
    root = files["root"].rpartition(":")[0]
    missing = tmp_path / "missing.parquet"
    pq.write_table(pa.table({"pt": [1.0, None, 3.0], "deep": [[[1.0]], [[]], []]}), missing)
    mixed = tmp_path / "mixed.parquet"
    pq.write_table(pa.table({"pt": [1.0, 2.0], "n": [1, 2], "l": [[1.0], []], "m": [[1.0], [2.0, 3.0]]}), mixed)
    text = tmp_path / "text.txt"
    text.write_text("no events")
    for path, map, what in [
        (tmp_path / "no.root", None, "no such file"),
        (root, None, "which tree? Name it, FILE:TREE; the file holds `Events`, `Other`"),
        (root + ":Evnts", None, "no tree `Evnts`; the file holds `Events`, `Other`"),
        (files["root"], {"x": ["Jet_pt", "Jet_mass"]}, "no column `Jet_mass`; the file holds"),
        (files["parquet"], {"x": "comment"}, "column `comment` has dtype object; expected numbers"),
        (files["hdf5"], {"x": "comment"}, "column `comment` has dtype object; expected numbers"),
        (files["parquet"] + ":Events", None, "a parquet file has no tree `Events`"),
        (missing, {"x": "pt"}, "column `pt` cannot be read as numbers: 1 of its values are missing"),
        (missing, {"x": "deep"}, "lists within lists"),
        (mixed, {"x": ["pt", "n"]}, "`pt` is float64, `n` is int64: integers are words"),
        (mixed, {"x": ["l", "m"]}, "`m` has other numbers of rows per event than `l`"),
        (mixed, {"x": ["l", "pt"]}, "`pt` has other numbers of rows per event than `l`"),
        (mixed, {"x": []}, "`x` is mapped to no column"),
        (text, None, "not a ROOT, parquet, HDF5, npz or npy file"),
    ]:
        with pytest.raises(hodoscope.InputError) as raised:
            hodoscope.read(path, map)  # type: ignore[arg-type]
        assert what in str(raised.value), str(raised.value)
    with pytest.raises(hodoscope.InputError, match="ends with .npz"):
        hodoscope.convert(mixed, tmp_path / "x.root")
    assert not list(tmp_path.glob(".*"))


def test_an_archive_may_take_so_much_memory(
    pfn: hodoscope.Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((3, 2, 3), np.float32))
    monkeypatch.setenv("HODOSCOPE_READ_GIB", "0")
    with pytest.raises(hodoscope.InputError, match="takes 72 bytes of memory, .* HODOSCOPE_READ_GIB=8 allows 8"):
        pfn.run(tmp_path / "x.npz")
    monkeypatch.setenv("HODOSCOPE_READ_GIB", "much")
    with pytest.raises(hodoscope.InputError, match="HODOSCOPE_READ_GIB=much: expected a number of GiB"):
        pfn.run(tmp_path / "x.npz")
