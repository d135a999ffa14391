"""A small build that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecomp.pipeline import Build, build

OPTIONS = {"layers": "1", "channels": "2", "samples": "100"}


@pytest.fixture(scope="session")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """TinyissimoMyo with one layer and ten tokens."""
    out = tmp_path_factory.mktemp("build") / "small"
    return build("tinyissimomyo", options=OPTIONS, windows=3, out=out)


@pytest.fixture
def small_options() -> dict[str, str]:
    """The options of ``small_build``."""
    return dict(OPTIONS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a build may write; its parent is empty before."""
    return tmp_path / "parent" / "out"
