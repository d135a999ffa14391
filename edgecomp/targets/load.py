"""Boards by name, or from a file of the user's own."""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edgecomp import resources
from edgecomp.errors import EdgecompError
from edgecomp.targets.board import Board


class BoardError(EdgecompError):
    """A board that does not exist, or a board file that is wrong."""


def board_names() -> list[str]:
    """The boards that edgecomp brings, sorted."""
    return sorted(path.stem for path in resources.folder("boards").glob("*.toml"))


def load_board(name_or_path: str | Path) -> Board:
    """The board of that name, or of that `.toml` file. Raises BoardError."""
    return _parse(_locate(name_or_path))


def _locate(name_or_path: str | Path) -> Path:
    text = os.fspath(name_or_path)
    if text.endswith(".toml") or os.sep in text:
        return Path(text)
    if text not in board_names():
        raise _unknown(text)
    return resources.folder("boards") / f"{text}.toml"


def _unknown(name: str) -> BoardError:
    known = board_names()
    close = get_close_matches(name, known, n=2)
    suggestion = f"did you mean {' or '.join(close)}? " if close else ""
    return BoardError(
        f"unknown board '{name}'",
        f"{suggestion}known: {', '.join(known)}; or give the path of a board file (.toml)",
    )


def _parse(path: Path) -> Board:
    data = _read(path)
    base = data.pop("base", None)
    if base is not None:
        if base not in board_names() or "base" in (below := _read(_locate(str(base)))):
            raise BoardError(
                f"the board file {path} has the base {base!r}, which is no complete board of ours",
                f"known: {', '.join(board_names())}; a base has no base of its own",
            )
        data = _over({**below, "target_description": ""}, data)
    try:
        board = Board.model_validate(data)
    except ValidationError as error:
        raise _wrong_fields(path, error) from error
    _require_room(path, board)
    return board


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """``below`` with the fields of ``above`` in their place, section by section."""
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        both = isinstance(value, dict) and isinstance(under, dict)
        merged[name] = _over(under, value) if both and isinstance(under, dict) else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BoardError(
            f"cannot read the board file {path}: {error.strerror}",
            f"check the path, or name a board: {', '.join(board_names())}",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardError(f"the board file {path} is not valid TOML: {error}") from error


def _wrong_fields(path: Path, error: ValidationError) -> BoardError:
    problems = "; ".join(_problem(each) for each in error.errors())
    return BoardError(
        f"the board file {path} is wrong: {problems}", "compare with boards/gap9_evk.toml"
    )


def _problem(details: ErrorDetails) -> str:
    field = ".".join(str(part) for part in details["loc"])
    match details["type"]:
        case "missing":
            return f"{field} is missing"
        case "extra_forbidden":
            return f"{field} is not a field of a board"
    given = "" if isinstance(details["input"], dict) else f" (given {details['input']!r})"
    return f"{field}: {details['msg'][0].lower()}{details['msg'][1:]}{given}"


def _require_room(path: Path, board: Board) -> None:
    for level, available in (("l1", board.l1_available_bytes), ("l2", board.l2_available_bytes)):
        if available <= 0:
            raise BoardError(
                f"the board file {path} reserves all of memories.{level}_bytes",
                "lower the fields of [reserved]",
            )
