"""Bytes of code of layer functions: what the compiler makes of them, what is estimated, and a fit.

    python benchmarks/code_size.py BUILD...

Compiles the projects for the simulated chip, prints the estimate's errors and, for
edgecomp/codegen/size.py, the bytes of every kind of part that fit best.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

sys.path.insert(0, str(Path(__file__).parents[1]))
from edgecomp.codegen.size import KINDS, function_bytes
from edgecomp.simulators.elf import Elf
from edgecomp.simulators.gvsoc import Platform, compile_project
from edgecomp.simulators.toolchain import find_toolchain

_FUNCTION = re.compile(r"static void (run_\w+)\(const ec_layer \*layer\)\n\{(.*?)\n\}\n", re.DOTALL)


@dataclass(frozen=True)
class Function:
    """A layer function of a build: its text and the bytes that it takes."""

    build: str
    name: str
    text: str
    bytes: int


def functions(directory: Path) -> Iterator[Function]:
    """The compiled layer functions of the build in ``directory``; equal code counts once."""
    firmware = (directory / "firmware").resolve()
    with tempfile.TemporaryDirectory(prefix="edgecomp-") as folder:
        program = Path(folder) / "network.elf"
        kernels = Platform.read(firmware).kernels
        compile_project(find_toolchain(), firmware, kernels, program)
        sizes = {name.partition(".")[0]: size for _, size, name in Elf(program).functions}
    for name, text in _FUNCTION.findall((firmware / "src" / "layers.c").read_text()):
        if sizes.get(name, 0) > len("jump"):
            yield Function(directory.name, name, text, sizes[name])


def fitted(found: list[Function]) -> dict[str, float]:
    """Bytes of every kind that leave the least relative errors."""
    counts = [[len(re.findall(kind.pattern, f.text)) for kind in KINDS.values()] for f in found]
    sizes = np.array([f.bytes for f in found], float)
    best, _ = nnls(np.array(counts, float) / sizes[:, None], np.ones_like(sizes))
    return dict(zip(KINDS, best, strict=True))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("builds", nargs="+", type=Path, metavar="BUILD")
    found = [each for build in parser.parse_args().builds for each in functions(build)]
    for build in dict.fromkeys(each.build for each in found):
        own = [each for each in found if each.build == build]
        size, guess = sum(f.bytes for f in own), sum(function_bytes(f.text) for f in own)
        print(f"{build}: {len(own)} functions, {size} bytes, estimate {guess / size - 1:+.1%}")
    errors = np.array([function_bytes(f.text) / f.bytes - 1 for f in found])
    rms = (errors**2).mean() ** 0.5
    print(f"functions: {errors.min():+.1%} to {errors.max():+.1%}, rms {rms:.1%}")
    for name, size in fitted(found).items():
        print(f"  {name}: {size:.1f}")


if __name__ == "__main__":
    main()
