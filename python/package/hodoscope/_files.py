"""Files that physicists have, as arrays of events."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from ._awkward import of_awkward
from ._errors import InputError

#: An array whose first axis are the events, or offsets and content.
Column: TypeAlias = Union[NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]

#: Columns of each input: `{"x": ["Jet_pt", "Jet_eta", "Jet_phi"], "labels": "is_signal"}`.
Mapped: TypeAlias = Mapping[str, Union[str, Sequence[str]]]


def read(path: str | os.PathLike[str], map: Mapped | None = None) -> dict[str, Column]:
    """Events of a file: ROOT, parquet, HDF5, npz or npy.

    Args:
        path: The file. `FILE:TREE` names a tree or RNTuple of a ROOT file, or a group of an HDF5 file; a ROOT file with a single
            one needs no name.
        map: For each input the columns that are its words, in their order, or the one column that it is. Other columns are not
            read. Without it each column is an input of its name, and columns that hold no numbers are left out.

    Returns:
        For each input an array whose first axis are the events, or, where these have different lengths, `(offsets, content)`:
        what `Program.run` and `compile` take.

    Raises:
        InputError: When the file or a column is missing, damaged, or holds no numbers.
    """
    file, tree = split(os.fspath(path))
    kind = kind_of(file)
    wanted = None if map is None else [column for of in map.values() for column in ([of] if isinstance(of, str) else of)]
    columns = READERS[kind](file, tree, wanted)
    if map is None:
        return columns
    return {name: _input(file, name, of, columns) for name, of in map.items()}


def convert(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    map: Mapped | None = None,
    *,
    force: bool = False,
) -> None:
    """Writes the events of a file as an npz archive, which the command reads.

    Events of different lengths get as many slots as the longest one needs, and `NAME.count` says how many are filled.

    Args:
        path: As for `read`.
        out: The archive, `.npz`.
        map: As for `read`.
        force: Replace a file that is there.

    Raises:
        InputError: As `read`, and when `out` exists.
    """
    target = Path(out)
    if target.suffix != ".npz":
        raise InputError(f"{target}: the name of an archive ends with .npz")
    if target.exists() and not force:
        raise InputError(f"{target}: exists; force=True replaces it. Nothing was written")
    arrays: dict[str, NDArray[Any]] = {}
    for name, column in read(path, map).items():
        if isinstance(column, tuple):
            arrays[name], arrays[f"{name}.count"] = padded(*column)
        else:
            arrays[name] = column
    # It appears when it is whole.
    part = target.with_name(f".{target.name}.{os.getpid()}.npz")
    try:
        np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def padded(offsets: NDArray[Any], content: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """As many slots for each event as the longest one needs, and how many are filled."""
    counts = np.diff(offsets)
    slots = int(counts.max(initial=0))
    dense = np.zeros((len(counts), slots, *content.shape[1:]), content.dtype)
    dense[np.arange(slots) < counts[:, np.newaxis]] = content[offsets[0] : offsets[-1]]
    return dense, counts


def split(path: str) -> tuple[Path, str | None]:
    """File and tree of `FILE:TREE`."""
    if ":" in path and not os.path.exists(path):
        file, _, tree = path.rpartition(":")
        if os.path.isfile(file):
            return Path(file), tree
    return Path(path), None


def kind_of(file: Path) -> str:
    """What a file is, by its first bytes."""
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be opened: {error.strerror}") from error
    for begin, kind in ((b"root", "root"), (b"PAR1", "parquet"), (b"\x89HDF", "hdf5")):
        if head.startswith(begin):
            return kind
    return "numpy"


def is_elsewhere(path: str | os.PathLike[str]) -> bool:
    """Whether a file is there that the compiler does not read itself."""
    try:
        return kind_of(split(os.fspath(path))[0]) != "numpy"
    except InputError:
        # The compiler says what is wrong with it.
        return False


def _input(file: Path, name: str, of: str | Sequence[str], columns: Mapping[str, Column]) -> Column:
    """An input of one column, or with several as its words."""
    if isinstance(of, str):
        return columns[of]
    if not of:
        raise InputError(f"{file}: `{name}` is mapped to no column")
    parts = [columns[column] for column in of]
    jagged = [part for part in parts if isinstance(part, tuple)]
    contents = [part[1] if isinstance(part, tuple) else part for part in parts]
    integers = [content.dtype.kind in "iub" for content in contents]
    for column, content, integer in zip(of, contents, integers):
        if integer != integers[0]:
            raise InputError(
                f"{file}: `{name}`: `{of[0]}` is {contents[0].dtype}, `{column}` is {content.dtype}: "
                "integers are words and floats are values; an input has one of them"
            )
    if not jagged:
        shapes = {content.shape for content in contents}
        if len(shapes) > 1:
            raise InputError(f"{file}: `{name}`: its columns differ in shape: {_listed(of, contents)}")
        return np.stack(contents, axis=-1)
    offsets = jagged[0][0]
    for column, part in zip(of, parts):
        if not isinstance(part, tuple) or not np.array_equal(part[0], offsets):
            raise InputError(f"{file}: `{name}`: `{column}` has other numbers of rows per event than `{of[0]}`")
    return offsets, np.stack(contents, axis=-1)


def _listed(names: Sequence[str], arrays: Sequence[NDArray[Any]]) -> str:
    return ", ".join(f"`{name}` {array.shape}" for name, array in zip(names, arrays))


def _chosen(file: Path, there: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    """Columns to read, each of which must be there."""
    if wanted is None:
        return list(there)
    for column in wanted:
        if column not in there:
            some = ", ".join(f"`{name}`" for name in there[:30]) + (", …" if len(there) > 30 else "")
            raise InputError(f"{file}: no column `{column}`; the file holds {some}")
    return list(dict.fromkeys(wanted))


def _numeric(file: Path, name: str, column: Column, wanted: Sequence[str] | None) -> bool:
    """Whether it holds numbers; one that was asked for must."""
    content = column[1] if isinstance(column, tuple) else column
    if content.dtype.kind in "iubf":
        return True
    if wanted is None:
        return False
    raise InputError(f"{file}: column `{name}` has dtype {content.dtype}; expected numbers")


def _needs(file: Path, kind: str, package: str) -> InputError:
    return InputError(f"{file}: {kind} is read by the package {package}: `pip install {package}`")


def _root(file: Path, tree: str | None, wanted: Sequence[str] | None) -> dict[str, Column]:
    try:
        import uproot
    except ModuleNotFoundError:
        raise _needs(file, "a ROOT file", "uproot") from None
    with uproot.open(file) as opened:
        classes: dict[str, str] = opened.classnames(recursive=True, cycle=False)
        trees = [name for name, kind in classes.items() if kind.startswith("TTree") or "RNTuple" in kind]
        if tree is None and len(trees) == 1:
            tree = trees[0]
        if tree is None or tree not in trees:
            what = f"no tree `{tree}`" if tree is not None else "which tree? Name it, FILE:TREE"
            raise InputError(f"{file}: {what}; the file holds {', '.join(f'`{t}`' for t in trees) or 'none'}")
        branches = opened[tree]
        columns: dict[str, Column] = {}
        for name in _chosen(file, branches.keys(), wanted):
            try:
                column = of_awkward(branches[name].array())
            except Exception as error:
                if wanted is None:
                    continue
                raise InputError(f"{file}: column `{name}` cannot be read as numbers: {error}") from error
            if _numeric(file, name, column, wanted):
                columns[name] = column
        return columns


def _parquet(file: Path, tree: str | None, wanted: Sequence[str] | None) -> dict[str, Column]:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise _needs(file, "a parquet file", "pyarrow") from None
    if tree is not None:
        raise InputError(f"{file}: a parquet file has no tree `{tree}`")
    try:
        opened = parquet.ParquetFile(file)
        names = _chosen(file, opened.schema_arrow.names, wanted)
        table = opened.read(columns=names)
    except arrow.ArrowException as error:
        raise InputError(f"{file}: {error}") from error
    columns: dict[str, Column] = {}
    for name in names:
        try:
            column = _of_arrow(table[name].combine_chunks(), arrow)
        except (arrow.ArrowException, ValueError) as error:
            if wanted is None:
                continue
            raise InputError(f"{file}: column `{name}` cannot be read as numbers: {error}") from error
        if _numeric(file, name, column, wanted):
            columns[name] = column
    return columns


def _of_arrow(values: Any, arrow: Any) -> Column:
    if isinstance(values, arrow.ChunkedArray):
        values = arrow.concat_arrays(values.chunks) if values.num_chunks else arrow.array([], values.type)
    if values.null_count:
        raise ValueError(f"{values.null_count} of its values are missing")
    kind = values.type
    if arrow.types.is_fixed_size_list(kind):
        content = _of_arrow(values.flatten(), arrow)
        if isinstance(content, tuple):
            raise ValueError(f"lists within lists, {kind}")
        return content.reshape(len(values), kind.list_size, *content.shape[1:])
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
        content = _of_arrow(values.flatten(), arrow)
        if isinstance(content, tuple):
            raise ValueError(f"lists within lists, {kind}")
        offsets = np.asarray(values.offsets, dtype=np.int64)
        return _regular(offsets - offsets[0], content)
    array: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return array


def _regular(offsets: NDArray[Any], content: NDArray[Any]) -> Column:
    """A plain array where all events have one length, as other readers give it."""
    counts = np.diff(offsets)
    if len(counts) and counts[0] > 0 and (counts == counts[0]).all():
        return content.reshape(len(counts), int(counts[0]), *content.shape[1:])
    return offsets, content


def _hdf5(file: Path, tree: str | None, wanted: Sequence[str] | None) -> dict[str, Column]:
    try:
        import h5py
    except ModuleNotFoundError:
        raise _needs(file, "an HDF5 file", "h5py") from None
    with h5py.File(file) as opened:
        if tree is not None and not isinstance(opened.get(tree), h5py.Group):
            raise InputError(f"{file}: no group `{tree}`; the file holds {', '.join(f'`{name}`' for name in opened)}")
        group = opened if tree is None else opened[tree]
        there = [name for name, of in group.items() if isinstance(of, h5py.Dataset)]
        columns: dict[str, Column] = {}
        for name in _chosen(file, there, wanted):
            column = np.asarray(group[name][()])
            if _numeric(file, name, column, wanted):
                columns[name] = column
        return columns


def _numpy(file: Path, tree: str | None, wanted: Sequence[str] | None) -> dict[str, Column]:
    if tree is not None:
        raise InputError(f"{file}: an archive has no tree `{tree}`")
    try:
        loaded = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{file}: not a ROOT, parquet, HDF5, npz or npy file: {error}") from error
    if isinstance(loaded, np.ndarray):
        loaded = {file.stem: loaded}
    columns: dict[str, Column] = {}
    for name in _chosen(file, list(loaded), wanted):
        if _numeric(file, name, loaded[name], wanted):
            columns[name] = loaded[name]
    return columns


READERS: dict[str, Callable[[Path, str | None, Sequence[str] | None], dict[str, Column]]] = {
    "root": _root,
    "parquet": _parquet,
    "hdf5": _hdf5,
    "numpy": _numpy,
}
