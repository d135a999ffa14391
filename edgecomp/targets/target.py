"""Targets by name: what `--target` accepts."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from edgecomp.errors import EdgecompError
from edgecomp.targets.board import Board
from edgecomp.targets.load import board_names, load_board


class TargetError(EdgecompError):
    """A target that does not exist, or a board of another target."""


@dataclass(frozen=True)
class Target:
    """A chip that edgecomp generates code for. `default_board` is a name in `boards/`."""

    name: str
    description: str
    default_board: str


def target_names() -> list[str]:
    """The targets there are."""
    return [target.name for target in _targets()]


def load_target(name: str) -> Target:
    """The target of that name. Raises TargetError."""
    targets = _targets()
    for target in targets:
        if target.name == name:
            return target
    names = [target.name for target in targets]
    close = get_close_matches(name, names, n=1)
    suggestion = f"did you mean '{close[0]}'? " if close else ""
    raise TargetError(f"unknown target '{name}'", f"{suggestion}known: {', '.join(names)}")


def _targets() -> list[Target]:
    """One for each board that describes its target: the target's default board."""
    boards = [load_board(name) for name in board_names()]
    return [
        Target(board.target, board.target_description, board.name)
        for board in boards
        if board.target_description
    ]


def board_for(target: str, board: str | Path | None = None) -> Board:
    """The board to build for: the one asked for, or the target's default.

    Raises TargetError or BoardError.
    """
    chip = load_target(target)
    found = load_board(board if board is not None else chip.default_board)
    if found.target != chip.name:
        raise TargetError(
            f"board '{found.name}' is for target '{found.target}', not '{chip.name}'",
            f"use --target {found.target}, or --board {chip.default_board}",
        )
    return found
