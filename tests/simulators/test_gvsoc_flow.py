"""A run as edgecomp drives it, with a GVSoC and a compiler that pretend."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecomp.ir import DType, TensorType
from edgecomp.progress import Silent
from edgecomp.simulators import GvsocSimulator, ProjectRun, SimulatorError, installation
from edgecomp.simulators.gvsoc import gvsoc_sources
from edgecomp.targets import load_board

from .conftest import L2, elf, make_installation, program

GOOD = """
echo "@ec begin 0"
echo "@ec check 0 0 0000002a"
echo "@ec timed 0 0 100 60 20 10"
echo "@ec window 0 120"
echo "@ec stack 300 700 160"
printf '\\007\\011' > output.bin
echo "@ec done 1"
"""


class Stages(Silent):
    """Progress that remembers: name, announced steps, steps."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int | None, list[str]]] = []

    def stage(self, name: str, total: int | None = None) -> None:
        self.found.append((name, total, []))

    def step(self, detail: str = "") -> None:
        self.found[-1][2].append(detail)


@pytest.fixture
def project(tmp_path: Path) -> ProjectRun:
    """A project of one layer with two bytes of output."""
    firmware = tmp_path / "firmware"
    (firmware / "gvsoc").mkdir(parents=True)
    (firmware / "weights.bin").touch()
    board = load_board("pulp_open").model_dump(mode="json", exclude={"kernels"})
    (firmware / "gvsoc" / "board.json").write_text(json.dumps(board))
    window = np.zeros((1, 4), np.int8)
    return ProjectRun(firmware, [window], [TensorType((2,), DType.I8)], 1, ["only"])


@pytest.fixture
def chip(nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a GVSoC that runs a script, and a compiler that makes an empty program."""
    monkeypatch.setenv("PATH", f"{nothing}:/usr/bin:/bin")
    image = tmp_path / "image.elf"
    image.write_bytes(elf({}, {0x10000000: 64, L2: 4096}))
    copy = f'while [ "$1" != -o ]; do shift; done; cp {image} "$2"'
    program(nothing / "riscv64-unknown-elf-gcc", copy)
    monkeypatch.setattr(installation, "_python", lambda: "/usr/bin/python3")

    def install(script: str, patience: float = 20.0, trace: Path | None = None) -> GvsocSimulator:
        root = make_installation(tmp_path / "gvsoc", script)
        monkeypatch.setenv(installation.VARIABLE, str(root))
        return GvsocSimulator(trace, patience)

    return install


def test_outputs_checksums_cycles_and_memory_are_read(chip, project: ProjectRun) -> None:
    [run] = chip(GOOD).run(project)
    assert run.outputs[0].tolist() == [7, 9]
    assert run.checksums == [42]
    assert run.measured is not None
    assert run.measured.cycles == 120
    assert run.measured.layers[0].overhead == 10
    assert (run.measured.l1_bytes, run.measured.l2_bytes) == (64, 4096)
    assert run.measured.label == "GVSoC, pulp-open"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo '@ec begin 0'; sleep 60", r"layer 0 \(only\): nothing happened"),
        ("echo '@ec begin 0'; echo '@ec trap 3 2 1c010000 0'", r"layer 0 \(only\): core 3 stopped"),
        ("echo 'no such model'; exit 3", "GVSoC stopped with status 3:\nno such model"),
        ("echo '@ec done 0'; touch output.bin", "ran 0 of 1 windows"),
        (GOOD.replace("timed 0 0", "nothing"), "did not report all of its 1 layers"),
        (GOOD.replace("700 160", "700 0"), "a worker used all of its stack"),
        (GOOD.replace("700 160", "0 160"), "the orchestrator used all of its stack"),
        (GOOD.replace("300 700", "0 700"), "the fabric controller used all of its stack"),
    ],
)
def test_a_run_that_goes_wrong_is_one_clear_error(
    chip, project: ProjectRun, script: str, message: str
) -> None:
    patience = 1.0 if "sleep" in script else 20.0
    with pytest.raises(SimulatorError, match=message):
        chip(script, patience).run(project)


def test_a_layer_is_told_of_when_it_is_finished(chip, project: ProjectRun) -> None:
    """The simulator writes through the C library, which would hold lines back for a pipe."""
    heard: list[float] = []

    class Clock(Silent):
        def step(self, detail: str = "") -> None:
            heard.append(time.monotonic())

    first = "print('@ec check 0 0 0000002a'); time.sleep(1.5)"
    script = f'/usr/bin/env python3 -c "import time; {first}"\n' + GOOD
    chip(script.replace('echo "@ec check 0 0 0000002a"', "")).run(
        replace(project, progress=Clock())
    )
    assert time.monotonic() - heard[0] > 1.0


@pytest.mark.parametrize("traced", [False, True])
def test_each_run_is_a_stage_with_as_many_steps_as_announced(
    chip, project: ProjectRun, tmp_path: Path, traced: bool
) -> None:
    heard = Stages()
    trace = tmp_path / "trace.json" if traced else None
    simulator = chip(f"{GOOD}touch trace.bin\n", trace=trace)
    simulator.run(replace(project, progress=heard))
    runs = ["compile (gvsoc)", "run with checksums", "run for cycles"]
    if trace is not None:
        runs += ["compile for the timeline"]
        runs += ["run with checksums for the timeline", "run for cycles for the timeline"]
        assert trace.is_file()
    assert [name for name, _, _ in heard.found] == runs
    for name, announced, steps in heard.found:
        assert (announced, steps) == ((None, []) if "compile" in name else (1, ["only"]))


def test_windows_are_counted_where_there_are_several(chip, project: ProjectRun) -> None:
    again = GOOD.replace("@ec check 0", "@ec check 1").replace("@ec timed 0", "@ec timed 1")
    first, rest = GOOD.split('echo "@ec stack')[0], again.replace("@ec window 0", "@ec window 1")
    second = rest.replace("007\\011", "007\\011\\007\\011").replace("done 1", "done 2")
    heard = Stages()
    two = [np.concatenate([array, array]) for array in project.inputs]
    chip(first + second).run(replace(project, inputs=two, progress=heard))
    assert heard.found[1:] == [
        (f"run {what}, window {window} of 2", 1, ["only"])
        for window in (1, 2)
        for what in ("with checksums", "for cycles")
    ]


def test_a_compiler_that_fails_is_quoted(chip, nothing: Path, project: ProjectRun) -> None:
    simulator = chip(GOOD)
    text = 'echo "region \\`L2\' overflowed by 4 bytes" >&2; exit 1'
    program(nothing / "riscv64-unknown-elf-gcc", text)
    with pytest.raises(SimulatorError, match="overflowed by 4 bytes") as caught:
        simulator.run(project)
    assert "code_bytes" in caught.value.hint


def test_a_build_for_a_board_without_a_simulator_is_an_error(chip, project: ProjectRun) -> None:
    (project.firmware / "gvsoc" / "board.json").unlink()
    with pytest.raises(SimulatorError, match="says nothing of GVSoC"):
        chip(GOOD).run(project)


def test_a_kernel_comes_from_the_first_folder_that_has_it(tmp_path: Path) -> None:
    for name in ("xpulp/add.c", "reference/add.c", "reference/mul.c"):
        path = tmp_path / "runtime" / "kernels" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = [path.relative_to(tmp_path).as_posix() for path in
             gvsoc_sources(tmp_path, ["xpulp", "reference"])]  # fmt: skip
    assert found[-2:] == ["runtime/kernels/xpulp/add.c", "runtime/kernels/reference/mul.c"]
