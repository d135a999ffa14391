"""The command line. Commands import what they need when they run, so that help is quick."""

from edgecomp.cli.main import cli, main

__all__ = ["cli", "main"]
