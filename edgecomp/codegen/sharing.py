"""One C function for all layers whose programs differ in numbers only.

A number that all of them have in common is a literal in the function; the others come from a table
of each layer's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_MARK = re.compile("@([0-9]+)@")


@dataclass
class Numbers:
    """The numbers of a text in the order of their marks."""

    values: list[int] = field(default_factory=list)

    def mark(self, value: int) -> str:
        """What stands for ``value`` in the text."""
        self.values.append(value)
        return f"@{len(self.values) - 1}@"


@dataclass(frozen=True)
class Marked:
    """A text with marks, and their numbers."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Shared:
    """The body of a C function for several users, the layers with these indices.

    ``parameters``: how many numbers differ among them, ``values[i]`` those of user ``i``.
    """

    text: str
    users: list[int]
    values: list[tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """How many numbers differ."""
        return len(self.values[0])


def share(texts: Sequence[Marked]) -> list[Shared]:
    """The distinct texts, in the order of their first users."""
    users: dict[str, list[int]] = {}
    for index, marked in enumerate(texts):
        users.setdefault(marked.text, []).append(index)
    return [_shared(text, each, [texts[i].numbers for i in each]) for text, each in users.items()]


def _shared(text: str, users: list[int], numbers: list[tuple[int, ...]]) -> Shared:
    columns = list(zip(*numbers, strict=True))
    differing = dict.fromkeys(column for column in columns if len(set(column)) > 1)
    places: dict[tuple[int, ...], int] = {column: i for i, column in enumerate(differing)}

    def spell(match: re.Match[str]) -> str:
        column = columns[int(match[1])]
        return f"n[{places[column]}]" if column in places else literal(column[0])

    values = [tuple(column[i] for column in places) for i in range(len(users))]
    return Shared(_read_numbers(len(places)) + _MARK.sub(spell, text), users, values)


def _read_numbers(count: int) -> str:
    if not count:
        return "    (void)layer;\n"
    return (
        f"    int32_t n[{count}]; /* in which the layers differ */\n"
        f"    ec_layer_numbers(layer, n, {count});\n"
    )


def literal(value: int) -> str:
    """``value`` as a C expression of type int32_t."""
    if value == -(2**31):
        return "INT32_MIN"
    return str(value) if value >= 0 else f"({value})"
