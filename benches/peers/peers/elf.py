"""Sizes and symbols of an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

BENCH = ".bench"


@dataclass(frozen=True)
class Image:
    """What an image occupies, in bytes, without the bench's buffers."""

    text: int  # code
    rodata: int  # constants
    data: int  # initialised RAM: in flash too
    bss: int  # other RAM
    symbols: dict[str, tuple[int, int]]  # address, size

    @property
    def flash(self) -> int:
        return self.text + self.rodata + self.data

    @property
    def ram(self) -> int:
        return self.data + self.bss

    def window(self) -> str:
        """The two markers, as the plugin takes them."""

        def span(name: str) -> str:
            address, size = self.symbols[name]
            return f"{address & ~1:#x}+{size:#x}"

        return f"begin={span('hodoscope_inference_begin')},end={span('hodoscope_inference_end')}"

    @classmethod
    def read(cls, path: Path) -> Image:
        totals = {"text": 0, "rodata": 0, "data": 0, "bss": 0}
        with path.open("rb") as file:
            elf = ELFFile(file)
            for section in elf.iter_sections():
                flags = section["sh_flags"]
                if not flags & SH_FLAGS.SHF_ALLOC or section.name == BENCH:
                    continue
                if section["sh_type"] == "SHT_NOBITS":
                    kind = "bss"
                elif flags & SH_FLAGS.SHF_WRITE:
                    kind = "data"
                else:
                    kind = "text" if flags & SH_FLAGS.SHF_EXECINSTR else "rodata"
                totals[kind] += section["sh_size"]
            symbols = {
                symbol.name: (symbol["st_value"], symbol["st_size"])
                for symbol in elf.get_section_by_name(".symtab").iter_symbols()
            }
        return cls(**totals, symbols=symbols)
