"""What a crate emitted for one input and one output calls them, and their types."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Words:
    """A field of the event or of the outputs."""

    name: str
    kind: str  # of Rust: i8, i16, i32
    count: int
    array: bool

    @property
    def numpy(self) -> str:
        return f"<i{int(self.kind[1:]) // 8}"

    @property
    def bytes(self) -> int:
        return int(self.kind[1:]) // 8 * self.count


@dataclass(frozen=True)
class Emitted:
    """A crate in the directory that `hodoscope compile` made."""

    package: str
    event: Words
    outputs: Words


def emitted(directory: Path) -> Emitted:
    package = tomllib.loads((directory / "crate/Cargo.toml").read_text())["package"]["name"]
    text = (directory / "crate/src/lib.rs").read_text()
    return Emitted(package.replace("-", "_"), words(text, "Event"), words(text, "Outputs"))


def words(text: str, struct: str) -> Words:
    body = re.search(rf"pub struct {struct} \{{\n(.*?)\n\}}", text, re.S)
    fields = re.findall(r"pub (\w+): (?:\[(i\d+); (\d+)\]|(i\d+)),", body[1] if body else "")
    if len(fields) != 1:
        raise RuntimeError(f"`{struct}` of the emitted crate has {len(fields)} fields, not one")
    name, of_array, count, single = fields[0]
    return Words(name, of_array or single, int(count or 1), not single)


def joined(directory: Path) -> str:
    """Dependencies on an emitted crate and its kernels."""
    package = tomllib.loads((directory / "crate/Cargo.toml").read_text())["package"]["name"]
    return (
        f'{package} = {{ path = "{directory / "crate"}" }}\n'
        f'\n[patch.crates-io]\nhodoscope-kernels = {{ path = "{directory / "kernels"}" }}'
    )
