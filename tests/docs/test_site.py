"""The site builds without a warning, holds every page, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import pages


@pytest.mark.parametrize(
    "page", [*pages.PAGES, pages.ROOT / "README.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for link in pages.links(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_every_page_is_in_the_contents() -> None:
    named = re.findall(r": (\S+\.md)$", (pages.ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(named) == [page.name for page in pages.PAGES]


def test_the_readme_links_every_page() -> None:
    linked = pages.links((pages.ROOT / "README.md").read_text(encoding="utf-8"))
    assert {f"docs/{page.name}" for page in pages.PAGES} <= set(linked)


def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    done = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "First build" in page
    loaded = re.findall(r'<(?:script|img|link rel="(?:stylesheet|preconnect)")[^>]*https?://', page)
    assert loaded == []
