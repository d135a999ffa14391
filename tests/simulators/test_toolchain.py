"""Which compiler is taken for the chip, and with which options."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from edgecomp.simulators import SimulatorError, toolchain
from edgecomp.simulators.toolchain import describe, find_toolchain

from .conftest import program


def test_gcc_is_preferred_to_clang(nothing: Path) -> None:
    for name in ("clang", "ld.lld", "riscv32-unknown-elf-gcc"):
        program(nothing / name, "exit 0")
    assert find_toolchain().command == ("riscv32-unknown-elf-gcc",)


def test_clang_needs_its_linker(nothing: Path) -> None:
    program(nothing / "clang-19", "exit 0")
    with pytest.raises(SimulatorError, match="no C compiler for RISC-V"):
        find_toolchain()
    program(nothing / "ld.lld-19", "exit 0")
    found = find_toolchain()
    assert found.command == ("clang-19",)
    assert "-fuse-ld=lld-19" in found.options


def test_zig_is_the_last_resort(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SimpleNamespace(name="ziglang")
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda _name: spec)
    assert find_toolchain().command[1:] == ("-m", "ziglang", "cc")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("my-clang --verbose", "clang"), ("vendor-gcc", "gcc"), ("zig cc", "zig")],
)
def test_the_variable_comes_first(
    nothing: Path, monkeypatch: pytest.MonkeyPatch, text: str, kind: str
) -> None:
    program(nothing / "riscv64-unknown-elf-gcc", "exit 0")
    program(nothing / text.split()[0], "exit 0")
    monkeypatch.setenv(toolchain.VARIABLE, text)
    found = find_toolchain()
    assert found.name == kind
    assert found.command == tuple(text.split())


def test_a_variable_that_names_nothing_is_an_error(
    nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(toolchain.VARIABLE, "absent-gcc")
    with pytest.raises(SimulatorError, match="names absent-gcc, which is not there"):
        find_toolchain()


def test_the_version_is_told(nothing: Path) -> None:
    program(nothing / "riscv64-unknown-elf-gcc", "echo version 7")
    assert describe(find_toolchain()) == "riscv64-unknown-elf-gcc, version 7"
