"""What all tests share: one BLAS thread each, the simulated chip and a browser where there are."""

from __future__ import annotations

import os
import shutil

# Before numpy is loaded: tests already run on all cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import pytest

from edgecomp.errors import EdgecompError

# Tests that want GVSoC get the variable from a fixture; `auto` must mean the host in all others.
# It moves to a name of its own, because the processes that tests are spread over inherit it.
if "EDGECOMP_GVSOC" in os.environ:
    os.environ["EDGECOMP_TESTS_GVSOC"] = os.environ.pop("EDGECOMP_GVSOC")
GVSOC = os.environ.get("EDGECOMP_TESTS_GVSOC")


def _gvsoc_is_missing() -> str:
    """Why tests on the simulated chip cannot run; empty where they can."""
    from edgecomp.simulators.gvsoc import GvsocSimulator

    with pytest.MonkeyPatch.context() as patch:
        if GVSOC is not None:
            patch.setenv("EDGECOMP_GVSOC", GVSOC)
        try:
            GvsocSimulator().installation.environment()
        except EdgecompError as error:
            return error.message
    return ""


def _browser_is_missing() -> str:
    """Why no page can be looked at; empty where one can."""
    return "" if chromium() else "no Chromium: install chromium, or set EDGECOMP_CHROMIUM"


def chromium() -> str | None:
    """The program of a Chromium, from EDGECOMP_CHROMIUM or PATH."""
    asked = os.environ.get("EDGECOMP_CHROMIUM")
    names = [asked] if asked else ["chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if (found := shutil.which(name))), None)


NEEDS = {
    "gvsoc": ("GVSoC tests", _gvsoc_is_missing),
    "browser": ("browser tests", _browser_is_missing),
}
"""Marker -> what its tests are called, and why they cannot run."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs something that is missing."""
    for marker, (_, missing) in NEEDS.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        reason = missing() if marked else ""
        for item in marked if reason else []:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say whether the tests that need something ran."""
    for marker, (name, missing) in NEEDS.items():
        count = {
            outcome: sum(marker in each.keywords for each in terminalreporter.getreports(outcome))
            for outcome in ("passed", "failed", "skipped")
        }
        if not any(count.values()):
            continue
        if count["skipped"] and not count["passed"] + count["failed"]:
            line = f"{name.upper()} DID NOT RUN: {count['skipped']} skipped ({missing()})"
            terminalreporter.write_sep("=", line, yellow=True)
        else:
            line = f"{name} ran: " + ", ".join(f"{n} {what}" for what, n in count.items())
            terminalreporter.write_sep("=", line)


@pytest.fixture(scope="session")
def browser_program() -> str:
    """Chromium, for tests marked `browser`."""
    found = chromium()
    assert found is not None
    return found


@pytest.fixture
def gvsoc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The GVSoC of this computer, for tests marked `gvsoc`."""
    if GVSOC is not None:
        monkeypatch.setenv("EDGECOMP_GVSOC", GVSOC)
