"""What a build and a simulation report, and the ways to look at it."""

from edgecomp.report.details import (
    Buffer,
    Buffers,
    DutyCycle,
    InputNormalisation,
    OutputSample,
    Peaks,
)
from edgecomp.report.html import render_html, write_html
from edgecomp.report.schema import (
    Comparison,
    Energy,
    Latency,
    Layer,
    Level,
    Memory,
    Model,
    Quantization,
    Report,
    ReportError,
    SimulationReport,
)
from edgecomp.report.summary import summarize

__all__ = [
    "Buffer",
    "Buffers",
    "Comparison",
    "DutyCycle",
    "Energy",
    "InputNormalisation",
    "Latency",
    "Layer",
    "Level",
    "Memory",
    "Model",
    "OutputSample",
    "Peaks",
    "Quantization",
    "Report",
    "ReportError",
    "SimulationReport",
    "render_html",
    "summarize",
    "write_html",
]
