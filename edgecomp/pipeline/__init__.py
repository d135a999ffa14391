"""The commands as functions: ``build`` and ``simulate``."""

from edgecomp.pipeline.build_project import Build, build
from edgecomp.pipeline.simulate_project import Mismatch, Simulation, simulate

__all__ = ["Build", "Mismatch", "Simulation", "build", "simulate"]
