"""Columns of text that suit the width of the terminal: a figure or a name is never cut."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

_GAP = 2
_INDENT = 4
_NARROWEST_PATH = 24
_NARROWEST_PROSE = 24
_KEPT_TOGETHER = "\u00a0"


@dataclass(frozen=True)
class Column:
    """kind: a whole text (left-aligned), a figure (right-aligned), a path, or prose.

    A path is shortened from the left, prose is folded, or moved to a line of its own.
    leave_out: where there is no room, the columns with the largest numbers go first; 0 stays.
    """

    head: str
    kind: Literal["whole", "figure", "path", "prose"] = "figure"
    leave_out: int = 0


class Columns:
    """A table without lines. Prose comes last among its columns."""

    def __init__(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        self._columns = columns
        self._rows = [list(row) for row in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, none longer than the width unless a name or a figure is."""
        ellipsis = ".." if options.ascii_only else "…"
        shown, widths = self._fit(options.max_width)
        heads = [self._columns[i].head for i in shown]
        if any(heads):
            yield _line(self._join(shown, widths, heads), "cyan")
        below = [i for i, each in enumerate(self._columns) if _is_prose(each) and i not in shown]
        for row in self._rows:
            cells = [shorten(row[i], widths[i], ellipsis) if self._is_path(i) else row[i]
                     for i in shown]  # fmt: skip
            yield _line(self._join(shown, widths, cells))
            prose = "; ".join(row[i] for i in below if row[i])
            for part in fold(prose, options.max_width - _INDENT):
                yield _line(" " * _INDENT + part)

    def _fit(self, width: int) -> tuple[list[int], dict[int, int]]:
        """The columns to show in a row, and their widths."""
        shown = list(range(len(self._columns)))
        natural = {i: max(len(text) for text in self._texts(i)) for i in shown}
        while True:
            least = {i: self._least(i, natural[i], i == shown[-1]) for i in shown}
            spare = width - sum(least.values()) - _GAP * (len(shown) - 1)
            leaving = self._next_to_leave(shown)
            if spare >= 0 or leaving is None:
                break
            shown.remove(leaving)
        for i in shown:
            more = min(max(spare, 0), natural[i] - least[i])
            least[i] += more
            spare -= more
        return shown, least

    def _least(self, index: int, natural: int, is_last: bool) -> int:
        if self._is_path(index):
            return min(natural, _NARROWEST_PATH)
        if _is_prose(self._columns[index]) and is_last:
            return min(natural, _NARROWEST_PROSE)
        return natural

    def _next_to_leave(self, shown: list[int]) -> int | None:
        """Prose moves below from the right; then columns are left out."""
        prose = [i for i in shown if _is_prose(self._columns[i])]
        if prose:
            return prose[-1]
        optional = [i for i in shown if self._columns[i].leave_out]
        return max(optional, key=lambda i: self._columns[i].leave_out, default=None)

    def _join(self, shown: list[int], widths: dict[int, int], cells: list[str]) -> str:
        """One row; where its last cell is folded, several lines."""
        before, last = cells[:-1], cells[-1]
        start = "".join(
            self._align(i, cell, widths[i]) + " " * _GAP
            for i, cell in zip(shown[:-1], before, strict=True)
        )
        final = shown[-1]
        if not _is_prose(self._columns[final]):
            return (start + self._align(final, last, widths[final])).rstrip()
        parts = fold(last, widths[final]) or [""]
        indent = " " * len(start)
        return "\n".join((start + parts[0], *(indent + part for part in parts[1:]))).rstrip()

    def _align(self, index: int, text: str, width: int) -> str:
        return text.rjust(width) if self._columns[index].kind == "figure" else text.ljust(width)

    def _is_path(self, index: int) -> bool:
        return self._columns[index].kind == "path"

    def _texts(self, index: int) -> list[str]:
        return [self._columns[index].head, *(row[index] for row in self._rows)]


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """The end of `text`, from a `/` or `.` if there is one: `…/0/mlp/fc2/MatMul`."""
    if len(text) <= width:
        return text
    end = text[len(text) - max(width - len(ellipsis), 1) :]
    cut = re.search(r"[/.]", end[:-1])
    whole = end[cut.start() :] if cut is not None and cut.start() < len(end) // 2 else end
    return ellipsis + whole


def fold(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters; a number stays with its unit."""
    joined = re.sub(r"(?<=\d) (?=\S)", _KEPT_TOGETHER, text)
    lines = textwrap.wrap(joined, max(width, 1), break_on_hyphens=False)
    return [line.replace(_KEPT_TOGETHER, " ") for line in lines]


def _line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ignore")


def _is_prose(column: Column) -> bool:
    return column.kind == "prose"
