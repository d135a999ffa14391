"""Errors that a user sees: one message with the cause, and the way out."""

from __future__ import annotations


class EdgecompError(Exception):
    """Something the user can act on.

    ``message`` names the cause; ``hint``, where there is one, the way out. The command line
    prints both without a traceback and exits with status 1.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message
