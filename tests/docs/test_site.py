"""The site builds without a warning, holds every page, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
    measured = sorted((pages.ROOT / "benchmarks").glob("*.md"))
    expected = [f"benchmarks/{page.name}" for page in measured]
    assert sorted(named) == sorted([*expected, *(page.name for page in pages.PAGES)])


def test_the_readme_links_every_page() -> None:
    linked = pages.links((pages.ROOT / "README.md").read_text(encoding="utf-8"))
    assert {f"docs/{page.name}" for page in pages.PAGES} <= set(linked)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    done = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "First build" in page
    loaded = re.findall(r'<(?:script|img|link rel="(?:stylesheet|preconnect)")[^>]*https?://', page)
    assert loaded == []


class Links(HTMLParser):
    """Links and identifiers of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.links += [value for key in ("href", "src") if (value := given.get(key))]
        self.names |= {value for key in ("id", "name") if (value := given.get(key))}


def dead_links(site: Path) -> list[str]:
    """Links of the site's pages to files or places in them that are not there."""
    parsed = {path: Links(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    dead = []
    for path, page in parsed.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            target = target / "index.html" if target.is_dir() else target
            known = parsed[target].names if target in parsed else set()
            if not target.is_file() or (address.fragment and address.fragment not in known):
                dead.append(f"{path.relative_to(site)}: {link}")
    return dead


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    """Those to the measurements, which lie beside docs/, too."""
    assert dead_links(site) == []
    assert any(
        "benchmarks/kernels" in link for link in Links(site / "performance/index.html").links
    )


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x">1</a> <a href="c.html">2</a> <p id="y">')
    (tmp_path / "b.html").write_text('<a href="a.html#y">3</a> <a href="https://host/d">4</a>')
    assert dead_links(tmp_path) == ["a.html: b.html#x", "a.html: c.html"]
