"""The C function of a tile program.

Layers with the same program share one function: tensor addresses and quantization scalars come
from the layer's table entry, everything else is in the text.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgecomp.codegen.render import render
from edgecomp.tiling.expr import Const, Expr
from edgecomp.tiling.program import (
    Argument,
    Call,
    Null,
    Operand,
    Pointer,
    Region,
    Scalar,
    Symbol,
    TileProgram,
    Vector,
)

_NEXT = "_next"


@dataclass(frozen=True)
class OperandText:
    """One operand as the template shows it; ``*_next`` describe the tile of the next step."""

    name: str
    index: int
    direction: str
    buffers: int
    first: int
    second: int
    changes: bool
    key: str
    key_next: str
    offset: str
    offset_next: str
    block: str
    block_next: str


@dataclass(frozen=True)
class CallText:
    """One kernel call: its condition (empty: always) and the fields of its argument struct."""

    kernel: str
    condition: str
    fields: tuple[tuple[str, str], ...]


def layer_function(program: TileProgram, name: str) -> str:
    """The definition of the C function ``name`` that runs ``program``."""
    scalars = _Scalars()
    calls = [_call(call, scalars) for call in program.calls]
    layout = program.l1_layout
    return render(
        "layer.c.j2",
        name=name,
        loops=[loop for loop in reversed(program.loops) if loop.trips > 1],
        operands=[_operand(program, i, op) for i, op in enumerate(program.operands)],
        scratch=[(s.name, layout[s.name][0]) for s in program.scratch],
        buffers=list(layout.values()),
        calls=calls,
        order=program.order,
        steps=program.steps,
    )


def layer_scalars(program: TileProgram) -> list[int]:
    """The values of ``layer->scalars`` in the order in which the function reads them."""
    scalars = _Scalars()
    for call in program.calls:
        _call(call, scalars)
    return scalars.values


class _Scalars:
    def __init__(self) -> None:
        self.values: list[int] = []

    def add(self, value: int) -> str:
        self.values.append(value)
        return f"layer->scalars[{len(self.values) - 1}]"


def _operand(program: TileProgram, index: int, operand: Operand) -> OperandText:
    layout = program.l1_layout
    first = layout[f"{operand.name}.0"][0]
    last = layout[f"{operand.name}.{operand.buffers - 1}"][0]
    return OperandText(
        name=operand.name,
        index=index,
        direction=operand.direction,
        buffers=operand.buffers,
        first=first,
        second=last,
        changes=not isinstance(operand.key, Const),
        key=operand.key.c(),
        key_next=operand.key.c(_NEXT),
        offset=operand.region.offset.c(),
        offset_next=operand.region.offset.c(_NEXT),
        block=_block(operand.region, ""),
        block_next=_block(operand.region, _NEXT),
    )


def _block(region: Region, suffix: str) -> str:
    fields: list[tuple[str, Expr | int]] = [("length", region.length), ("rows", region.rows)]
    fields += [("row_stride", region.row_stride), ("planes", region.planes)]
    fields += [("plane_stride", region.plane_stride)]
    texts = (v.c(suffix) if isinstance(v, Expr) else str(v) for _, v in fields)
    named = (f".{name} = {text}" for (name, _), text in zip(fields, texts, strict=True))
    return "{" + ", ".join(named) + "}"


def _call(call: Call, scalars: _Scalars) -> CallText:
    condition = " && ".join(f"{index.c()} == {value}" for index, value in call.when)
    fields = tuple((name, _argument(arg, scalars)) for name, arg in call.arguments.items())
    return CallText(call.kernel, condition, fields)


def _argument(argument: Argument, scalars: _Scalars) -> str:
    match argument:
        case Expr():
            return argument.c()
        case Scalar(value):
            return scalars.add(value)
        case Null():
            return "NULL"
        case Symbol(text):
            return text
        case Vector(items):
            return "{" + ", ".join(item.c() for item in items) + "}"
        case Pointer(name, offset):
            return f"tile_{name}" if offset == Const(0) else f"EC_AT(tile_{name}, {offset.c()})"
