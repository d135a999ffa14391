"""What is needed of 32-bit little-endian ELF files: sizes of memories, names of functions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgecomp.errors import EdgecompError

_SYMBOLS = 2
_ALLOCATED = 2
_FUNCTION = 2


@dataclass(frozen=True)
class Section:
    """A section header: `kind`, `flags`, address, place in the file, bytes, and `link`."""

    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


class Elf:
    """An ELF file read as a whole. Raises EdgecompError for anything else."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        if self._data[:6] != b"\x7fELF\x01\x01":
            raise EdgecompError(f"{path} is not a 32-bit little-endian ELF file")
        self._sections = list(self._read_sections())
        self.functions = sorted(self._read_functions())
        """Address, bytes and name of every function, by address."""

    def end(self, base: int, size: int) -> int:
        """Bytes from ``base`` to the end of the last section within [base, base + size)."""
        ends = (
            section.address + section.size
            for section in self._sections
            if section.flags & _ALLOCATED and base <= section.address < base + size
        )
        return max(ends, default=base) - base

    def function(self, address: int) -> str:
        """The function that holds ``address``; empty where there is none."""
        for start, size, name in self.functions:
            if start <= address < start + max(size, 1):
                return name
        return ""

    def _read_sections(self) -> Iterator[Section]:
        offset = struct.unpack_from("<I", self._data, 32)[0]
        entry, count = struct.unpack_from("<HH", self._data, 46)
        for index in range(count):
            fields = struct.unpack_from("<10I", self._data, offset + index * entry)
            yield Section(fields[1], fields[2], fields[3], fields[4], fields[5], fields[6])

    def _read_functions(self) -> Iterator[tuple[int, int, str]]:
        for table in (section for section in self._sections if section.kind == _SYMBOLS):
            names = self._sections[table.link].offset
            for offset in range(table.offset, table.offset + table.size, 16):
                name, value, size, info = struct.unpack_from("<IIIB", self._data, offset)
                if info & 0xF == _FUNCTION:
                    end = self._data.index(b"\0", names + name)
                    yield value, size, self._data[names + name : end].decode(errors="replace")
