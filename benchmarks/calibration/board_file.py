"""Fitted figures in a board file: values change, everything else stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Item

PLANNED, FITTED = "[E]", "[B]"
"""Tags of a figure's source in its comment: planned, fitted to a benchmark."""


def write_rates(path: Path, sections: Mapping[str, Mapping[str, float]]) -> None:
    """Set ``sections`` ("kernels.linear" -> rates) in the board file ``path``.

    Comments stay; one that calls a figure planned now calls it fitted.
    """
    text = path.read_text(encoding="utf-8")
    path.write_text(with_rates(text, sections), encoding="utf-8")


def with_rates(text: str, sections: Mapping[str, Mapping[str, float]]) -> str:
    """The text of a board file with ``sections`` set. KeyError for a section that it lacks."""
    document = tomlkit.parse(text)
    for name, rates in sections.items():
        table: Any = document
        for part in name.split("."):
            table = table[part]
        for term, value in rates.items():
            _set(table, term, value)
    return tomlkit.dumps(document)


def _set(table: Any, term: str, value: float) -> None:
    comment = table[term].trivia.comment
    item: Item = tomlkit.item(int(value) if value == int(value) and value >= 100 else value)
    table[term] = item
    table[term].trivia.comment = comment.replace(PLANNED, FITTED)
