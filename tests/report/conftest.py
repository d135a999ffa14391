"""One report, as a build and as a simulation leave it."""

import json
from pathlib import Path

import pytest

from edgecomp.report import Report, SimulationReport

SIMULATION = Path(__file__).parents[1] / "data" / "report" / "simulation.json"


@pytest.fixture
def simulation_json() -> dict:
    return json.loads(SIMULATION.read_text())


@pytest.fixture
def report_json(simulation_json) -> dict:
    extra = ("simulator", "bit_exact", "float")
    return {name: value for name, value in simulation_json.items() if name not in extra}


@pytest.fixture
def simulation(simulation_json) -> SimulationReport:
    return SimulationReport.model_validate(simulation_json)


@pytest.fixture
def report(report_json) -> Report:
    return Report.model_validate(report_json)
