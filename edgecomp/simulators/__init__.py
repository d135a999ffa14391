"""Ways to run a generated project and read back what it computed."""

from edgecomp.simulators.common import ProjectRun, SimulatorError, WindowRun
from edgecomp.simulators.host import HostSimulator
from edgecomp.simulators.select import Simulator, select_simulator, simulator_names

__all__ = [
    "HostSimulator",
    "ProjectRun",
    "Simulator",
    "SimulatorError",
    "WindowRun",
    "select_simulator",
    "simulator_names",
]
