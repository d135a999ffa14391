"""Running the vendor's tools, and saying in plain words what went wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from edgecomp.flashing.commands import SDK_VARIABLE, Command, FlashError, plan_commands
from edgecomp.progress import Progress, Silent
from edgecomp.targets import Board

_TAIL = 15
"""Lines of a tool's output that an error shows."""

_FAILURES = (
    (
        ("libusb_error_access", "permission denied", "insufficient permissions"),
        "this user may not use the probe or the port",
        "install the udev rules of the SDK's OpenOCD and log in again, or join the group of the "
        "device (ls -l /dev/bus/usb, often plugdev or dialout)",
    ),
    (
        ("no device found", "unable to open ftdi", "libusb_open() failed", "no such device"),
        "no debug probe was found",
        "connect and power the board; GAPY_OPENOCD_CABLE names the description of another probe",
    ),
    (
        (
            "unexpected idcode",
            "expected 1 of 1",
            "jtag scan chain interrogation failed",
            "ir length",
        ),
        "the probe sees another chip than the board's, or none",
        "check that the board is powered, that JTAG is connected, and that --board is right",
    ),
    (
        ("overflowed by", "will not fit in region"),
        "the program does not fit the chip's memory",
        "raise reserved.code_bytes in the board file and build again; the sample application "
        "keeps a window of samples, too",
    ),
    (
        ("flash_size", "not enough space", "does not fit", "overflow"),
        "the image does not fit into the board's flash",
        "compare the size of weights.bin with flash_bytes of the board",
    ),
    (
        ("gap_riscv_cc", "riscv32-unknown-elf-gcc"),
        "the SDK's compiler was not found",
        "set GAP_RISCV_GCC_TOOLCHAIN as the SDK's documentation says, then source its set-up file",
    ),
)
"""What tools print (lower case) -> cause, way out."""


def flash_board(
    directory: Path,
    board: Board,
    *,
    program: str = "app",
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> str:
    """Build the project in ``directory`` with the vendor's SDK, write it and run it.

    ``program`` and ``settings`` are as for `plan_commands`. Returns what the last tool printed.
    ``FlashError`` with cause and way out where the SDK is missing or a tool fails.
    """
    environment = os.environ if environment is None else environment
    progress = progress or Silent()
    commands = plan_commands(directory, board, environment, program, settings or {})
    _check_sdk(board, environment)
    output = ""
    for command in commands:
        progress.stage(command.purpose)
        output = _run(command, environment, progress)
    return output


def _check_sdk(board: Board, environment: Mapping[str, str]) -> None:
    home = environment.get(SDK_VARIABLE, "")
    how = (
        "get the GAP9 SDK from the chip's vendor, source its set-up file (it sets GAP_SDK_HOME) "
        "and try again; edgecomp flash --dry-run shows the command lines without it"
    )
    if not home:
        raise FlashError("the vendor's SDK was not found: GAP_SDK_HOME is not set", how)
    if not Path(home).is_dir():
        raise FlashError(f"GAP_SDK_HOME names {home}, which is no folder", how)
    tool = Path(home) / (board.gap_sdk.tool if board.gap_sdk else "")
    if not tool.is_file():
        raise FlashError(f"the SDK in {home} has no {tool.relative_to(home)}", how)
    if shutil.which("cmake", path=environment.get("PATH")) is None:
        raise FlashError("cmake was not found", "install CMake 3.19 or later")


def _run(command: Command, environment: Mapping[str, str], progress: Progress) -> str:
    """Run a step, one line of its output at a time."""
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise FlashError(
            f"cannot run {command.arguments[0]}: {error.strerror}",
            "check the SDK's installation and the file's permissions",
        ) from error
    with process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            progress.step(line.strip()[:60])
    if process.returncode:
        raise _failure(command, process.returncode, lines)
    return "\n".join(lines)


def _failure(command: Command, status: int, lines: list[str]) -> FlashError:
    text = "\n".join(lines).lower()
    tail = "\n".join(lines[-_TAIL:])
    said = f"{command.purpose}: {Path(command.arguments[0]).name} ended with status {status}"
    for marks, cause, way_out in _FAILURES:
        if any(mark in text for mark in marks):
            return FlashError(f"{cause} ({said})\n{tail}", way_out)
    return FlashError(f"{said}\n{tail}", f"the whole line was: {command.shell()}")
