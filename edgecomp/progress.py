"""How long work tells a caller where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a build or a simulation, and the steps of the current stage."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins, with `total` steps where that is known."""

    def step(self, detail: str = "") -> None:
        """One step of the current stage is done."""


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Say nothing."""

    def step(self, detail: str = "") -> None:
        """Say nothing."""
