"""`edgecomp boards`: the boards and their memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edgecomp.cli.command import Command, print_json, print_text

if TYPE_CHECKING:
    from edgecomp.targets import Board


@click.command(cls=Command)
def boards(*, as_json: bool) -> None:
    """List the boards, with memories, clocks and power."""
    from edgecomp.targets import board_names, load_board

    found = [load_board(name) for name in board_names()]
    if as_json:
        print_json([board.model_dump(mode="json") for board in found])
        return
    from edgecomp.report.columns import Column, Columns

    names = [Column("board", "whole"), Column("target", "whole", leave_out=3)]
    sizes = [Column("L1"), Column("L2"), Column("L3"), Column("flash", leave_out=4)]
    rates = [Column("cluster", leave_out=2), Column("active", leave_out=1)]
    print_text(Columns([*names, *sizes, *rates, Column("", "prose")], map(_row, found)))


def _row(board: Board) -> list[str]:
    from edgecomp.report import figures

    memories = board.memories
    sizes = (memories.l1_bytes, memories.l2_bytes, memories.l3_bytes, memories.flash_bytes)
    return [
        board.name,
        board.target,
        *map(figures.size, sizes),
        figures.hertz(board.clocks.cluster_hz),
        figures.watts(board.power.active_watts) if board.power else "-",
        board.description,
    ]
