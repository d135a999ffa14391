"""Builds the kernels once, calls them, and asks numpy for the truth.

The reference runs here through ctypes, what `xpulp` replaces of it in GVSoC.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecomp.ir import Graph, create, lookup

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.kernels.device import Device, TooLargeError, build, job_as_kernel

KERNELS = Path(__file__).parents[2] / "runtime_c" / "kernels"
HOST = Path(__file__).parents[2] / "runtime_c" / "hal" / "host"
HEADER = KERNELS / "include" / "edgecomp_kernels.h"
JOBS = KERNELS / "include" / "edgecomp_ne16.h"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-Wshadow"]
TYPES = {"i8": 0, "u8": 1, "i16": 2, "i32": 3}
SCALARS = {"uint32_t": ctypes.c_uint32, "int32_t": ctypes.c_int32}
SENTINEL = 0x5A


def parse_structs(header: str) -> dict[str, type[ctypes.Structure]]:
    """The argument structures of the header, so that no layout is written down twice."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    structs = {}
    for body, name in re.findall(r"typedef struct \{([^}]*)\} ec_(\w+)_args;", text, flags=re.S):
        fields: list[tuple[str, Any]] = []
        for base, names in re.findall(r"(?:const )?(\w+)\s+([^;]+);", body):
            for item in names.split(","):
                fields.append(_field(base, item.strip()))
        structs[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return structs


def _field(base: str, item: str) -> tuple[str, Any]:
    if item.startswith("*"):
        return item[1:], ctypes.c_void_p
    kind = SCALARS.get(base, ctypes.c_int)
    array = re.fullmatch(r"(\w+)\[(\d+)\]", item)
    return (array[1], kind * int(array[2])) if array else (item, kind)


class Tile:
    """A matrix inside of a wider buffer whose gaps must stay as they are."""

    def __init__(self, data: np.ndarray, gap: int = 0) -> None:
        self.shape = data.shape
        self.stride = data.shape[-1] + gap
        rows = data.reshape(-1, data.shape[-1])
        size = max(rows.shape[0] * self.stride - gap, 0)
        self.buffer = np.full(size * data.itemsize, SENTINEL, np.uint8).view(data.dtype)
        self._rows(self.buffer)[...] = rows

    def _rows(self, buffer: np.ndarray) -> np.ndarray:
        count = int(np.prod(self.shape[:-1]))
        steps = (self.stride * buffer.itemsize, buffer.itemsize)
        return np.lib.stride_tricks.as_strided(buffer, (count, self.shape[-1]), steps)

    def read(self) -> np.ndarray:
        """The contents, after a check that the gaps were not written."""
        gaps = self.buffer.copy()
        untouched = np.full(gaps.nbytes, SENTINEL, np.uint8).view(gaps.dtype)
        self._rows(gaps)[...] = self._rows(untouched)
        np.testing.assert_array_equal(gaps, untouched, "written outside of the tile")
        return self._rows(self.buffer).reshape(self.shape).copy()


class Kernels:
    """The compiled reference kernels."""

    def __init__(self, library: Path | None) -> None:
        self.library = ctypes.CDLL(str(library)) if library else None
        self.jobs = parse_structs(JOBS.read_text())
        self.structs = parse_structs(HEADER.read_text()) | self.jobs
        self.random = np.random.default_rng(1)

    def call(self, op: str, cores: int, **fields: Any) -> None:
        """Run ``ec_<op>`` on every core in random order; absent fields are 0 or NULL.

        A :class:`Tile` sets its stride too; element types are given by name.
        """
        arguments = self.structs[op]()
        for key, value in fields.items():
            if isinstance(value, Tile):
                setattr(arguments, key, value.buffer.ctypes.data)
                if hasattr(arguments, f"{key}_stride"):
                    setattr(arguments, f"{key}_stride", value.stride)
            elif isinstance(value, np.ndarray):
                assert value.flags.c_contiguous
                setattr(arguments, key, value.ctypes.data)
            elif isinstance(value, str):
                setattr(arguments, key, TYPES[value])
            elif isinstance(value, tuple):
                setattr(arguments, key, getattr(arguments, key).__class__(*value))
            else:
                setattr(arguments, key, int(value))
        for core in self.random.permutation(cores):
            function = getattr(self.library, f"{'run' if op in self.jobs else 'ec'}_{op}")
            function(ctypes.byref(arguments), ctypes.c_uint32(core), ctypes.c_uint32(cores))

    def tile(self, data: np.ndarray, gap: int = 0) -> Tile:
        """``data`` as a tile with ``gap`` elements between its rows."""
        return Tile(data, gap)

    def output(self, shape: tuple[int, ...], dtype: type[np.integer[Any]], gap: int = 0) -> Tile:
        """A tile to be written."""
        return Tile(np.zeros(shape, dtype), gap)

    def requantization(self, bound: int, columns: int, bits: int) -> tuple[Any, Any, int]:
        """Random (multiplier[columns], bias[columns], shift) for accumulators up to ``bound``.

        A part of the results saturates at ``bits`` bits; nothing leaves int32.
        """
        largest = min(65535, (1 << 30) // bound)
        multiplier = self.random.integers(max(1, largest // 2), largest + 1, columns)
        bias = self.random.integers(-(1 << 28), 1 << 28, columns)
        shift = max((bound * largest).bit_length() - bits - 2, 0)
        return multiplier.astype(np.int32), bias.astype(np.int32), shift

    def integers(self, shape: int | tuple[int, ...], dtype: type[np.integer[Any]]) -> np.ndarray:
        """Random values over the whole range of ``dtype``."""
        info = np.iinfo(dtype)
        return self.random.integers(info.min, int(info.max) + 1, shape).astype(dtype)

    @staticmethod
    def evaluate(op: str, operands: Sequence[np.ndarray], **attributes: Any) -> np.ndarray:
        """The integer reference: ``op`` on ``operands``; scale and zero default to 1 and 0."""
        graph = Graph()
        values = [graph.constant(array) for array in operands]
        node = create(graph, op, values, {"scale": 1.0, "zero": 0, **attributes})
        [result] = lookup(op).evaluate(node, operands)
        assert result.shape == node.output.shape
        assert result.dtype == node.output.type.dtype.numpy
        return result


def compile_kernels(folder: Path, sanitizer: str) -> Path:
    """The reference kernels as a shared library that stops at undefined behaviour."""
    library = folder / "kernels.so"
    jobs = folder / "jobs.c"
    run = "if (ec_ne16_model_run(&job) != 0) {\n        abort();\n    }"
    wrappers = "".join(job_as_kernel(name, run) for name in parse_structs(JOBS.read_text()))
    jobs.write_text(f'#include <stdlib.h>\n#include "ne16_model.h"\n{wrappers}')
    kernels = (KERNELS / "reference", KERNELS / "ne16")
    sources = sorted(str(path) for part in kernels for path in part.glob("*.c"))
    sources += [str(jobs), str(HOST / "ne16_model.c")]
    command = ["gcc", "-std=c99", "-O2", "-g", "-shared", "-fPIC", *WARNINGS]
    checks = [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all"]
    includes = [f"-I{KERNELS / 'include'}", f"-I{HOST}"]
    subprocess.run([*command, *checks, *includes, *sources, "-o", str(library)], check=True)
    return library


class SimulatedKernels(Kernels):
    """The same calls on the simulated chip, operands in its L1."""

    def __init__(self, device: Device) -> None:
        super().__init__(None)
        self.device = device

    def call(self, op: str, cores: int, **fields: Any) -> None:
        arrays, scalars = {}, {}
        for key, value in fields.items():
            if isinstance(value, Tile):
                arrays[key] = value.buffer
                scalars[f"{key}_stride"] = value.stride
            elif isinstance(value, np.ndarray):
                arrays[key] = value
            elif isinstance(value, str):
                scalars[key] = TYPES[value]
            else:
                scalars[key] = tuple(map(int, value)) if isinstance(value, tuple) else int(value)
        explicit = {k: v for k, v in scalars.items() if k in fields}
        try:
            self.device.call(op, cores, arrays, scalars | explicit)
        except TooLargeError as error:
            pytest.skip(str(error))


def simulated(folder: Path, installation: str | None) -> Iterator[Kernels]:
    """The kernels for the chip in the GVSoC of ``installation``, or in that on the path."""
    with pytest.MonkeyPatch.context() as patch:
        if installation is not None:
            patch.setenv("EDGECOMP_GVSOC", installation)
        running = Device(build(folder))
    with running:
        yield SimulatedKernels(running)


IMPLEMENTATIONS = ["reference", pytest.param("xpulp", marks=pytest.mark.gvsoc)]


@pytest.fixture(scope="session", params=IMPLEMENTATIONS)
def kernels(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernels]:
    """The kernels, compiled with the undefined-behaviour sanitizer (or what the variable says)."""
    folder = tmp_path_factory.mktemp("kernels")
    if request.param == "xpulp":
        above = str(Path(__file__).parents[1] / "conftest.py")
        yield from simulated(folder, request.config.pluginmanager.get_plugin(above).GVSOC)
        return
    sanitizer = os.environ.get("EDGECOMP_TEST_SANITIZER", "undefined")
    yield Kernels(compile_kernels(folder, sanitizer))
