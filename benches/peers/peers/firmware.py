"""Builds an engine's bench firmware: a generated crate that joins the engine with the bench."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


class Missing(Exception):
    """A tool or source that an engine needs is not there."""


@dataclass(frozen=True)
class Core:
    """A core and the machine that emulates it."""

    name: str
    target: str
    rustc: tuple[str, ...]
    gcc: tuple[str, ...]
    compiler: str
    emulator: tuple[str, ...]
    cost: str
    script: str


ARM = "qemu-system-arm", "-machine"

CORES = {
    core.name: core
    for core in (
        Core(
            "cortex-m4",
            "thumbv7em-none-eabihf",
            ("-Ctarget-cpu=cortex-m4",),
            ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
            "arm-none-eabi",
            (*ARM, "mps2-an386"),
            "cortex-m4",
            "arm.x",
        ),
        Core(
            "cortex-m0plus",
            "thumbv6m-none-eabi",
            ("-Ctarget-cpu=cortex-m0plus",),
            ("-mcpu=cortex-m0plus", "-mthumb", "-mfloat-abi=soft"),
            "arm-none-eabi",
            # It runs the older instruction set as it is.
            (*ARM, "mps2-an385"),
            "cortex-m0plus",
            "arm.x",
        ),
        Core(
            "rv32im",
            "riscv32imac-unknown-none-elf",
            (),
            ("-march=rv32imac", "-mabi=ilp32", "-mcmodel=medany", "-msmall-data-limit=0"),
            "riscv64-unknown-elf",
            ("qemu-system-riscv32", "-bios", "none", "-machine", "virt"),
            "vexriscv-full",
            "riscv32.x",
        ),
    )
}


@dataclass
class Crate:
    """What is particular to an engine's crate."""

    main: str
    dependencies: str = ""
    sources: dict[str, str] = field(default_factory=dict)
    library: Path | None = None


def build(place: Path, core: Core, crate: Crate) -> Path:
    """The firmware, built in `place`."""
    (place / "src").mkdir(parents=True, exist_ok=True)
    write(
        place / "Cargo.toml",
        f"""[workspace]

[package]
name = "peer"
version = "0.1.0"
edition = "2024"

[[bin]]
name = "peer"
path = "src/main.rs"
test = false

[dependencies]
hodoscope-peers-bare = {{ path = "{HERE / 'bare'}" }}
{crate.dependencies}

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
panic = "abort"
debug = false
""",
    )
    write(place / "src/main.rs", crate.main)
    for name, text in crate.sources.items():
        write(place / "src" / name, text)
    flags = [*core.rustc, f"-Clink-arg=-T{HERE / 'bare' / core.script}", "-Clink-arg=--nmagic"]
    if crate.library is not None:
        flags += [f"-Lnative={crate.library.parent}"]
        for name in ("libc.a", "libm.a", "libgcc.a"):
            found = output([gcc(core), *core.gcc, f"-print-file-name={name}"]).strip()
            flags += [f"-Clink-arg={found}"]
    environment = dict(os.environ, CARGO_ENCODED_RUSTFLAGS="\x1f".join(flags))
    environment.pop("RUSTFLAGS", None)
    target = place.parent / "target"
    command = ["cargo", "build", "--release", "--quiet", "--target", core.target, "--target-dir", str(target)]
    run(command, cwd=place, env=environment)
    elf = place / "peer.elf"
    elf.write_bytes((target / core.target / "release/peer").read_bytes())
    return elf


def c_library(place: Path, core: Core, sources: list[Path], includes: list[Path], flags: tuple[str, ...]) -> Path:
    """`libengine.a` of C sources."""
    place.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in sources:
        target = place / f"{source.stem}.o"
        command = [gcc(core), *core.gcc, *flags, "-std=gnu11", "-ffunction-sections", "-fdata-sections", "-w"]
        command += [f"-I{include}" for include in includes]
        run([*command, "-c", str(source), "-o", str(target)])
        objects.append(str(target))
    library = place / "libengine.a"
    library.unlink(missing_ok=True)
    run([f"{core.compiler}-ar", "rcs", str(library), *objects])
    return library


def gcc(core: Core) -> str:
    return f"{core.compiler}-gcc"


def template(name: str, **values: object) -> str:
    text = (HERE / "engines" / f"{name}.rs").read_text()
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", str(value))
    return text


def write(path: Path, text: str) -> None:
    """Writes a file, unless it is as it should be: cargo looks at times."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(command: list[str], **options: object) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, **options)
    except FileNotFoundError as error:
        raise Missing(f"`{command[0]}` is not there") from error
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(command[:6])} …` failed:\n{(done.stderr or done.stdout)[-3000:]}")


def output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise Missing(f"`{command[0]}` is not there") from error
