"""The command lines that put a build on a board. Nothing is looked for and nothing is run here."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecomp.errors import EdgecompError
from edgecomp.targets import Board, GapSdk

SDK_VARIABLE = "GAP_SDK_HOME"
CABLE_VARIABLE = "GAPY_OPENOCD_CABLE"
SOURCE_SETTING = "EDGECOMP_SOURCE"
SETTINGS = ("EC_APP_COUNT", "EC_APP_HOP", "EC_APP_FIXED_SCALE", SOURCE_SETTING)
"""Of the sample application, which gap_sdk/CMakeLists.txt takes."""

_NO_SETTINGS: Mapping[str, str] = {}


class FlashError(EdgecompError):
    """A board that cannot be flashed, or a vendor tool that failed."""


@dataclass(frozen=True)
class Command:
    """A step: what it is for, its arguments, and the folder that it runs in."""

    purpose: str
    arguments: tuple[str, ...]
    folder: Path | None = None

    def shell(self) -> str:
        """The line as one types it. ``$GAP_SDK_HOME`` is left for the shell to fill in."""
        line = " ".join(_quoted(argument) for argument in self.arguments)
        return f"cd {shlex.quote(str(self.folder))} && {line}" if self.folder else line


def plan_commands(
    directory: Path,
    board: Board,
    environment: Mapping[str, str],
    program: str = "app",
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> list[Command]:
    """The steps for the build in ``directory``, in order.

    ``program`` is ``app`` or ``check`` (see gap_sdk/CMakeLists.txt), ``settings`` are values for
    names of ``SETTINGS``; what an earlier flash set is forgotten. Where ``environment`` does not
    name the SDK, ``$GAP_SDK_HOME`` stands in its place. ``FlashError`` for a board without a
    vendor SDK, or a build without a project for it.
    """
    sdk = board.gap_sdk
    if sdk is None:
        raise FlashError(
            f"the board {board.name} names no vendor SDK: it cannot be flashed",
            "give --board gap9_evk, or a board file with a section [gap_sdk]",
        )
    firmware = directory.resolve() / "firmware"
    project = firmware / "gap_sdk"
    if not (project / "CMakeLists.txt").is_file():
        raise FlashError(
            f"{directory} holds no project for the vendor SDK",
            f"build it for this board: edgecomp build ... --board {board.name}",
        )
    if program == "app" and not (project / "app_config.h").is_file():
        raise FlashError(
            f"the sample application does not fit the network in {directory}: it takes one input, "
            "a stream of channels, and sends one output of at most 65,535 scores",
            "run its windows on the board with `edgecomp simulate --simulator board`; a product's "
            "own main calls the network (firmware/README.md)",
        )
    out = firmware / "build" / "gap_sdk"
    binary = out / _target(project / "CMakeLists.txt")
    work = out / "board"
    home = environment.get(SDK_VARIABLE) or f"${SDK_VARIABLE}"
    cable = environment.get(CABLE_VARIABLE) or sdk.cable.replace("{sdk}", home)
    names = {"sdk": home, "cable": cable, "work": str(work), "binary": str(binary)}
    files = [firmware / "weights.bin"]
    if program == "check":
        files.append(work / "input.bin")
    chosen = [f"-DEDGECOMP_PROGRAM={program}", *_definitions(settings)]
    configure = ("cmake", "-S", str(project), "-B", str(out), *chosen)
    copy = ("cmake", "-E", "copy_if_different", f"{home}/{sdk.efuse}")
    return [
        Command("configure", configure),
        Command("compile", ("cmake", "--build", str(out))),
        Command("make a folder for the images", ("cmake", "-E", "make_directory", str(work))),
        Command("copy the fuses' image", (*copy, str(work / "chip.efuse_preload.data"))),
        Command("write flash and run", _tool(sdk, home, names, files), work),
    ]


def _definitions(settings: Mapping[str, str]) -> list[str]:
    """Of the configuration. ``FlashError`` for a setting that there is not, or no such file."""
    values = dict(settings)
    for name in settings:
        if name not in SETTINGS:
            raise FlashError(
                f"the sample application has no setting {name}", f"it has {', '.join(SETTINGS)}"
            )
        if name != SOURCE_SETTING and not _is_positive(values[name], name != "EC_APP_COUNT"):
            kind = "a number" if name == "EC_APP_COUNT" else "a whole number"
            raise FlashError(f"{name}={values[name]} is not possible", f"it is {kind} above 0")
    if SOURCE_SETTING in values:
        source = Path(values[SOURCE_SETTING]).resolve()
        if not source.is_file():
            raise FlashError(f"there is no file {source}", "give the C file of the driver")
        values[SOURCE_SETTING] = str(source)
    forgotten = [f"-U{name}" for name in SETTINGS if name not in values]
    return forgotten + [f"-D{name}={value}" for name, value in values.items()]


def _is_positive(text: str, whole: bool) -> bool:
    """Whether C reads ``text`` as a number above 0, an int64 where it is to be ``whole``."""
    if not re.fullmatch(r"\d{1,18}" if whole else r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text, re.ASCII):
        return False
    return 0 < float(text) < math.inf


def _tool(
    sdk: GapSdk, home: str, names: Mapping[str, str], files: Sequence[Path]
) -> tuple[str, ...]:
    """The flash tool's line: every option stands before its commands."""
    options = [_filled(option, names) for option in sdk.options]
    for file in files:
        options.append(_filled(sdk.file_option, {**names, "file": str(file)}))
    commands = [_filled(command, names) for command in sdk.commands]
    return (f"{home}/{sdk.tool}", *options, *commands)


def _filled(text: str, names: Mapping[str, str]) -> str:
    """``text`` with {name} replaced. ``FlashError`` for a name that a board file may not use."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in names:
            known = ", ".join(f"{{{name}}}" for name in names)
            raise FlashError(
                f"the board's gap_sdk section uses {match[0]}, which stands for nothing",
                f"known: {known}",
            )
        return names[match[1]]

    return re.sub(r"\{(\w+)\}", value, text)


def _target(project: Path) -> str:
    found = re.search(r"set\(TARGET_NAME (\w+)\)", project.read_text(encoding="utf-8"))
    if found is None:
        raise FlashError(f"{project} names no program", "build it again")
    return found[1]


def _quoted(argument: str) -> str:
    """Quoted for a shell, but for the SDK's variable."""
    mark = f"${SDK_VARIABLE}"
    if mark not in argument:
        return shlex.quote(argument)
    return '"' + re.sub(r'(["\\`])', r"\\\1", argument) + '"'
