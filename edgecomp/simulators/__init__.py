"""Ways to run a generated project and read back what it computed."""

from edgecomp.simulators.common import (
    LayerCycles,
    Measurement,
    ProjectRun,
    SimulatorError,
    WindowRun,
)
from edgecomp.simulators.dump import LayerDump
from edgecomp.simulators.gvsoc import GvsocSimulator
from edgecomp.simulators.host import HostSimulator
from edgecomp.simulators.select import Simulator, select_simulator, simulator_names

__all__ = [
    "GvsocSimulator",
    "HostSimulator",
    "LayerCycles",
    "LayerDump",
    "Measurement",
    "ProjectRun",
    "Simulator",
    "SimulatorError",
    "WindowRun",
    "select_simulator",
    "simulator_names",
]
