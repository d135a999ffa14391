"""What all tests share: one BLAS thread each, and the simulated chip where there is one."""

from __future__ import annotations

import os

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the simulated chip where there is none."""
    marked = [item for item in items if item.get_closest_marker("gvsoc")]
    if not marked:
        return
    reason = _gvsoc_is_missing()
    for item in marked if reason else []:
        item.add_marker(pytest.mark.skip(reason=f"no simulated chip: {reason}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say whether the tests on the simulated chip ran."""
    count = {
        outcome: sum("gvsoc" in report.keywords for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed", "skipped")
    }
    if not any(count.values()):
        return
    if count["skipped"] and not count["passed"] + count["failed"]:
        reason = _gvsoc_is_missing()
        line = f"GVSOC TESTS DID NOT RUN: {count['skipped']} skipped ({reason})"
        terminalreporter.write_sep("=", line, yellow=True)
    else:
        line = "GVSoC tests ran: " + ", ".join(f"{n} {outcome}" for outcome, n in count.items())
        terminalreporter.write_sep("=", line)


@pytest.fixture
def gvsoc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The GVSoC of this computer, for tests marked `gvsoc`."""
    if GVSOC is not None:
        monkeypatch.setenv("EDGECOMP_GVSOC", GVSOC)
