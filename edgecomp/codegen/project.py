"""The C project of a build: layers, tables, weights, runtime and one header to embed it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from edgecomp import resources
from edgecomp.codegen.layer import layer_function
from edgecomp.codegen.names import Names, identifier
from edgecomp.codegen.render import render
from edgecomp.codegen.sharing import Shared, share
from edgecomp.ir import Graph, Node, Value
from edgecomp.memory.placement import Placement
from edgecomp.normalisation import ZSCORE, Normalisation
from edgecomp.targets import Board, Gvsoc
from edgecomp.tiling.program import TileProgram
from edgecomp.tiling.views import resolve, row_bytes


@dataclass(frozen=True)
class ProjectSpec:
    """All that the project is made from. ``layers[i]`` runs ``programs[i]``.

    slowest_layer: cluster cycles that no layer is estimated to exceed.
    stream: channels and samples of a window, where the input is a stream of frames in another
    shape than [channels, samples]; it holds all samples of a channel, then those of the next.
    normalisation: what the sample application computes of samples.
    """

    name: str
    graph: Graph
    layers: Sequence[Node]
    programs: Sequence[TileProgram]
    placement: Placement
    board: Board
    slowest_layer: float = 0.0
    stream: tuple[int, int] | None = None
    normalisation: Normalisation = ZSCORE

    @property
    def identifier(self) -> str:
        """The model's name as a C identifier."""
        return identifier(self.name, "net").lower()

    @property
    def l1_bytes(self) -> int:
        """L1 that the hungriest layer takes."""
        return max((program.l1_bytes for program in self.programs), default=0)

    @property
    def hang_cycles(self) -> int:
        """Cycles of the fabric controller after which a layer counts as hanging."""
        clocks = self.board.clocks
        slowest = self.slowest_layer * clocks.fabric_hz / clocks.cluster_hz
        return min(max(_LEAST_PATIENCE, round(10 * slowest)), _MOST_PATIENCE)


_LEAST_PATIENCE, _MOST_PATIENCE = 100_000_000, 4_000_000_000


def write_project(spec: ProjectSpec, folder: Path) -> None:
    """Write the project into the new folder ``folder``."""
    source = folder / "src"
    for sub in ("src", "include", "harness"):
        (folder / sub).mkdir(parents=True)
    _copy_runtime(folder)
    (folder / "weights.bin").write_bytes(weights_image(spec))
    stream = application_stream(spec.graph, spec.stream, spec.normalisation)
    common = {"spec": spec, "ports": _ports(spec.graph), "prefix": spec.identifier}
    common["stream"] = stream
    files: dict[Path, tuple[str, dict[str, object]]] = {
        folder / "include" / f"{spec.identifier}.h": ("public.h.j2", {}),
        source / "edgecomp_config.h": ("config.h.j2", {}),
        folder / "harness" / "edgecomp_network.h": ("network.h.j2", {}),
        folder / "harness" / "harness.c": ("harness.c.j2", {}),
        source / "network.c": (
            "network.c.j2",
            {"places": _places(spec), "resident": _resident(spec.placement)},
        ),
        source / "layers.h": ("layers.h.j2", {}),
        source / "layers.c": ("layers.c.j2", _layer_tables(spec)),
        source / "weights.S": ("weights.S.j2", {}),
        folder / "Makefile": ("Makefile.j2", {}),
        folder / "README.md": ("README.md.j2", {}),
    }
    if spec.board.gvsoc is not None:
        _describe_gvsoc(spec.board, spec.board.gvsoc, folder / "gvsoc")
        files[folder / "gvsoc" / "gvsoc.ld"] = ("gvsoc.ld.j2", {})
    if spec.board.gap_sdk is not None:
        (folder / "gap_sdk").mkdir()
        board = spec.board.model_dump_json(indent=2)
        (folder / "gap_sdk" / "board.json").write_text(board + "\n", encoding="utf-8")
        files[folder / "gap_sdk" / "CMakeLists.txt"] = ("gap_sdk_cmake.j2", {})
        files[folder / "gap_sdk" / "sdk.config"] = ("gap_sdk_config.j2", {})
        if stream is not None:
            settings = _application(spec.graph.inputs[0], spec.normalisation)
            files[folder / "gap_sdk" / "app_config.h"] = ("app_config.h.j2", settings)
    for path, (template, extra) in files.items():
        path.write_text(render(template, **common, **extra), encoding="utf-8")


MOST_SCORES = 0xFFFF
"""A message of the sample application counts its scores in 16 bits."""


def application_stream(
    graph: Graph,
    stream: tuple[int, int] | None = None,
    normalisation: Normalisation = ZSCORE,
) -> tuple[int, int] | None:
    """Channels and samples for the sample application; None where it does not fit.

    It takes a stream of frames for the one input, which it normalises in integers, and sends the
    scores of the one output. ``stream`` and ``normalisation``: as in :class:`ProjectSpec`.
    """
    inputs, outputs = graph.inputs, graph.outputs
    if len(inputs) != 1 or len(outputs) != 1 or outputs[0].type.size > MOST_SCORES:
        return None
    if not normalisation.fits(inputs[0].type.scale_or_one):
        return None
    if stream is not None:
        return stream
    *before, channels, samples = (1, *inputs[0].shape)
    return (channels, samples) if all(size == 1 for size in before) else None


def _application(value: Value, normalisation: Normalisation) -> dict[str, object]:
    """The input's quantization in integers: 2^16 / scale, and the range of the type.

    With a fixed factor also what a sample is in steps of the input, times 2^24.
    """
    least, most = value.type.dtype.bounds
    scale = value.type.scale_or_one
    fixed = None
    if normalisation.factor is not None:
        fixed = repr(normalisation.factor / scale * 2**24)
    return {
        "steps": round(65536 / scale),
        "fixed": fixed,
        "unit": normalisation.unit,
        "least": least,
        "most": most,
    }


def weights_image(spec: ProjectSpec) -> bytes:
    """The L3 image: every layer's block of constants at its offset."""
    image = bytearray(spec.placement.image.bytes)
    for block, base in zip(spec.placement.blocks, spec.placement.image.offsets, strict=True):
        for value, offset in block.offsets.items():
            array = value.array
            data = array.astype(array.dtype.newbyteorder("<")).tobytes()
            image[base + offset : base + offset + len(data)] = data
    return bytes(image)


_NOT_COPIED = ("__pycache__", "*.o", "*.so", "README.md", "selftest")


def _copy_runtime(folder: Path) -> None:
    """The runtime's sources, file by file: the first that cannot be written ends it."""
    runtime = resources.folder("runtime_c")
    for part in ("include", "src", "hal", "kernels"):
        for source in sorted((runtime / part).rglob("*")):
            name = source.relative_to(runtime)
            if source.is_file() and not _ignored(name):
                target = folder / "runtime" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)


def _ignored(name: Path) -> bool:
    return any(fnmatch(part, pattern) for part in name.parts for pattern in _NOT_COPIED)


def _describe_gvsoc(board: Board, gvsoc: Gvsoc, folder: Path) -> None:
    """What the simulator needs to know of the board, and its description of the chip."""
    folder.mkdir()
    content = board.model_dump(mode="json", exclude={"kernels"})
    (folder / "board.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if gvsoc.description:
        shutil.copy(resources.folder("boards") / "gvsoc" / gvsoc.description, folder)


@dataclass(frozen=True)
class Port:
    """A network input or output as the headers show it."""

    name: str
    macro: str
    c_type: str
    shape: tuple[int, ...]
    elements: int
    bytes: int
    scale: str
    zero_point: int


def _ports(graph: Graph) -> dict[str, list[Port]]:
    names = Names()
    return {
        "inputs": [_port(value, names.make(value.name, "input")) for value in graph.inputs],
        "outputs": [_port(value, names.make(value.name, "output")) for value in graph.outputs],
    }


def _port(value: Value, name: str) -> Port:
    quantization = value.type.quantization
    return Port(
        name=name,
        macro=name.upper(),
        c_type=value.type.dtype.c_name,
        shape=value.shape,
        elements=value.type.size,
        bytes=value.type.bytes,
        scale=_float(value.type.scale_or_one),
        zero_point=quantization.zero_point if quantization else 0,
    )


def _float(value: float) -> str:
    """A C literal that reads back as the same float."""
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _places(spec: ProjectSpec) -> dict[str, list[int]]:
    last = len(spec.layers) - 1
    return {
        "inputs": [spec.placement.address(value, 0) for value in spec.graph.inputs],
        "outputs": [spec.placement.address(value, last) for value in spec.graph.outputs],
    }


@dataclass(frozen=True)
class ResidentBlock:
    """Weights that are read once: where they go in L2, where they lie in L3, and how many bytes."""

    l2: int
    l3: int
    bytes: int


def _resident(placement: Placement) -> list[ResidentBlock]:
    return [
        ResidentBlock(
            placement.block_l2[index],
            placement.image.offsets[index],
            placement.blocks[index].bytes,
        )
        for index in sorted(placement.resident)
    ]


@dataclass(frozen=True)
class Function:
    """A C function, and what its comment says of the layers that run it."""

    name: str
    title: str
    shared: Shared


@dataclass(frozen=True)
class LayerRow:
    """One entry of the layer table. ``table``: which table has its numbers; None: it has none."""

    name: str
    op: str
    function: str
    table: int | None
    weights_l3: int
    weights_l2: int
    weights_bytes: int
    weights_from: int
    output: int
    output_bytes: int
    output_row: int
    output_pitch: int


def _layer_tables(spec: ProjectSpec) -> dict[str, object]:
    placement = spec.placement
    bodies = [
        layer_function(program, [placement.address(o.value, index) for o in program.operands])
        for index, program in enumerate(spec.programs)
    ]
    tables: dict[tuple[int, ...], int] = {}
    functions: list[Function] = []
    rows: dict[int, LayerRow] = {}
    for shared in share(bodies):
        op = spec.layers[shared.users[0]].op
        function = Function(f"run_{op}_{len(functions)}", _title(spec, shared), shared)
        functions.append(function)
        for index, numbers in zip(shared.users, shared.values, strict=True):
            table = tables.setdefault(numbers, len(tables)) if numbers else None
            rows[index] = _row(spec, index, function.name, table)
    calls = [call for program in spec.programs for call in program.calls]
    return {
        "functions": functions,
        "tables": list(tables),
        "rows": [rows[index] for index in range(len(spec.layers))],
        "kernels": sorted({call.kernel for call in calls if call.engine == "cluster"}),
        "job_kernels": sorted({call.kernel for call in calls if call.engine == "ne16"}),
    }


def _title(spec: ProjectSpec, shared: Shared) -> str:
    first = spec.programs[shared.users[0]]
    others = f", and {len(shared.users) - 1} more" if len(shared.users) > 1 else ""
    return f"{first.order}, {first.steps} steps{others}"


def _comment(text: str) -> str:
    """``text`` as it may stand in a C comment."""
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")


def _row(spec: ProjectSpec, index: int, function: str, table: int | None) -> LayerRow:
    node, placement = spec.layers[index], spec.placement
    size, pitch = node.output.type.bytes, resolve(node.output).pitch
    return LayerRow(
        name=_comment(node.name or node.output.name),
        op=node.op,
        function=function,
        table=table,
        weights_l3=placement.image.offsets[index],
        weights_l2=placement.block_l2[index],
        weights_bytes=0 if index in placement.resident else placement.blocks[index].bytes,
        weights_from=placement.weights_from[index],
        output=placement.address(node.output, index),
        output_bytes=size,
        output_row=row_bytes(node.output) if pitch else size,
        output_pitch=pitch or size,
    )
