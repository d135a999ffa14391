"""graph.txt: every node carries its own notes, and the text is still the graph."""

from __future__ import annotations

import re

from edgecomp.ir import blobs, parse, print_graph
from edgecomp.pipeline import Build
from edgecomp.pipeline.compile import plan
from edgecomp.pipeline.listing import listing
from edgecomp.targets import load_board

Q = "scale=0.5, zero=0"
TEXT = f"""
graph "g" (%x: i8[8, 4; {Q}]) -> (%z) {{
  %t: i8[4, 8; {Q}] = transpose(%x) {{permutation = [1, 0]}} @ "odd = constant name"
  %r: i8[32; {Q}] = reshape(%t) {{shape = [32]}}
  %table: i8[256; {Q}] = constant normal 1
  %z: i8[32; {Q}] = q_table(%r, %table) {{dtype = "i8", scale = 0.5, zero = 0}} @ "}}"
}}
"""


def test_notes_stand_behind_their_nodes() -> None:
    """Names of the user's model may look like IR."""
    graph = parse(TEXT)
    lines = listing(plan(graph, load_board("gap9_evk"))).splitlines()

    def note(name: str) -> str:
        [at] = [i for i, line in enumerate(lines) if line.startswith(f"  %{name}: ")]
        return lines[at + 1].strip()

    assert note("t").startswith("// layer 0, engine cluster, L2 ")
    assert "    // not NE16: no NE16 form of the operator" in lines
    assert "    // calls copy on cluster lag 0" in lines
    assert note("r") == "// view of %t at byte 0"
    assert note("z").startswith("// layer 1, engine cluster") and "weights 256 bytes" in note("z")
    assert not note("table").startswith("//")


def test_the_listing_parses_to_the_same_graph() -> None:
    graph = parse(TEXT)
    text = listing(plan(graph, load_board("gap9_evk")))
    assert print_graph(parse(text, blobs(graph))) == print_graph(graph)


def test_calls_are_listed_with_engine_and_lag(small_build: Build) -> None:
    """Scores on NE16, softmax on the cores when they are there, values on NE16 after it."""
    text = (small_build.directory / "graph.txt").read_text()
    [calls] = [line for line in text.splitlines() if "attention_softmax_i8 on" in line]
    found = re.findall(r"(\w+) on (\w+) lag (\d+)", calls)
    engines = [engine for _, engine, _ in found]
    assert set(engines) == {"cluster", "ne16"}
    assert engines == sorted(engines, reverse=True)
    softmax = next(int(lag) for name, _, lag in found if name == "attention_softmax_i8")
    jobs = [int(lag) for _, engine, lag in found if engine == "ne16"]
    assert min(jobs) < softmax < max(jobs)
    assert re.search(r"exposed NE16 \d+ of \d+ busy, overhead \d+$", text, re.MULTILINE)


def test_layers_on_the_cores_say_why_in_listing_report_and_page(small_build: Build) -> None:
    text = (small_build.directory / "graph.txt").read_text()
    page = (small_build.directory / "report.html").read_text()
    for layer in small_build.report.layers:
        assert (layer.on_cores is None) == ("ne16" in layer.engine)
        if layer.on_cores is not None:
            assert f"// not NE16: {layer.on_cores}\n" in text
            assert f"<small>not NE16: {layer.on_cores}</small>" in page
    assert {layer.engine for layer in small_build.report.layers} > {"cluster"}
