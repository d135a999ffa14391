#!/usr/bin/env python3
"""Set edgecomp up in `.venv` and run the demonstration or the checks.

    python3 bootstrap.py demo    build and simulate an encoder
    python3 bootstrap.py test    lint, type check, test

Needs Python 3.11 or newer and a C compiler; uses the standard library only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
# PyTorch's builds for macOS are CPU builds and carry no label.
TORCH_VERSION = "2.13.0" if sys.platform == "darwin" else "2.13.0+cpu"
TORCH = f"torch=={TORCH_VERSION}"
OLDEST_PYTHON = (3, 11)

DEMO = (
    ("edgecomp", "build", "tinyissimomyo", "--target", "gap9"),
    ("edgecomp", "simulate", "build/tinyissimomyo-gap9"),
)
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("pytest", "-n", "auto", "-q"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the task; its status."""
    parser = argparse.ArgumentParser(description="Set edgecomp up in .venv and run a task.")
    parser.add_argument("task", choices=["demo", "test"])
    task = parser.parse_args(arguments).task
    require_python()
    require_compiler()
    make_venv()
    install(extra="[dev]" if task == "test" else "")
    return run_checks() if task == "test" else run_demo()


def require_python() -> None:
    """Stop where Python is too old."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        found, oldest = (".".join(map(str, each[:2])) for each in (sys.version_info, OLDEST_PYTHON))
        stop(f"this is Python {found}; edgecomp needs {oldest} or newer, run bootstrap.py with it")


def require_compiler() -> None:
    """Stop where there is no C compiler."""
    candidates = (os.environ.get("CC"), "cc", "gcc", "clang")
    if not any(shutil.which(each) for each in candidates if each):
        stop("no C compiler found: install gcc or clang with the system's packages, or set CC")


def make_venv() -> None:
    """Make `.venv` unless there is one that works."""
    if (
        program("python").exists()
        and not subprocess.run(
            [program("python"), "-m", "pip", "--version"], capture_output=True
        ).returncode
    ):
        return
    say(f"making {VENV.name}")
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True
    )
    if done.returncode:
        stop(
            "Python cannot make a virtual environment; install its venv module (on Debian and "
            f"Ubuntu: python3-venv)\n{(done.stderr or done.stdout).strip()}"
        )


def install(extra: str) -> None:
    """Install the CPU build of PyTorch first, so that nothing pulls another one; then edgecomp."""
    if not has_torch():
        say(f"installing {TORCH}")
        if pip("install", TORCH):
            stop(
                f"pip could not install {TORCH}, the CPU build of PyTorch; its message is above.\n"
                "If it found no such version, set PIP_EXTRA_INDEX_URL to PyTorch's index of CPU "
                "wheels\n(PyTorch's installation page names it) and run this again. "
                "Nothing larger was installed instead."
            )
    say(f"installing edgecomp{extra}")
    if pip("install", "--editable", f"{ROOT}{extra}"):
        stop("pip could not install edgecomp; its message is above")


def has_torch() -> bool:
    """Whether `.venv` has that PyTorch already."""
    code = f"from importlib.metadata import version; assert version('torch') == {TORCH_VERSION!r}"
    return not subprocess.run([program("python"), "-c", code], capture_output=True).returncode


def pip(*arguments: str) -> int:
    """The status of pip in `.venv`."""
    quiet = ("--disable-pip-version-check", "--quiet")
    return subprocess.run([program("python"), "-m", "pip", *arguments, *quiet]).returncode


def run_demo() -> int:
    """Run the commands one after another, until one fails: its status."""
    return next((status for command in DEMO if (status := run(command))), 0)


def run_checks() -> int:
    """Run all checks, also after one failed: 1 if one did."""
    failed = [command[0] for command in CHECKS if run(command)]
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return int(bool(failed))


def run(command: Sequence[str]) -> int:
    """The status of a program of `.venv`."""
    say(" ".join(command))
    return subprocess.run([program(command[0]), *command[1:]], cwd=ROOT).returncode


def program(name: str) -> Path:
    """The place of a program in `.venv`."""
    return VENV / "bin" / name


def say(message: str) -> None:
    """Tell what happens next."""
    print(f"== {message}", flush=True)


def stop(message: str) -> NoReturn:
    """End with a message."""
    sys.exit(f"bootstrap: {message}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
