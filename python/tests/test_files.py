"""Files: each gives the words of the npz archive."""

from __future__ import annotations

import os
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
    # And it reads the file itself, but for ROOT files, of which it says what to do.
    scores.unlink()
    columns = [f"--map={name}={of if isinstance(of, str) else ','.join(of)}" for name, of in mapped(kind).items()]
    done = command("run", pfn.path, "--inputs", files[kind], *columns, "-o", scores)
    if kind == "root":
        assert done.returncode == 2 and "hodoscope.convert" in done.stderr, done.stderr
        return
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(scores)["logit.raw"], expected)
    # Outputs as parquet, and into a pipe.
    table = tmp_path / "y.parquet"
    done = command("run", pfn.path, "--inputs", files[kind], *columns, "-o", table)
    assert done.returncode == 0, done.stderr
    written = pq.read_table(table)
    np.testing.assert_array_equal(written["logit.raw"].to_numpy(), expected[:, 0])
    np.testing.assert_array_equal(written["logit"].to_numpy(), np.load(scores)["logit"][:, 0])
    assert float(pq.read_metadata(table).metadata[b"logit.scale"]) == np.load(scores)["logit.scale"]


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


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "lz4", "zstd", "brotli"])
def test_the_command_reads_what_pyarrow_writes(
    compression: str, pfn: hodoscope.Program, jets: dict[str, np.ndarray], tmp_path: Path
) -> None:
    x = jets["x"][:300]
    offsets, content = ragged(x)
    lists = pa.array(offsets, pa.int32())
    columns = [pa.array(np.ascontiguousarray(content[:, channel])) for channel in range(3)]
    rows = pa.FixedSizeListArray.from_arrays(pa.array(content.ravel()), 3)
    slots = pa.FixedSizeListArray.from_arrays(pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), 3), x.shape[1])
    table = pa.table(
        {f"Jet_{name}": pa.ListArray.from_arrays(lists, column) for name, column in zip("abc", columns)}
        | {
            "Jet": pa.ListArray.from_arrays(lists, pa.StructArray.from_arrays(columns, ["pt", "eta", "phi"])),
            "rows": pa.ListArray.from_arrays(lists, rows),
            "slots": slots,
        }
    )
    path, scores = tmp_path / "x.parquet", tmp_path / "y.npz"
    new = compression == "zstd"
    pq.write_table(table, path, row_group_size=77, compression=compression, data_page_version="2.0" if new else "1.0")
    expected = pfn.run({"x": x})["logit.raw"]
    for map in ["x=Jet_a,Jet_b,Jet_c", "x=Jet", "x=Jet.pt,Jet.eta,Jet.phi", "x=rows", "x=slots"]:
        done = command("run", pfn.path, "--inputs", path, "--map", map, "-o", scores)
        if compression == "brotli":
            assert done.returncode == 2 and "its compression is not read; zstd, snappy" in done.stderr, done.stderr
            assert not scores.exists()
            return
        assert done.returncode == 0, done.stderr
        np.testing.assert_array_equal(np.load(scores)["logit.raw"], expected, map)


def test_the_command_says_what_is_wrong_with_a_column(pfn: hodoscope.Program, tmp_path: Path) -> None:
    path, out = tmp_path / "x.parquet", tmp_path / "y.npz"
    three = {
        "pt": [1.0, None, 3.0],
        "nan": [[1.0], [2.0], [float("nan")]],
        "deep": [[[1.0, 2.0], [3.0]], [], []],
        "long": [[1.0] * 40, [], []],
        "unsigned": np.array([1, 2**63, 3], np.uint64),
        "when": pa.array([0, 1, 2], pa.timestamp("ms")),
        "größe": [1.0, 2.0, 3.0],
    }
    pq.write_table(pa.table(three), path, row_group_size=2)
    for map, what in [
        ("x=pt", "column `pt` misses 1 of its values (null, which pandas writes for NaN), the first in event 1"),
        ("x=nan,nan,nan", "array `x`, event 2, element 0: NaN is not a finite number"),
        ("x=deep", "column `deep` has lists within lists, of different lengths"),
        ("x=unsigned", "array `unsigned`, element 1: 9223372036854775808 is larger than"),
        ("x=when", "column `when` holds Timestamp; expected numbers"),
        ("x=größe", "array `x` has shape (3,); expected"),
        ("x=grosse", "no column `grosse`; the file holds `pt`, `nan`"),
    ]:
        done = command("run", pfn.path, "--inputs", path, "--map", map, "-o", out)
        assert done.returncode == 2 and what in done.stderr, done.stderr
        assert not out.exists()
    # More than there is room for is told, and the hardest are kept.
    done = command("run", pfn.path, "--inputs", path, "--map", "x=long,long,long", "-o", out)
    assert done.returncode == 0 and "8 constituents beyond the capacity" in done.stderr, done.stderr
    none = tmp_path / "none.parquet"
    pq.write_table(pa.table({"x": pa.array([], pa.list_(pa.float32()))}), none)
    done = command("run", pfn.path, "--inputs", none, "-o", out)
    assert done.returncode == 2 and "zero events" in done.stderr, done.stderr


def test_many_events_in_little_memory(pfn: hodoscope.Program, jets: dict[str, np.ndarray], tmp_path: Path) -> None:
    """HODOSCOPE_EVENTS=1000000 takes a million, in a minute; a file of any length is computed row group by row group."""
    count = int(os.environ.get("HODOSCOPE_EVENTS", "4000"))
    x = np.resize(jets["x"][:2000], (count, *jets["x"].shape[1:]))
    x.flat[-x[0].size] += np.float32(0.5)  # the last event is no copy
    offsets, content = ragged(x)
    columns = {
        name: pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(np.ascontiguousarray(content[:, channel])))
        for channel, name in enumerate(BRANCHES)
    }
    path, archive, of = tmp_path / "x.parquet", tmp_path / "x.npz", {}
    pq.write_table(pa.table(columns), path, row_group_size=max(count // 40, 1))
    np.savez(archive, x=x)
    for name, options in [("parquet", ["--map", "x=" + ",".join(BRANCHES)]), ("npz", [])]:
        out = tmp_path / f"{name}.npz"
        source = path if name == "parquet" else archive
        done = command("run", pfn.path, "--inputs", source, *options, "--on", "native", "-o", out)
        assert done.returncode == 0, done.stderr
        of[name] = np.load(out)["logit.raw"]
    assert len(of["npz"]) == count
    np.testing.assert_array_equal(of["parquet"], of["npz"])


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
