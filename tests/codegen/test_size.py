"""What the code of layers is estimated to take, against what a compiler makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgecomp.codegen.size import function_bytes, layers_bytes
from edgecomp.ir import Node, parse
from edgecomp.pipeline import Build, build
from edgecomp.simulators import SimulatorError
from edgecomp.simulators.elf import Elf
from edgecomp.simulators.gvsoc import Platform, compile_project
from edgecomp.simulators.toolchain import Toolchain, find_toolchain
from edgecomp.targets import load_board
from edgecomp.tiling import TileProgram
from edgecomp.tiling.search import choose

Q = "scale=0.5, zero=0"
FUNCTION = re.compile(r"static void (run_\w+)\(const ec_layer \*layer\)\n\{(.*?)\n\}\n", re.DOTALL)


def copies(*shapes: tuple[int, int]) -> list[TileProgram]:
    """The tile programs of transposes."""
    return [choose(transpose(*shape), load_board("gap9_evk")).program for shape in shapes]


def transpose(rows: int, columns: int) -> Node:
    text = f"""graph "g" (%x: i8[{rows}, {columns}; {Q}]) -> (%y) {{
      %y: i8[{columns}, {rows}; {Q}] = transpose(%x) {{permutation = [1, 0]}}
    }}"""
    [node] = parse(text).nodes
    return node


def test_a_layer_of_equal_structure_adds_its_tables_only() -> None:
    one, two = layers_bytes(copies((8, 12))), layers_bytes(copies((8, 12), (12, 20)))
    other = layers_bytes(copies((8, 12), (4000, 900)))
    assert one > 150
    assert 32 < two - one < 100
    assert other - one > 200, "a layer of many steps has a function of its own"


def test_an_estimate_grows_with_what_a_function_does() -> None:
    texts = ["ec_stream_open(x, l1, 8, 1, 0);", "ec_stream_load(x, 0, 0, 8);"]
    assert 0 < function_bytes(texts[0]) < function_bytes("\n".join(texts))
    assert function_bytes("\n        o_1 = o_0;") > 0


@pytest.fixture(scope="module")
def compiler() -> Toolchain:
    """The estimate is of GCC's code."""
    try:
        found = find_toolchain()
    except SimulatorError as error:
        pytest.skip(error.message)
    if found.name != "gcc":
        pytest.skip("no GCC for RISC-V")
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """An encoder with convolutions, spectra and attention."""
    options = {"channels": "2", "patches": "2"}
    out = tmp_path_factory.mktemp("size") / "out"
    return build("eegdino-small", options=options, windows=1, out=out)


def test_functions_and_tables_take_what_was_estimated(
    built: Build, compiler: Toolchain, tmp_path: Path
) -> None:
    """Each function within 25 %, all together within 10 %; the plan has room for them."""
    firmware = built.directory.resolve() / "firmware"
    program = tmp_path / "network.elf"
    compile_project(compiler, firmware, Platform.read(firmware).kernels, program)
    sizes = {name.partition(".")[0]: size for _, size, name in Elf(program).functions}
    texts = dict(FUNCTION.findall((firmware / "src" / "layers.c").read_text()))
    pairs = [(sizes[name], function_bytes(text)) for name, text in texts.items() if name in sizes]
    assert len(pairs) > 10
    for size, estimate in pairs:
        assert size / 1.25 <= estimate <= 1.25 * size
    size, estimate = (sum(column) for column in zip(*pairs, strict=True))
    assert size / 1.1 <= estimate <= 1.1 * size
    code = built.report.memory.l2.code
    fixed = load_board(built.report.board).reserved.code_bytes
    rows = 32 * len(built.report.layers)
    assert code is not None and code - fixed > size + rows
