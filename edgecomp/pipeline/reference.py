"""``reference.npz``: windows, float outputs, integer outputs, and a checksum of every layer."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecomp.codegen.checksum import checksum
from edgecomp.errors import EdgecompError
from edgecomp.ir import Graph, Node, Value, interpret, verify
from edgecomp.ir.text import blobs, parse
from edgecomp.quantize.quality import dequantized, quantize_inputs

CONSTANT = "constant/"
INPUT = "input/"
FLOAT = "float/"
INTEGER = "integer/"
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Reference:
    """What the network must give.

    ``windows``: input name -> float32 [windows, *shape]; ``floats`` and ``integers``: one array
    [windows, *shape] per network output; ``checksums``: uint32 [windows, layers].
    """

    windows: dict[str, np.ndarray]
    floats: list[np.ndarray]
    integers: list[np.ndarray]
    checksums: np.ndarray

    def dequantized(self, graph: Graph) -> list[np.ndarray]:
        """The integer outputs as real numbers."""
        return dequantize(graph, self.integers)


def quantize_windows(graph: Graph, windows: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Windows as the network reads them: one integer array [windows, *shape] per input."""
    arrays = quantize_inputs(graph, dict(windows))
    return [arrays[value.name] for value in graph.inputs]


def dequantize(graph: Graph, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Network outputs [windows, *shape] as real numbers."""
    return [dequantized(v, array) for v, array in zip(graph.outputs, outputs, strict=True)]


def integer_reference(
    graph: Graph,
    layers: Sequence[Node],
    windows: Mapping[str, np.ndarray],
    tick: Callable[[str], None] | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Outputs and checksums of the integer definition for every window."""
    inputs = quantize_windows(graph, windows)
    results: list[list[np.ndarray]] = []
    checksums = []
    for index in range(inputs[0].shape[0]):
        sums: dict[Value, int] = {}

        def observe(value: Value, array: np.ndarray, sums: dict[Value, int] = sums) -> None:
            sums[value] = checksum(array)

        feed = {v.name: x[index] for v, x in zip(graph.inputs, inputs, strict=True)}
        results.append(interpret(graph, feed, observe))
        checksums.append([sums[node.output] for node in layers])
        if tick is not None:
            tick(f"window {index + 1}")
    outputs = [np.stack(each) for each in zip(*results, strict=True)]
    return outputs, np.array(checksums, np.uint32)


def save_reference(path: Path, graph: Graph, reference: Reference) -> None:
    """Write ``reference`` and the constants of ``graph`` (so that graph.txt can be run again)."""
    arrays: dict[str, np.ndarray] = {"checksums": reference.checksums}
    arrays |= {INPUT + name: array for name, array in reference.windows.items()}
    for index, array in enumerate(reference.floats):
        arrays[f"{FLOAT}{index}"] = array
    for index, array in enumerate(reference.integers):
        arrays[f"{INTEGER}{index}"] = array
    arrays |= {CONSTANT + key: array for key, array in blobs(graph).items()}
    _savez(path, arrays)


def _savez(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """An .npz whose bytes depend on its contents only.

    numpy writes no time stamps, but leaves the order of members to the caller.
    """
    ordered = {key: arrays[key] for key in sorted(arrays)}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **ordered)


def load_reference(folder: Path) -> tuple[Graph, Reference]:
    """The integer graph and the reference of a build; ``EdgecompError`` if it is damaged."""
    try:
        with np.load(folder / "reference.npz", allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
        text = (folder / "graph.txt").read_text(encoding="utf-8")
        graph = parse(text, _under(arrays, CONSTANT))
        verify(graph)
        reference = Reference(
            windows=_under(arrays, INPUT),
            floats=_numbered(arrays, FLOAT),
            integers=_numbered(arrays, INTEGER),
            checksums=arrays["checksums"],
        )
        _check_complete(graph, reference)
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        raise EdgecompError(
            f"{folder} is not a build: {name} is missing", "give the folder that `build` made"
        ) from error
    except (EdgecompError, OSError, ValueError, KeyError, EOFError, *_ZIP_ERRORS) as error:
        raise EdgecompError(f"{folder} is damaged: {error}", "build it again") from error
    return graph, reference


def _check_complete(graph: Graph, reference: Reference) -> None:
    """``ValueError`` where the arrays do not belong to the graph."""
    windows = reference.checksums.shape[0]
    names = [value.name for value in graph.inputs]
    if sorted(reference.windows) != sorted(names):
        raise ValueError(f"reference.npz holds no windows for the inputs {names}")
    outputs = [*reference.floats, *reference.integers]
    if len(outputs) != 2 * len(graph.outputs):
        raise ValueError("reference.npz holds another number of outputs than graph.txt")
    if any(len(array) != windows for array in (*reference.windows.values(), *outputs)):
        raise ValueError("reference.npz holds different numbers of windows")


def _under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _numbered(arrays: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    found = _under(arrays, prefix)
    return [found[str(index)] for index in range(len(found))]
