"""C identifiers for names that users choose."""

from __future__ import annotations

import re

_RESERVED = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while asm bool class delete new private public this true false main memcpy errno NULL
"""
_KEYWORDS = frozenset(_RESERVED.split())


def identifier(text: str, fallback: str) -> str:
    """``text`` as an ASCII identifier; ``fallback`` goes in front where a name cannot begin so.

    Keywords of C and C++, and names that the generated files use, are never returned.
    """
    cleaned = re.sub(r"[^0-9A-Za-z_]", "_", text)
    reserved = cleaned in _KEYWORDS or cleaned.lower().startswith(("ec_", "_"))
    if not cleaned or cleaned[0].isdigit() or reserved:
        return f"{fallback}_{cleaned.strip('_')}".rstrip("_")
    return cleaned


class Names:
    """Identifiers that differ, also when their case is ignored (macros are upper case)."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def make(self, text: str, fallback: str) -> str:
        """A new identifier as close to ``text`` as possible."""
        base = identifier(text, fallback)
        name, serial = base, 2
        while name.lower() in self._taken:
            name, serial = f"{base}_{serial}", serial + 1
        self._taken.add(name.lower())
        return name
