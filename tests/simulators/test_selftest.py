"""Self-tests of a simulator's component models: what is said, and what is remembered."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecomp import resources
from edgecomp.simulators import SimulatorError, installation
from edgecomp.simulators.installation import Installation, find_installation
from edgecomp.simulators.selftest import Chip, cache_file, check_models
from edgecomp.simulators.toolchain import Toolchain, find_toolchain
from edgecomp.targets import load_board

from .conftest import make_installation, program

CHIP = Chip("some_chip", ["pulp/ne16/ne16", "untested/model"], None, 0x1000, 0x2000)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Test an installation whose simulator runs a script, with a compiler that does nothing."""
    root = make_installation(tmp_path / "gvsoc")
    compiler = Toolchain("gcc", (str(program(tmp_path / "cc", "exit 0")),), ())
    monkeypatch.setattr(installation, "_python", lambda: "/usr/bin/python3")

    def run(script: str) -> None:
        program(root / "bin" / "gvsoc", script)
        check_models(Installation(root), CHIP, compiler)

    return run


def model(tmp_path: Path) -> Path:
    return tmp_path / "gvsoc" / "models" / "pulp" / "ne16" / "ne16.so"


def test_right_values_are_remembered_for_the_model_as_it_is(
    check: Callable[[str], None], tmp_path: Path
) -> None:
    check("echo '@ec selftest 0 0'")
    check("echo '@ec selftest 5 0'")  # not run
    os.utime(model(tmp_path), (1, 1))
    with pytest.raises(SimulatorError, match="computes wrong values .*ne16: 5 differ"):
        check("echo '@ec selftest 5 0'")


def test_wrong_values_are_remembered_too_and_the_way_out_is_named(
    check: Callable[[str], None],
) -> None:
    for script in ("echo '@ec selftest 2000 31'", "exit 1"):
        with pytest.raises(SimulatorError, match="2031 differ") as caught:
            check(script)
        assert "XTENSOR_USE_XSIMD" in caught.value.hint


@pytest.mark.parametrize("script", ["echo broken; exit 3", "echo '@ec selftest no answer'"])
def test_no_result_is_an_error_and_not_remembered(
    check: Callable[[str], None], script: str
) -> None:
    with pytest.raises(SimulatorError, match="gave no result"):
        check(script)
    assert not cache_file().exists()
    check("echo '@ec selftest 0 0'")


@pytest.mark.parametrize("content", ["", "[]", "not json"])
def test_a_damaged_cache_is_made_anew(check: Callable[[str], None], content: str) -> None:
    cache_file().parent.mkdir(parents=True)
    cache_file().write_text(content)
    check("echo '@ec selftest 0 0'")
    assert "[" in cache_file().read_text()


def test_a_cache_that_cannot_be_written_is_no_error(
    check: Callable[[str], None], cache: Path
) -> None:
    cache.write_text("a file where the folder should be")
    check("echo '@ec selftest 0 0'")


@pytest.mark.gvsoc
@pytest.mark.usefixtures("gvsoc")
def test_the_installation_here_computes_right_values() -> None:
    board = load_board("gap9_evk")
    assert board.gvsoc is not None
    places = board.gvsoc.memory_map
    folder = resources.folder("boards") / "gvsoc"
    chip = Chip(board.gvsoc.target, board.gvsoc.models, folder, places.l1, places.l2)
    check_models(find_installation(), chip, find_toolchain())
    assert "pulp/ne16/ne16.so" in cache_file().read_text()
