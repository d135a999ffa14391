"""Tables as the commands print them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Left-aligned columns without lines."""
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="cyan")
    for column in columns:
        result.add_column(column)
    for row in rows:
        result.add_row(*row)
    return result
