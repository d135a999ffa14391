"""The commands as functions: ``build`` and ``simulate``."""

from edgecomp.pipeline.build import Build, build
from edgecomp.pipeline.simulate import Mismatch, Simulation, simulate

__all__ = ["Build", "Mismatch", "Simulation", "build", "simulate"]
