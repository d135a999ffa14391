"""Finding GVSoC, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecomp.simulators import SimulatorError, installation, select_simulator
from edgecomp.simulators.installation import Installation, find_installation
from edgecomp.targets import load_board

from .conftest import make_installation, program

NE16 = ["pulp/ne16/ne16"]


def test_without_any_the_message_says_how_to_get_one(nothing: Path) -> None:
    with pytest.raises(SimulatorError, match="GVSoC is not on this computer") as caught:
        find_installation()
    assert installation.VARIABLE in caught.value.hint


def test_the_path_is_searched(nothing: Path, tmp_path: Path) -> None:
    root = make_installation(tmp_path / "gvsoc")
    (nothing / "gvsoc").symlink_to(root / "bin" / "gvsoc")
    assert find_installation().root == root.resolve()


@pytest.mark.parametrize("place", ["", "bin/gvsoc", ".."])
def test_the_variable_names_the_folder_the_program_or_the_source_tree(
    nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    root = make_installation(tmp_path / "install")
    monkeypatch.setenv(installation.VARIABLE, str(root / place))
    assert find_installation().root == root.resolve()


def test_a_wrong_path_is_named(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(installation.VARIABLE, "/absent/gvsoc")
    wrong = f"{installation.VARIABLE} names /absent/gvsoc, which does not exist"
    with pytest.raises(SimulatorError, match=wrong) as caught:
        find_installation()
    assert installation.VARIABLE in caught.value.hint
    assert "--simulator host" in caught.value.hint


def test_a_folder_without_gvsoc_is_named(
    nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(installation.VARIABLE, str(tmp_path))
    with pytest.raises(SimulatorError, match="holds no bin/gvsoc"):
        find_installation()


def test_a_program_that_cannot_be_executed_is_named(
    nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_installation(tmp_path / "gvsoc")
    (root / "bin" / "gvsoc").chmod(0o644)
    monkeypatch.setenv(installation.VARIABLE, str(root))
    with pytest.raises(SimulatorError, match=f"{installation.VARIABLE} .* cannot be executed"):
        find_installation()


def test_a_whole_installation_passes(tmp_path: Path) -> None:
    Installation(make_installation(tmp_path / "gvsoc")).check(NE16, "gap9_gvsoc")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("python", "is broken: it has no folder python"),
        ("generators/pulp/chips/pulp_open/pulp_open.py", "built without the chip pulp-open"),
        ("models/pulp/ne16/ne16.so", "lacks the model pulp/ne16/ne16 that gap9_gvsoc needs"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, path: str, message: str) -> None:
    root = make_installation(tmp_path / "gvsoc")
    missing = root / path
    missing.rmdir() if missing.is_dir() else missing.unlink()
    with pytest.raises(SimulatorError, match=message):
        Installation(root).check(NE16, "gap9_gvsoc")


def test_an_old_version_is_named(tmp_path: Path) -> None:
    root = make_installation(tmp_path / "gvsoc")
    (root / "generators/pulp/chips/pulp_open/pulp_open.py").write_text("class Pulp_open: ...\n")
    with pytest.raises(SimulatorError, match="too old"):
        Installation(root).check([], "pulp-open")


def test_the_stock_chip_needs_no_ne16(tmp_path: Path) -> None:
    root = make_installation(tmp_path / "gvsoc")
    (root / "models/pulp/ne16/ne16.so").unlink()
    board = load_board("pulp_open")
    assert board.gvsoc is not None
    Installation(root).check(board.gvsoc.models, board.gvsoc.target)


def test_scripts_run_with_a_python_that_has_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = program(tmp_path / "with" / "python3", "exit 0")
    monkeypatch.setenv("PATH", str(python.parent))
    monkeypatch.setattr(installation.sys, "executable", str(program(tmp_path / "py", "exit 1")))
    installation._python.cache_clear()
    try:
        environment = Installation(tmp_path).environment()
    finally:
        installation._python.cache_clear()
    assert environment["PATH"].startswith(f"{python.parent}:")


def test_without_such_a_python_the_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(installation.sys, "executable", str(program(tmp_path / "py", "exit 1")))
    installation._python.cache_clear()
    with pytest.raises(SimulatorError, match="no Python here") as caught:
        Installation(tmp_path).environment()
    assert "pip install rich prettytable" in caught.value.hint
    assert "edgecomp[gvsoc]" in caught.value.hint


def test_auto_is_the_host_unless_the_variable_is_set(
    nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(nothing / "gvsoc", "exit 0")
    program(nothing / "riscv64-unknown-elf-gcc", "exit 0")
    assert select_simulator("auto").name == "host"
    monkeypatch.setenv(installation.VARIABLE, str(make_installation(tmp_path / "gvsoc")))
    assert select_simulator("auto").name == "gvsoc"
    assert select_simulator("auto", sanitize=True).name == "host"


def test_gvsoc_without_a_compiler_is_an_error(
    nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(installation.VARIABLE, str(make_installation(tmp_path / "gvsoc")))
    with pytest.raises(SimulatorError, match="no C compiler for RISC-V") as caught:
        select_simulator("gvsoc")
    assert "ziglang" in caught.value.hint
