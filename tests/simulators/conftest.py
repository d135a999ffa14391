"""A GVSoC and a compiler that only pretend, for everything that needs neither."""

from __future__ import annotations

import stat
import struct
from pathlib import Path

import pytest

from edgecomp.simulators import installation, toolchain

L2 = 0x1C010000


def elf(functions: dict[str, tuple[int, int]], sections: dict[int, int]) -> bytes:
    """A 32-bit ELF file: functions name -> (address, size), allocated sections address -> size."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in functions)
    symbols = b"\0" * 16
    place = 1
    for name, (address, size) in functions.items():
        symbols += struct.pack("<IIIBBH", place, address, size, 2, 0, 1)
        place += len(name) + 1
    body = 52
    headers = [(0, 0, 0, 0, 0, 0)]
    headers += [(8, 2, address, body, size, 0) for address, size in sections.items()]
    headers += [(2, 0, 0, body, len(symbols), len(headers) + 1)]
    headers += [(3, 0, 0, body + len(symbols), len(names), 0)]
    table = body + len(symbols) + len(names)
    head = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIIIIIHHHHHH", 2, 243, 1, 0, 0, table, 0, 52, 0, 0, 40, len(headers), 0)
    text = b"".join(struct.pack("<10I", 0, *fields, 0, 4, 16) for fields in headers)
    return head + symbols + names + text


def program(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def make_installation(root: Path, script: str = "exit 0") -> Path:
    """A GVSoC that has everything; its program is ``script``."""
    program(root / "bin" / "gvsoc", script)
    chip = root / "generators" / "pulp" / "chips" / "pulp_open" / "pulp_open.py"
    chip.parent.mkdir(parents=True)
    chip.write_text("class PulpOpenAttr: ...\n")
    (root / "python").mkdir()
    engine = root / "models" / "pulp" / "ne16" / "ne16.so"
    engine.parent.mkdir(parents=True)
    engine.touch()
    return root


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A path with nothing on it but what a test puts into the folder that this gives."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(installation.VARIABLE, raising=False)
    monkeypatch.delenv(toolchain.VARIABLE, raising=False)
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda _name: None)
    return folder
