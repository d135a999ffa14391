"""Whether component models of a GVSoC compute right values: small programs with a known result.

A model can be there and be wrong: NE16 built without xsimd gives other values without a word. The
result is kept in the user's cache, for as long as the model's file stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecomp import resources
from edgecomp.simulators.common import SimulatorError
from edgecomp.simulators.installation import Installation
from edgecomp.simulators.toolchain import Toolchain

PROGRAMS = {"pulp/ne16/ne16": "ne16.c"}
"""Component model -> program in runtime_c/hal/gvsoc/selftest."""

TIMEOUT_SECONDS = 120
_CACHE = "gvsoc-selftests.json"
_RESULT = re.compile(r"@ec selftest((?: \d+)+)")


@dataclass(frozen=True)
class Chip:
    """What a self-test must know of a simulated chip.

    ``folder`` holds its description, None for a stock target; ``l1`` and ``l2`` are addresses.
    """

    target: str
    models: Sequence[str]
    folder: Path | None
    l1: int
    l2: int


def check_models(installation: Installation, chip: Chip, toolchain: Toolchain) -> None:
    """SimulatorError where a model that ``chip`` needs computes wrong values."""
    for model in chip.models:
        if model not in PROGRAMS:
            continue
        key = _key(installation, model, chip)
        wrong = _known().get(key)
        if wrong is None:
            wrong = _run(installation, model, chip, toolchain)
            _remember(key, wrong)
        if any(wrong):
            raise SimulatorError(
                f"the GVSoC in {installation.root} computes wrong values with the model {model}: "
                f"{sum(wrong)} differ in its self-test",
                "build it again with xtensor and xsimd, and CXXFLAGS=-DXTENSOR_USE_XSIMD "
                "(docs/gvsoc.md)",
            )


def cache_file() -> Path:
    """Where results are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "edgecomp" / _CACHE


def _sources() -> Path:
    return resources.folder("runtime_c") / "hal" / "gvsoc"


def _key(installation: Installation, model: str, chip: Chip) -> str:
    """The model's file as it is, the program and the chip."""
    path = (installation.root / "models" / f"{model}.so").resolve()
    state = path.stat()
    parts = [(_sources() / "selftest" / PROGRAMS[model]).read_bytes()]
    if chip.folder is not None:
        parts += [each.read_bytes() for each in sorted(chip.folder.glob("*.py"))]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    return f"{path} {state.st_mtime_ns} {state.st_size} {chip.target} {digest}"


def _known() -> dict[str, list[int]]:
    try:
        found = json.loads(cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(key: str, wrong: list[int]) -> None:
    """A cache that cannot be written costs a few seconds every time, nothing else."""
    text = json.dumps(_known() | {key: wrong}, indent=1)
    path = cache_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    except OSError:
        return


def _run(installation: Installation, model: str, chip: Chip, toolchain: Toolchain) -> list[int]:
    """How many values of each kind differ."""
    with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
        work = Path(folder)
        program = _compile(model, chip, toolchain, work / "selftest.elf")
        options = [f"--target={chip.target}", f"--work-dir={work}", f"--binary={program}"]
        environment = installation.environment()
        if chip.folder is not None:
            options.insert(1, f"--target-dir={chip.folder}")
            environment["PYTHONPATH"] = str(chip.folder)
        try:
            done = subprocess.run(
                [str(installation.program), *options, "run"],
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise SimulatorError(
                f"the self-test of {model} did not end in {TIMEOUT_SECONDS} s"
            ) from error
    result = _RESULT.search(done.stdout)
    if result is None:
        text = "\n".join(done.stdout.splitlines()[-15:])
        raise SimulatorError(f"the self-test of {model} gave no result:\n{text}")
    return [int(count) for count in result[1].split()]


def _compile(model: str, chip: Chip, toolchain: Toolchain, program: Path) -> Path:
    hal = _sources()
    own = hal / "selftest"
    files = [own / "start.S", own / PROGRAMS[model], hal / "host_link.c"]
    command = toolchain.compile(files, [hal], own / "selftest.ld")
    places = [f"-DEC_L1_BASE={chip.l1:#x}u", f"-Wl,--defsym=EC_L2_BASE={chip.l2:#x}"]
    done = subprocess.run(
        [*command, *places, "-o", str(program)], capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        raise SimulatorError(f"the self-test of {model} does not compile:\n{done.stderr}")
    return program
