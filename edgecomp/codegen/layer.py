"""The C function of a tile program.

Layers with the same program share one function: tensor addresses and quantization scalars come
from the layer's table entry, everything else is in the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgecomp.codegen.render import render
from edgecomp.targets import Engine
from edgecomp.tiling.expr import Const, Expr
from edgecomp.tiling.program import (
    Argument,
    Buffer,
    Call,
    Null,
    Operand,
    Pointer,
    Region,
    Scalar,
    Scratch,
    Symbol,
    TileProgram,
    Vector,
)


@dataclass(frozen=True)
class BufferText:
    """A buffer as the template shows it. ``lags`` are those at which a version is counted."""

    name: str
    place: Buffer
    changes: bool
    lags: tuple[int, ...]
    keys: dict[int, tuple[str, str]]


@dataclass(frozen=True)
class OperandText:
    """A tensor on its way: what the step at ``lag`` stores, what the one behind it needs loaded.

    ``first`` is the lag of the first call that touches it, ``early`` says that a store starts
    before the cluster's calls; ``*_first`` describe the tile of the first step.
    """

    buffer: BufferText
    index: int
    direction: str
    overlaps: bool
    early: bool
    first: int
    lag: int
    offset: str
    block: str
    offset_next: str
    block_next: str
    offset_first: str
    block_first: str

    @property
    def name(self) -> str:
        """The operand's name."""
        return self.buffer.name


@dataclass(frozen=True)
class CallText:
    """One kernel call: its condition (empty: always) and the fields of its argument struct."""

    kernel: str
    engine: Engine
    lag: int
    condition: str
    fields: tuple[tuple[str, str], ...]
    tiles: tuple[BufferText, ...]


def layer_function(program: TileProgram, name: str) -> str:
    """The definition of the C function ``name`` that runs ``program``."""
    items: list[Operand | Scratch] = [*program.operands, *program.scratch]
    buffers = {item.name: _buffer(program, item) for item in items}
    operands = [
        _operand(program, index, operand, buffers[operand.name])
        for index, operand in enumerate(program.operands)
    ]
    loaded = [operand for operand in operands if operand.direction == "in"]
    return render(
        "layer.c.j2",
        name=name,
        loops=[loop for loop in reversed(program.loops) if loop.trips > 1],
        lags=program.schedule.lags,
        buffers=list(buffers.values()),
        operands=operands,
        whole=[op for op in loaded if not op.buffer.changes],
        ahead=[op for op in loaded if op.buffer.changes and op.overlaps],
        exposed=[op for op in loaded if op.buffer.changes and not op.overlaps],
        accelerated=any(call.engine == "ne16" for call in program.calls),
        scratch=[buffers[item.name] for item in program.scratch],
        calls=_calls(program, _Scalars(), buffers),
        order=program.order,
        steps=program.steps,
        slots=program.schedule.slots,
    )


def layer_scalars(program: TileProgram) -> list[int]:
    """The values of ``layer->scalars`` in the order in which the function reads them."""
    scalars = _Scalars()
    for call in program.schedule.calls:
        _fields(call, scalars)
    return scalars.values


class _Scalars:
    def __init__(self) -> None:
        self.values: list[int] = []

    def add(self, value: int) -> str:
        self.values.append(value)
        return f"layer->scalars[{len(self.values) - 1}]"


def _here(lag: int) -> str:
    """The suffix of the loop indices of the step that is at ``lag``."""
    return f"_{lag}"


def _next(lag: int) -> str:
    """The suffix of the indices of the step behind it."""
    return f"_{lag}n"


def _buffer(program: TileProgram, item: Operand | Scratch) -> BufferText:
    schedule, place = program.schedule, program.l1_layout[item.name]
    changes = not isinstance(item.key, Const)
    users = {call.lag for call in program.calls if any(call.touches(item.name))}
    lags = users if place.copies > 1 else set()
    if isinstance(item, Operand):
        lags.add(_cursor(program, item))
        lags.add(schedule.first_lag(item.name))
    counted = tuple(sorted(lags)) if changes else ()
    keys = {lag: (item.key.c(_here(lag)), item.key.c(_next(lag))) for lag in counted}
    return BufferText(item.name, place, changes, counted, keys)


def _cursor(program: TileProgram, operand: Operand) -> int:
    if operand.direction == "in":
        return program.schedule.first_lag(operand.name)
    return program.schedule.store_lag(operand)


def _operand(program: TileProgram, index: int, operand: Operand, buffer: BufferText) -> OperandText:
    lag = _cursor(program, operand)
    region = operand.region
    return OperandText(
        buffer=buffer,
        index=index,
        direction=operand.direction,
        overlaps=operand.buffers > 1,
        early=operand.direction == "out" and program.schedule.stored_early(operand),
        first=program.schedule.first_lag(operand.name),
        lag=lag,
        offset=region.offset.c(_here(lag)),
        block=_block(region, _here(lag)),
        offset_next=region.offset.c(_next(lag)),
        block_next=_block(region, _next(lag)),
        offset_first=str(_at_first(program, region.offset)),
        block_first=_first_block(program, region),
    )


def _at_first(program: TileProgram, value: Expr | int) -> int:
    return (
        int(value.evaluate({loop.name: 0 for loop in program.loops}))
        if isinstance(value, Expr)
        else value
    )


_BLOCK = ("length", "rows", "row_stride", "planes", "plane_stride")


def _block(region: Region, suffix: str) -> str:
    values = (getattr(region, name) for name in _BLOCK)
    return _initializer(v.c(suffix) if isinstance(v, Expr) else str(v) for v in values)


def _first_block(program: TileProgram, region: Region) -> str:
    return _initializer(str(_at_first(program, getattr(region, name))) for name in _BLOCK)


def _initializer(values: Iterable[str]) -> str:
    named = (f".{name} = {value}" for name, value in zip(_BLOCK, values, strict=True))
    return "{" + ", ".join(named) + "}"


def _calls(
    program: TileProgram, scalars: _Scalars, buffers: Mapping[str, BufferText]
) -> list[CallText]:
    return [_call(call, scalars, buffers) for call in program.schedule.calls]


def _call(call: Call, scalars: _Scalars, buffers: Mapping[str, BufferText]) -> CallText:
    suffix = _here(call.lag)
    condition = " && ".join(f"{index.c(suffix)} == {value}" for index, value in call.when)
    pointers = (arg.name for arg in call.arguments.values() if isinstance(arg, Pointer))
    tiles = tuple(buffers[name] for name in dict.fromkeys(pointers))
    return CallText(call.kernel, call.engine, call.lag, condition, _fields(call, scalars), tiles)


def _fields(call: Call, scalars: _Scalars) -> tuple[tuple[str, str], ...]:
    suffix = _here(call.lag)
    return tuple((name, _argument(arg, scalars, suffix)) for name, arg in call.arguments.items())


def _argument(argument: Argument, scalars: _Scalars, suffix: str) -> str:
    match argument:
        case Expr():
            return argument.c(suffix)
        case Scalar(value):
            return scalars.add(value)
        case Null():
            return "NULL"
        case Symbol(text):
            return text
        case Vector(items):
            return "{" + ", ".join(item.c(suffix) for item in items) + "}"
        case Pointer(name, offset):
            tile = f"tile_{name}{suffix}"
            return tile if offset == Const(0) else f"EC_AT({tile}, {offset.c(suffix)})"
