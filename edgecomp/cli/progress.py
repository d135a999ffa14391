"""Progress on standard error: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click
import rich.progress
from rich.console import Console

_SECONDS_BETWEEN_LINES = 10.0


class PlainProgress:
    """A line for each stage, and one for its steps every ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._total: int | None = None
        self._done = 0
        self._said = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave nothing behind."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Say that a stage begins."""
        self._stage, self._total, self._done = name, total, 0
        self._say(name)

    def step(self, detail: str = "") -> None:
        """Say how far the stage is, if nothing was said for a while."""
        self._done += 1
        if self._clock() - self._said >= _SECONDS_BETWEEN_LINES:
            place = str(self._done) + (f"/{self._total}" if self._total is not None else "")
            self._say(f"{self._stage}: {place} {detail}".rstrip())

    def _say(self, line: str) -> None:
        click.echo(line, err=True)
        self._said = self._clock()


class TerminalProgress:
    """A bar for each stage."""

    def __init__(self, console: Console) -> None:
        self._display = rich.progress.Progress(
            rich.progress.SpinnerColumn(finished_text="[green]✓"),
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(bar_width=24),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("[dim]{task.fields[detail]}"),
            console=console,
        )
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> Self:
        """Start drawing."""
        self._display.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop drawing; the last stage is done unless an error ended it."""
        if kind is None:
            self._finish()
        self._display.stop()

    def stage(self, name: str, total: int | None = None) -> None:
        """Finish the stage before and begin a new one."""
        self._finish()
        self._task = self._display.add_task(name, total=total, detail="")

    def step(self, detail: str = "") -> None:
        """Advance the bar."""
        if self._task is not None:
            self._display.update(self._task, advance=1, detail=detail)

    def _finish(self) -> None:
        if self._task is None:
            return
        task = self._display.tasks[self._task]
        total = task.total if task.total is not None else max(1, task.completed)
        self._display.update(self._task, total=total, completed=total, detail="")


def open_progress() -> PlainProgress | TerminalProgress:
    """The progress that suits standard error: a context manager."""
    console = Console(stderr=True)
    return TerminalProgress(console) if console.is_terminal else PlainProgress()
