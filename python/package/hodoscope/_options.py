"""Keyword arguments as options of the command, and dictionaries as TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def arguments(options: Mapping[str, Any]) -> list[str]:
    """``weights=16`` is ``--weights=16``; true is an option alone, false and nothing is none.

    Lists give an option several times, dictionaries give it NAME=VALUE.
    """
    given: list[str] = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            given.append(option)
        elif isinstance(value, Mapping):
            given += [f"{option}={key}={of}" for key, of in value.items()]
        elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            given += [f"{option}={of}" for of in value]
        else:
            given.append(f"{option}={value}")
    return given


def toml(value: Mapping[str, Any]) -> str:
    """A dictionary as TOML: tables within tables are written in line."""
    return "".join(f"{json.dumps(key)} = {_inline(of, key)}\n" for key, of in value.items() if of is not None)


def _inline(value: Any, key: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)} = {_inline(v, k)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_inline(of, key) for of in value) + "]"
    if isinstance(value, int):
        return str(value)
    # Also numpy's numbers; `repr` has each digit of a double.
    if hasattr(value, "__float__"):
        number = value.item() if hasattr(value, "item") else value
        return str(number) if isinstance(number, int) else repr(float(number))
    raise TypeError(f"inputs: `{key}` is {type(value).__name__}, not text, a number, a list or a dictionary")
