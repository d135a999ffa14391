"""The command line with a pipeline that only records what it is asked for."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from click.testing import CliRunner

import edgecomp
from edgecomp.cli import cli
from edgecomp.report import Report, SimulationReport

SIMULATION = Path(__file__).parents[1] / "data" / "report" / "simulation.json"


@pytest.fixture
def run():
    """Run the program in this process: result with exit_code, stdout, stderr."""

    def invoke(*arguments: object):
        return CliRunner().invoke(cli, [str(each) for each in arguments], prog_name="edgecomp")

    return invoke


@pytest.fixture
def pipeline(monkeypatch, tmp_path) -> SimpleNamespace:
    """`calls` records (function, positional, keywords); `error`, if set, is raised.

    `mismatch` is what a simulation finds; `directory` is where a build is, `deleted` what it
    replaced.
    """
    simulation = SimulationReport.read(SIMULATION)
    measured = {"simulator", "bit_exact", "float_"}
    report = Report(**{name: value for name, value in simulation if name not in measured})
    stub = SimpleNamespace(
        calls=[],
        error=None,
        mismatch=None,
        simulation=simulation,
        report=report,
        directory=tmp_path / "out",
        deleted=[],
    )

    def recorder(function: str):
        def record(*positional, progress, **keywords):
            stub.calls.append((function, positional, keywords))
            progress.stage("calibrate", 2)
            progress.step("first window")
            if stub.error is not None:
                raise stub.error
            result = stub.report if function == "build" else stub.simulation
            shared = {name: getattr(stub, name) for name in ("directory", "deleted", "mismatch")}
            return SimpleNamespace(report=result, **shared)

        return record

    module = ModuleType("edgecomp.pipeline")
    module.build = recorder("build")
    module.simulate = recorder("simulate")
    monkeypatch.setitem(sys.modules, "edgecomp.pipeline", module)
    monkeypatch.setattr(edgecomp, "pipeline", module, raising=False)
    return stub
