"""Compiling, and what is told when something is wrong."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import onnx
import pytest
from conftest import ROOT, command, network, rows
from onnx import helper

import hodoscope


def test_from_memory_as_from_files(tmp_path: Path) -> None:
    model, x = network(), rows(600)
    onnx.save(model, tmp_path / "net.onnx")
    np.savez(tmp_path / "x.npz", x=x)
    words = "fixed<12,4>"
    made = command(
        "compile", tmp_path / "net.onnx", "--calibration", tmp_path / "x.npz", "-o", tmp_path / "command",
        "--input", f"x={words}", "--weights", 10,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    expected = hodoscope.Program.load(tmp_path / "command")
    for given in (model, model.SerializeToString(), tmp_path / "net.onnx"):
        for events in ({"x": x}, tmp_path / "x.npz", str(tmp_path / "x.npz")):
            program = hodoscope.compile(given, calibration=events, inputs={"x": words}, weights=10, name="net")
            assert program.text == expected.text
    # Without `out` it lives as long as the object.
    path = program.path
    assert path.is_dir()
    fast = program
    del program
    assert path.is_dir() and fast.run({"x": x})["score"].shape == (600, 1)
    del fast
    assert not path.exists()


def test_words_as_a_dictionary(tmp_path: Path) -> None:
    field = {"name": "e", "unit": "GeV", "lsb": np.float64(0.03125), "minimum": -128, "maximum": np.int64(127)}
    program = hodoscope.compile(
        network(), calibration={"x": rows(600)}, inputs={"input": {"x": {"field": [field]}}}, out=tmp_path / "net",
        max_loss={"ordering": "10%", "rms": "20%", "correlation": "10%"},
    )  # fmt: skip
    (e,) = program.inputs[0].fields
    assert (e.name, e.unit, e.lsb, e.minimum_word, e.maximum_word) == ("e", "GeV", 0.03125, -128, 127)
    assert (tmp_path / "net/inputs.toml").is_file()
    assert program.report["options"]["max_loss"] == ["ordering=10%", "rms=20%", "correlation=10%"]


def test_a_loss_over_tolerance_is_no_result_like_any(tmp_path: Path) -> None:
    model, x = network(), rows(600)
    np.savez(tmp_path / "x.npz", x=x)
    onnx.save(model, tmp_path / "net.onnx")
    coarse = {"x": "ufixed<2,2>"}
    told = command(
        "compile", tmp_path / "net.onnx", "--calibration", tmp_path / "x.npz", "-o", tmp_path / "command",
        "--input", "x=ufixed<2,2>",
    )  # fmt: skip
    assert told.returncode == 1
    with pytest.raises(hodoscope.LossError) as raised:
        hodoscope.compile(tmp_path / "net.onnx", calibration=tmp_path / "x.npz", inputs=coarse, out=tmp_path / "net")
    assert str(raised.value) == told.stderr.strip().removeprefix("error: ")
    assert raised.value.exit_code == 1
    assert raised.value.report["over_tolerance"] and "loss against float" in str(raised.value.report)
    # What was compiled is there, by name and in hand.
    assert raised.value.program.hash == hodoscope.Program.load(tmp_path / "net").hash
    with pytest.warns(hodoscope.LossWarning, match="accepted by --accept-loss: output `score`") as warned:
        program = hodoscope.compile(
            tmp_path / "net.onnx", calibration=tmp_path / "x.npz", inputs=coarse, accept_loss=True
        )
    assert warned[0].filename == __file__
    assert isinstance(warned[0].message, hodoscope.LossWarning)
    assert warned[0].message.report["loss"]["over"]
    assert program.hash == raised.value.program.hash


def same(arguments: list[object], raised: pytest.ExceptionInfo[hodoscope.Error]) -> None:
    """Compares an exception with what the command says and ends with."""
    done = command(*arguments)
    assert done.returncode == raised.value.exit_code
    assert done.stderr.startswith(f"error: {raised.value}"), (done.stderr, str(raised.value))


def test_errors_are_those_of_the_command(tmp_path: Path) -> None:
    model = network()
    model.graph.node.append(helper.make_node("Strange", ["logit"], ["other"], name="odd"))
    model.graph.output.append(helper.make_tensor_value_info("other", 1, ["events", 1]))
    odd, net, x = tmp_path / "odd.onnx", tmp_path / "net.onnx", tmp_path / "x.npz"
    onnx.save(model, odd)
    onnx.save(network(), net)
    np.savez(x, x=rows(600))
    out = tmp_path / "out"
    cases: list[tuple[list[object], dict[str, object], str]] = [
        ([odd, "--calibration", x], {"calibration": x}, "Strange"),
        ([net], {}, "--calibration X.npz"),
        ([net, "--calibration", x, "--weights=33"], {"calibration": x, "weights": 33}, "33"),
        ([net, "--calibration", x, "--wieghts=8"], {"calibration": x, "wieghts": 8}, "'--weights'"),
        ([net, "--calibration", x, "--judge=score:taste"], {"calibration": x, "judge": "score:taste"}, "taste"),
        ([net, "--calibration", x, "--board=nowhere"], {"calibration": x, "board": ["nowhere"]}, "nowhere"),
        ([tmp_path / "no.onnx"], {}, "no.onnx: no such file"),
        ([net, "--calibration", tmp_path / "no.npz"], {"calibration": tmp_path / "no.npz"}, "no.npz: no such file"),
    ]
    for arguments, options, what in cases:
        with pytest.raises(hodoscope.InputError) as raised:
            hodoscope.compile(arguments[0], out=out, **options)  # type: ignore[arg-type]
        assert what in str(raised.value)
        assert isinstance(raised.value, ValueError)
        assert not out.exists()
        same(["compile", *arguments, "-o", out], raised)


def test_arrays_that_do_not_fit_are_told(pfn: hodoscope.Program, jets: dict[str, np.ndarray], tmp_path: Path) -> None:
    x = jets["x"][:8]
    nan = x.copy()
    nan[3, 0, 1] = np.nan
    text = np.array([["a"]] * 8)
    offsets = np.arange(9)
    rows_nan = np.ones((8, 3), np.float32)
    rows_nan[5, 2] = np.inf
    for arrays, what in [
        ({"y": x}, "no array `x`; the archive holds `y`"),
        ({"x": x[:, :, :2]}, "array `x` has shape (8, 32, 2); expected (events, slots, 3)"),
        ({"x": x[:0]}, "array `x` holds zero events"),
        ({"x": nan}, "array `x`, event 3, element 1: NaN is not a finite number"),
        ({"x": text}, "array `x` has dtype <U1; expected"),
        ({"x": x, "x.count": np.full(7, 3)}, "array `x.count` has shape (7,); expected (8,)"),
        ({"x": np.full((2, 2, 3), 2**64 - 1, np.uint64)}, "is larger than 2^63 − 1"),
    ]:
        with pytest.raises(hodoscope.InputError) as raised:
            pfn.run(arrays)
        assert what in str(raised.value)
        np.savez(tmp_path / "arrays.npz", **arrays)
        done = command("run", pfn.path, "--inputs", tmp_path / "arrays.npz", "-o", tmp_path / "y.npz")
        told = done.stderr.removeprefix("error: ").strip().replace(str(tmp_path / "arrays.npz"), "arrays")
        if "u" != next(iter(arrays.values())).dtype.kind:
            assert str(raised.value) == told
    for arrays, what in [
        ({"x": (offsets, rows_nan)}, "array `x`, event 5, element 2: inf is not a finite number"),
        ({"x": (offsets[::-1], rows_nan)}, "offsets of `x`: offset 7 of event 1"),
        ({"x": (offsets + 1, rows_nan)}, "offsets of `x`: offset 9 of event 8"),
        ({"x": (offsets[:1], rows_nan)}, "zero events"),
        ({"x": (offsets[:0], rows_nan)}, "offsets of `x`"),
        ({"x": (offsets, rows_nan[:, :2])}, "(events, any number, 2); expected (events, any number, 3)"),
        ({"x": (offsets, rows_nan), "x.count": np.ones(8)}, "`x.count` is given twice"),
    ]:
        with pytest.raises(hodoscope.InputError) as raised:
            pfn.run(arrays)
        assert what in str(raised.value), str(raised.value)
    missing = ak.Array([[[1.0, 2.0, 3.0]], None])
    deep = ak.Array([[[1.0, 2.0, 3.0]], [[1.0, 2.0]]])
    for arrays, what in [
        ({"x": missing}, "array `x`: an awkward array has one jagged axis and no missing value"),
        ({"x": ak.Array([[[1.0, None, 3.0]], []])}, "array `x`: an awkward array has"),
        ({"x": deep}, "array `x`: an awkward array has"),
        ({"x": np.ma.masked_equal(np.zeros((2, 2, 3)), 0)}, "array `x` has masked elements"),
        ({"x": [[[1, 2, 3]], []]}, "array `x`: setting an array element with a sequence"),
    ]:
        with pytest.raises(hodoscope.InputError) as raised:
            pfn.run(arrays)
        assert what in str(raised.value), str(raised.value)
    with pytest.raises(TypeError, match="one row of integers"):
        pfn.run({"x": (offsets.astype(float), rows_nan)})
    with pytest.raises(hodoscope.InputError, match="no such directory"):
        hodoscope.Program.load(tmp_path / "nowhere")
    with pytest.raises(TypeError, match="torch.onnx.export"):
        hodoscope.compile(object(), calibration={"x": x})


def test_rows_of_a_network_without_a_set_are_told() -> None:
    program = hodoscope.compile(network(), calibration={"x": rows(600)})
    with pytest.raises(hodoscope.InputError, match=r"different lengths .*; expected \(events, 4\)"):
        program.run({"x": (np.arange(4), rows(3))})


def test_what_the_command_notes_is_a_warning(pfn: hodoscope.Program, jets: dict[str, np.ndarray]) -> None:
    loud = jets["x"][:5].copy()
    loud[0, 0, 0] = 1e6
    with pytest.warns(hodoscope.HodoscopeWarning, match="arrays: 1 values saturated") as warned:
        pfn.run({"x": loud})
    assert warned[0].filename == __file__
    # More constituents than the float network has slots for.
    many = np.tile(jets["x"][:1, :1], (1, 40, 1))[0]
    events = {"x": (np.array([0, 40, 42]), np.concatenate([many, many[:2]]))}
    with pytest.warns(hodoscope.HodoscopeWarning) as warned:
        pfn.evaluate(events, [0, 1])
    told = " ".join(str(warning.message) for warning in warned)
    assert "8 constituents beyond the capacity" in told
    assert "8 rows of `x` are beyond the 32 slots of the float network" in told


def test_a_directory_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/thesis.tex").write_text("mine")
    with pytest.raises(hodoscope.InputError, match="was not made by"):
        hodoscope.compile(network(), calibration={"x": rows(600)}, out=tmp_path / "thesis", force=True)
    assert (tmp_path / "thesis/thesis.tex").read_text() == "mine"


def test_a_broken_compiler_is_a_tool_error(
    pfn: hodoscope.Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HODOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CARGO", raising=False)
    with pytest.raises(hodoscope.ToolError) as raised:
        hodoscope.Program.load(pfn.path).native()
    assert isinstance(raised.value, RuntimeError) and raised.value.exit_code == 3


def test_the_annotations_hold() -> None:
    from mypy import api

    text, errors, code = api.run(
        ["--config-file", str(ROOT / "python/pyproject.toml"), "--cache-dir", str(ROOT / "target/python/mypy"), "-p", "hodoscope"]
    )
    assert code == 0, text + errors
