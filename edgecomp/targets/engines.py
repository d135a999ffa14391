"""Which of a board's engines a build may use: what `--set engines=` says."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from edgecomp.targets.board import Board
from edgecomp.targets.target import TargetError

Engines: TypeAlias = Literal["cores", "ne16", "all"]
"""cores: no accelerator. ne16: the accelerator in every layer that can use it. all: by cost."""


def parse_engines(text: str) -> Engines:
    """The setting that `text` spells. Raises TargetError."""
    for each in get_args(Engines):
        if text == each:
            found: Engines = each
            return found
    known = ", ".join(get_args(Engines))
    raise TargetError(f"engines={text} is not possible", f"engines is one of {known}")


def with_engines(board: Board, engines: Engines) -> Board:
    """The board with the engines that may be used. Raises TargetError where it lacks them."""
    if engines == "cores":
        return board.model_copy(update={"ne16": None})
    if engines == "ne16" and board.ne16 is None:
        raise TargetError(
            f"engines=ne16 needs a board with NE16, and {board.name} has none",
            "use engines=all or engines=cores, or another --target (see `edgecomp boards`)",
        )
    return board
