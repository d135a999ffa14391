"""The columns of the page's table of layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgecomp.report import figures
from edgecomp.report.schema import Layer, Report
from edgecomp.report.usage import Usage, has_ne16, is_known, sees_ne16


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the number it sorts by; without one, it sorts by the text.

    share: of a bar behind the text, between 0 and 1. note: in small letters below the text.
    """

    text: str
    value: float | None = None
    share: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class LayerColumn:
    """A heading, how its figures were come by, and the cells of a layer and of all layers.

    mark: a kind of :func:`figures.kind`, or planned, or nothing.
    """

    head: str
    mark: str
    cell: Callable[[Layer], Cell]
    total: Callable[[Report], str] = lambda report: ""


def layer_columns(report: Report) -> list[LayerColumn]:
    """The columns that the report has figures for."""
    used = is_known(report)
    moved = any(layer.bytes_moved is not None for layer in report.layers)
    return [
        LayerColumn("Layer", "", lambda layer: Cell(layer.name), lambda report: "all layers"),
        LayerColumn("Operator", "", lambda layer: Cell(layer.op)),
        LayerColumn("Engine", "", lambda layer: Cell(layer.engine, note=_on_cores(layer))),
        *_cycles(report),
        *(_usage(report) if used else []),
        *(_ne16_usage(report) if has_ne16(report) else []),
        *([_bytes_moved()] if moved else []),
        LayerColumn("Tiles", "planned", lambda layer: Cell(str(layer.tiles), layer.tiles)),
        LayerColumn("L1", "planned", lambda layer: _size(layer.l1_bytes)),
        LayerColumn("Weights", "planned", lambda layer: _size(layer.bytes or 0)),
        LayerColumn("SQNR", "measured", _sqnr),
        LayerColumn("Checksum", "", lambda layer: Cell(layer.checksum)),
    ]


def _on_cores(layer: Layer) -> str:
    return f"not NE16: {layer.on_cores}" if layer.on_cores else ""


def cycles_mark(report: Report) -> str:
    """How the cycles were come by."""
    return figures.kind(report.latency.provenance)


def _cycles(report: Report) -> list[LayerColumn]:
    """Cycles, products, and the rate of both."""
    mark = cycles_mark(report)
    most = max((layer.cycles for layer in report.layers), default=0.0) or 1.0

    def cycles(layer: Layer) -> Cell:
        return Cell(figures.count(layer.cycles), layer.cycles, layer.cycles / most)

    def rate(layer: Layer) -> Cell:
        value = layer.macs / layer.cycles if layer.cycles else 0.0
        return Cell(figures.rate(layer.macs, layer.cycles), value)

    return [
        LayerColumn("Cycles", mark, cycles, lambda report: figures.count(_all(report).cycles)),
        LayerColumn(
            "MAC",
            "planned",
            lambda layer: Cell(figures.count(layer.macs) if layer.macs else "-", layer.macs),
            lambda report: figures.count(report.model.macs),
        ),
        LayerColumn(
            "MAC/cycle",
            mark,
            rate,
            lambda report: figures.rate(report.model.macs, _all(report).cycles),
        ),
    ]


def _usage(report: Report) -> list[LayerColumn]:
    """Where cycles go."""
    mark = cycles_mark(report)
    return [
        _share("Cores busy", mark, lambda used: used.compute),
        _share("DMA wait", mark, lambda used: used.exposed_dma),
        _share("L3 wait", mark, lambda used: used.exposed_l3),
    ]


def _ne16_usage(report: Report) -> list[LayerColumn]:
    """What NE16 does, as far as it is seen."""
    mark, most = cycles_mark(report), report.ne16_macs_per_cycle

    def rate(used: Usage) -> Cell:
        value = used.ne16_macs / used.ne16_busy if used.ne16_busy else 0.0
        return Cell(figures.rate(used.ne16_macs, used.ne16_busy), value)

    wait = _share("NE16 wait", mark, lambda used: used.exposed_ne16)
    if not sees_ne16(report):
        return [wait]
    return [
        wait,
        _share("NE16 busy", mark, lambda used: used.ne16_busy),
        LayerColumn(
            "NE16 MAC/busy cycle" + (f" of {most:g}" if most else ""),
            mark,
            lambda layer: rate(Usage.of([layer])),
            lambda report: rate(_all(report)).text,
        ),
    ]


def _share(head: str, mark: str, part: Callable[[Usage], float]) -> LayerColumn:
    """A share of the cycles."""

    def cell(used: Usage) -> Cell:
        value = part(used) / used.cycles if used.cycles else 0.0
        return Cell(figures.percent(part(used), used.cycles), value)

    return LayerColumn(
        head,
        mark,
        lambda layer: cell(Usage.of([layer])),
        lambda report: cell(_all(report)).text,
    )


def _bytes_moved() -> LayerColumn:
    return LayerColumn(
        "Bytes moved",
        "planned",
        lambda layer: _size(layer.bytes_moved or 0),
        lambda report: figures.size(sum(layer.bytes_moved or 0 for layer in report.layers)),
    )


def _size(size: int) -> Cell:
    return Cell(figures.size(size) if size else "-", size)


def _sqnr(layer: Layer) -> Cell:
    """The largest where it is infinite or unknown, so that sorting shows the worst layers first."""
    value = 1e9 if layer.sqnr_db is None else layer.sqnr_db
    return Cell(figures.decibels(layer.sqnr_db), value)


def _all(report: Report) -> Usage:
    return Usage.of(report.layers)
