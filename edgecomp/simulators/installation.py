"""GVSoC on this computer: where it is, and whether it can simulate a board."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgecomp import resources
from edgecomp.simulators.common import SimulatorError

VARIABLE = "EDGECOMP_GVSOC"
_OTHERWISE = "; without GVSoC, --simulator host runs the same program and counts no cycles"
HOW = (
    "build GVSoC (github.com/gvsoc/gvsoc) and set EDGECOMP_GVSOC to its installation folder; "
    "docs/gvsoc.md says what edgecomp needs of it" + _OTHERWISE
)
_CORRECT = f"let {VARIABLE} name the folder in which GVSoC is installed{_OTHERWISE}"
PACKAGES = {
    "rich": "rich",
    "prettytable": "prettytable",
    "pexpect": "pexpect",
    "psutil": "psutil",
    "elftools": "pyelftools",
    "six": "six",
    "typing_extensions": "typing_extensions",
    "jinja2": "jinja2",
}
"""What GVSoC's own scripts import: module -> package."""

_CHIP = Path("generators") / "pulp" / "chips" / "pulp_open" / "pulp_open.py"
_CHIP_MARK = "PulpOpenAttr"


@dataclass(frozen=True)
class Installation:
    """An installation: ``root`` holds bin/gvsoc, generators and models."""

    root: Path

    @property
    def program(self) -> Path:
        """The program that runs a target."""
        return self.root / "bin" / "gvsoc"

    def check(self, models: Sequence[str], target: str) -> None:
        """SimulatorError where something is missing that simulating ``target`` needs."""
        for part in ("generators", "models", "python"):
            if not (self.root / part).is_dir():
                raise SimulatorError(
                    f"the GVSoC in {self.root} is broken: it has no folder {part}",
                    "install it again (cmake --install, or make build)",
                )
        self._check_version()
        for model in models:
            if not (self.root / "models" / f"{model}.so").is_file():
                raise SimulatorError(
                    f"the GVSoC in {self.root} lacks the model {model} that {target} needs",
                    f"build it with TARGETS='pulp-open {target}' "
                    f"MODULES={resources.folder('boards') / 'gvsoc'} "
                    "CXXFLAGS=-DXTENSOR_USE_XSIMD (see docs/gvsoc.md)",
                )

    def _check_version(self) -> None:
        chip = self.root / _CHIP
        if not chip.is_file():
            raise SimulatorError(
                f"the GVSoC in {self.root} was built without the chip pulp-open",
                "build it with pulp-open among its targets",
            )
        if _CHIP_MARK not in chip.read_text(encoding="utf-8", errors="replace"):
            raise SimulatorError(
                f"the GVSoC in {self.root} is too old for this version of edgecomp",
                "docs/gvsoc.md names a version that works",
            )

    def check_python(self) -> None:
        """SimulatorError where no Python has the packages that GVSoC's scripts import."""
        _python()

    def environment(self) -> dict[str, str]:
        """The environment in which the program runs: a Python with its packages comes first."""
        folder = str(Path(_python()).parent)
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {**kept, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def find_installation() -> Installation:
    """The installation that EDGECOMP_GVSOC names (folder or program), else that on the path.

    SimulatorError where there is none, or the variable names something else.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Installation(_root_of(Path(named).expanduser()))
    found = shutil.which("gvsoc")
    if found is None:
        raise SimulatorError("GVSoC is not on this computer", HOW)
    return Installation(Path(found).resolve().parent.parent)


def _root_of(named: Path) -> Path:
    if not named.exists():
        raise SimulatorError(f"{VARIABLE} names {named}, which does not exist", _CORRECT)
    if named.is_file():
        return _executable(named.resolve())
    for root in (named, named / "install"):
        if (root / "bin" / "gvsoc").is_file():
            return _executable((root / "bin" / "gvsoc").resolve())
    raise SimulatorError(f"{VARIABLE} names {named}, which holds no bin/gvsoc", _CORRECT)


def _executable(program: Path) -> Path:
    if not os.access(program, os.X_OK):
        raise SimulatorError(
            f"{VARIABLE} names {program}, which cannot be executed",
            f"install GVSoC again{_OTHERWISE}",
        )
    return program.parent.parent


@cache
def _python() -> str:
    """A Python that has what GVSoC's scripts import."""
    candidates = [sys.executable, shutil.which("python3")]
    code = f"import {', '.join(PACKAGES)}"
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-I", "-c", code], capture_output=True)
        if done.returncode == 0:
            return candidate
    raise SimulatorError(
        "no Python here has the packages that GVSoC's scripts import",
        f"{sys.executable} -m pip install {' '.join(PACKAGES.values())} "
        "(where pip installed edgecomp: pip install 'edgecomp[gvsoc]')",
    )
