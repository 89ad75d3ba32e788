"""Arrays of events: numpy, awkward, offsets with content, or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._awkward import is_awkward, of_awkward
from ._errors import InputError, done, failed
from ._files import is_elsewhere, read

#: Events of one input: an array, whose first axis are the events; or ``(offsets, content)``, where event ``e`` has the rows
#: ``content[offsets[e]:offsets[e + 1]]``; or an awkward array with one jagged axis.
Events: TypeAlias = Union[ArrayLike, tuple[ArrayLike, ArrayLike], Any]

#: Events of all inputs by name; or, for a program with one input, its events alone; or the path of a file with these arrays.
Arrays: TypeAlias = Union[Mapping[str, Events], "os.PathLike[str]", str, Events]


def native(arrays: Arrays, source: str, only: str | None = None) -> _native.Arrays:
    """Arrays as the compiler takes them.

    Args:
        arrays: By name; or a file; or what the input ``only`` has.
        source: What messages call them.
        only: Name of the only input.
    """
    if isinstance(arrays, (str, os.PathLike)):
        if not is_elsewhere(arrays):
            return done(_native.Arrays.read(os.fspath(arrays)))
        arrays = read(arrays)
    if not isinstance(arrays, Mapping):
        if only is None:
            raise TypeError(f"{source}: expected a dictionary of arrays by name of the input, not {type(arrays).__name__}")
        arrays = {only: arrays}
    taken = _native.Arrays(source)
    for name, events in arrays.items():
        put(taken, name, events)
    return taken


def put(taken: _native.Arrays, name: str, events: Events) -> None:
    """Puts in the events of one array."""
    if is_awkward(events):
        try:
            events = of_awkward(events)
        except ValueError as error:
            raise InputError(f"array `{name}`: an awkward array has one jagged axis and no missing value: {error}") from error
    if isinstance(events, tuple) and len(events) == 2:
        offsets = np.asarray(events[0])
        if offsets.ndim != 1 or offsets.dtype.kind not in "iu":
            raise TypeError(
                f"offsets of `{name}` are one row of integers, not {offsets.dtype} of shape {offsets.shape}"
            )
        content, dtype = plain(name, events[1])
        if content is None:
            taken.put_unread(name, dtype)
            return
        offsets = np.ascontiguousarray(offsets, dtype=np.int64)
        failure = taken.put_rows(name, dtype, content, offsets)
    else:
        content, dtype = plain(name, events)
        if content is None:
            taken.put_unread(name, dtype)
            return
        failure = taken.put(name, dtype, content)
    if failure is not None:
        raise failed(failure)


def plain(name: str, values: ArrayLike) -> tuple[NDArray[Any] | None, str]:
    """Row-major and of a type that the compiler takes; nothing where there is none. And the type that it had."""
    if np.ma.isMaskedArray(values) and np.ma.is_masked(values):
        raise InputError(f"array `{name}` has masked elements, which have no value: fill them, or leave their events out")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(f"array `{name}`: {error}") from error
    kind, size, dtype = array.dtype.kind, array.dtype.itemsize, array.dtype.str
    if kind == "f" and size <= 8:
        # Half precision fits into single.
        wanted = np.dtype(np.float64 if size == 8 else np.float32)
    elif kind == "u" and size == 8:
        wanted = np.dtype(np.uint64)
    elif kind in "iub":
        wanted = np.dtype(np.int64)
    else:
        return None, dtype
    # Not `ascontiguousarray`: it would make a row of a single number.
    return np.require(array, wanted, ["C", "A"]), dtype
