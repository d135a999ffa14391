"""What a page of the documentation holds: fenced blocks, and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))

_FENCE = re.compile(
    r'(?:<!-- needs: (?P<needs>\w+) -->\n)?^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n'
    r"(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block. needs: what its commands need; title: the file that it is."""

    language: str
    body: str
    title: str | None
    needs: str | None

    @property
    def commands(self) -> list[str]:
        """The lines behind a prompt."""
        return [line[2:] for line in self.body.splitlines() if line.startswith("$ ")]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(m["language"], m["body"], m["title"], m["needs"]) for m in _FENCE.finditer(text)]


def links(text: str) -> list[str]:
    """Relative links, without what is behind #."""
    return [link for link in _LINK.findall(text) if "://" not in link]
