"""The commands as functions: ``build`` and ``simulate``."""

from edgecomp.pipeline.build_project import Build, build
from edgecomp.pipeline.mismatch import Mismatch
from edgecomp.pipeline.simulate_project import Simulation, simulate

__all__ = ["Build", "Mismatch", "Simulation", "build", "simulate"]
