"""The command lines, and running them with programs that only say what they were given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgecomp.cli import cli
from edgecomp.flashing import FlashError, flash_board, plan_commands
from edgecomp.flashing.commands import SETTINGS
from edgecomp.resources import folder
from edgecomp.targets import Board, load_board


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A build, as far as flashing looks at it, in a folder with a blank in its name."""
    project = tmp_path / "my build" / "firmware" / "gap_sdk"
    project.mkdir(parents=True)
    (project / "CMakeLists.txt").write_text("set(TARGET_NAME edgecomp_net)\n")
    (project / "app_config.h").touch()
    (project.parent / "weights.bin").write_bytes(b"weights")
    return tmp_path / "my build"


@pytest.fixture
def board() -> Board:
    return load_board("gap9_evk")


@pytest.fixture
def sdk(tmp_path: Path) -> dict[str, str]:
    """An environment with an SDK whose gapy and a cmake that print their arguments."""
    home, programs = tmp_path / "sdk", tmp_path / "bin"
    gapy = home / "utils" / "gapy_v2" / "bin" / "gapy"
    for program, text in ((gapy, "gapy"), (programs / "cmake", "cmake")):
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\necho {text} "$@"\n')
        program.chmod(0o755)
    return {"GAP_SDK_HOME": str(home), "PATH": f"{programs}:/usr/bin:/bin"}


def test_every_flash_property_stands_before_the_commands(directory: Path, board: Board) -> None:
    line = plan_commands(directory, board, {})[-1].arguments
    assert line[0] == "$GAP_SDK_HOME/utils/gapy_v2/bin/gapy"
    commands = line.index("image")
    assert line[commands : commands + 3] == ("image", "flash", "run")
    assert line[commands + 3].startswith("--binary=")
    assert len(line) == commands + 4
    wanted = [
        "--target=gap9.evk",
        "--platform=board",
        "--target-property=boot.flash_device=mram",
        "--target-property=boot.mode=flash",
        "--openocd-cable=",
        "--openocd-script=",
        "--openocd-tools=",
        "--multi-flash-content=",
        "--flash-property=",
    ]
    places = [next(i for i, each in enumerate(line) if each.startswith(mark)) for mark in wanted]
    assert places == sorted(places)
    assert all(i < commands for i, each in enumerate(line) if "--flash-property" in each)
    weights = directory.resolve() / "firmware" / "weights.bin"
    assert f"--flash-property={weights}@flash:readfs_flash:files" in line


def test_a_dry_run_needs_nothing_and_prints_lines_for_a_shell(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GAP_SDK_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    done = CliRunner().invoke(cli, ["flash", str(directory), "--board", "gap9_evk", "--dry-run"])
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [shlex.split(line)[0] for line in lines] == ["cmake"] * 4 + ["cd"]
    cable = "--openocd-cable=$GAP_SDK_HOME/utils/openocd_tools/tcl/gapuino_ftdi.cfg"
    assert cable in shlex.split(lines[-1])
    assert str(directory.resolve()) in shlex.split(lines[0])[2]


def test_settings_of_the_application_are_handed_on_and_those_of_before_forgotten(
    directory: Path, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "driver.c").touch()
    monkeypatch.chdir(tmp_path)
    given = {"EC_APP_HOP": "50", "EDGECOMP_SOURCE": "driver.c"}
    line = plan_commands(directory, board, {}, settings=given)[0].arguments
    assert "-DEC_APP_HOP=50" in line and f"-DEDGECOMP_SOURCE={tmp_path / 'driver.c'}" in line
    assert "-UEC_APP_COUNT" in line and "-UEC_APP_HOP" not in line
    for name, value, reason in (
        ("EC_APP_HOPS", "50", "no setting EC_APP_HOPS"),
        ("EDGECOMP_SOURCE", "other.c", "no file .*other.c"),
        ("EC_APP_HOP", "2.5", "EC_APP_HOP=2.5 is not possible"),
        ("EC_APP_COUNT", "-1", "EC_APP_COUNT=-1 is not possible"),
        ("EC_APP_COUNT", "much", "EC_APP_COUNT=much is not possible"),
    ):
        wrong = {name: value}
        with pytest.raises(FlashError, match=reason):
            plan_commands(directory, board, {}, settings=wrong)


def test_the_project_takes_every_setting() -> None:
    text = (folder("templates") / "firmware" / "gap_sdk_cmake.j2").read_text()
    assert all(re.search(rf"\b{name}\b", text) for name in SETTINGS)


def test_the_environment_names_sdk_and_probe(directory: Path, board: Board) -> None:
    given = {"GAP_SDK_HOME": "/opt/sdk", "GAPY_OPENOCD_CABLE": "/opt/olimex.cfg"}
    line = plan_commands(directory, board, given)[-1].arguments
    assert "--openocd-cable=/opt/olimex.cfg" in line
    assert line[0].startswith("/opt/sdk/")


def test_the_tools_run_in_order(directory: Path, board: Board, sdk: dict[str, str]) -> None:
    (directory / "firmware" / "build" / "gap_sdk" / "board").mkdir(parents=True)
    output = flash_board(directory, board, environment=sdk)
    assert output.startswith("gapy --target=gap9.evk --platform=board")
    assert "image flash run --binary=" in output


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Error: no device found", "no debug probe was found"),
        ("libusb_open() failed with LIBUSB_ERROR_ACCESS", "may not use the probe"),
        ("UNEXPECTED idcode: 0x1", "another chip"),
        ("region `L2' overflowed by 812 bytes", "does not fit the chip's memory"),
        ("the partition does not fit", "does not fit into the board's flash"),
        ("something else", "write flash and run: gapy ended with status 3"),
    ],
)
def test_usual_failures_are_explained(
    directory: Path, board: Board, sdk: dict[str, str], said: str, cause: str
) -> None:
    (directory / "firmware" / "build" / "gap_sdk" / "board").mkdir(parents=True)
    tool = Path(sdk["GAP_SDK_HOME"]) / "utils" / "gapy_v2" / "bin" / "gapy"
    tool.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 3\n'.replace("`", "\\`"))
    with pytest.raises(FlashError) as caught:
        flash_board(directory, board, environment=sdk)
    assert cause in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


def test_what_is_missing_is_said(directory: Path, board: Board, sdk: dict[str, str]) -> None:
    with pytest.raises(FlashError, match="GAP_SDK_HOME is not set"):
        flash_board(directory, board, environment={})
    with pytest.raises(FlashError, match="which is no folder"):
        flash_board(directory, board, environment={"GAP_SDK_HOME": "/nowhere"})
    tool = Path(sdk["GAP_SDK_HOME"]) / "utils" / "gapy_v2" / "bin" / "gapy"
    tool.unlink()
    with pytest.raises(FlashError, match="has no utils/gapy_v2/bin/gapy"):
        flash_board(directory, board, environment=sdk)
    with pytest.raises(FlashError, match="names no vendor SDK"):
        plan_commands(directory, load_board("pulp_open"), {})
    (directory / "firmware" / "gap_sdk" / "app_config.h").unlink()
    with pytest.raises(FlashError, match="sample application does not fit the network"):
        plan_commands(directory, board, {})
    assert plan_commands(directory, board, {}, program="check")
    (directory / "firmware" / "gap_sdk" / "CMakeLists.txt").unlink()
    with pytest.raises(FlashError, match="holds no project for the vendor SDK"):
        plan_commands(directory, board, {})


def test_a_board_file_with_an_unknown_name_is_refused(directory: Path, board: Board) -> None:
    assert board.gap_sdk is not None
    wrong = board.gap_sdk.model_copy(update={"options": ["--x={probe}"]})
    with pytest.raises(FlashError, match=r"uses \{probe\}, which stands for nothing"):
        plan_commands(directory, board.model_copy(update={"gap_sdk": wrong}), {})
