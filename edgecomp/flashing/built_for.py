"""The board that a build was made for, which may be a file of the user's own."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from edgecomp.flashing.commands import FlashError
from edgecomp.report import Report
from edgecomp.targets import Board, load_board


def built_for(directory: Path) -> Board:
    """As the build in ``directory`` keeps it. EdgecompError where it is damaged."""
    path = directory / "firmware" / "gap_sdk" / "board.json"
    if not path.is_file():
        return load_board(Report.read(directory / "report.json").board)
    try:
        return Board.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise FlashError(
            f"{path} is no board of this version of edgecomp", "build it again, or give --board"
        ) from error
