"""The table of predicted against measured cycles."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.builds import MeasuredBuild
from benchmarks.predictions import document, main, rows, total
from edgecomp.errors import EdgecompError
from edgecomp.report.schema import Layer, Report, SimulationReport

STORED = Path(__file__).parents[1] / "data" / "report" / "simulation.json"


def layer(name: str, cycles: float, **parts: float) -> Layer:
    return Layer(
        name=name,
        op="q_linear",
        engine="cluster",
        macs=64,
        cycles=cycles,
        l1_bytes=100,
        tiles=2,
        checksum="00000000",
        **parts,
    )


def measured(name: str, compute: float, dma: float, ne16: float = 0.0) -> Layer:
    waits = {"exposed_dma": dma, "exposed_l3": 0.0, "exposed_ne16": ne16}
    return layer(name, compute + dma + ne16 + 10.0, compute=compute, **waits, overhead=10.0)


def test_equal_layers_are_one_row_of_sums() -> None:
    pairs = [
        (layer("a", 90.0), measured("a", 80.0, 10.0)),
        (layer("b", 95.0), measured("b", 70.0, 0.0, 20.0)),
        (layer("c", 50.0).model_copy(update={"tiles": 3}), measured("c", 10.0, 5.0)),
    ]
    first, second = rows(pairs)
    assert (first.name, first.count, first.predicted, first.measured) == ("a", 2, 185.0, 200.0)
    assert first.parts == (150.0, 10.0, 0.0, 20.0, 20.0)
    assert (second.count, second.ratio) == (1, 2.0)
    everything = total([first, second])
    assert (everything.count, everything.predicted, everything.measured) == (3, 235.0, 225.0)


def directory(folder: Path, provenance: str, bit_exact: bool = True) -> Path:
    simulated = SimulationReport.read(STORED)
    built = {k: v for k, v in simulated.to_json().items() if k in ("schema", *Report.model_fields)}
    Report.model_validate(built).write(folder / "report.json")
    latency = simulated.latency.model_copy(update={"provenance": provenance})
    update = {"latency": latency, "bit_exact": bit_exact}
    simulated.model_copy(update=update).write(folder / "simulation.json")
    return folder


def test_the_page_has_every_build_and_the_command(tmp_path: Path) -> None:
    build = MeasuredBuild.read(directory(tmp_path, "gvsoc"))
    text = document([build], "python benchmarks/predictions.py x")
    assert "    python benchmarks/predictions.py x\n" in text
    assert f"## {tmp_path.name}: tinyissimomyo on gap9_evk" in text
    assert "| block0.qkv linear | 1 | 3,100,000 | 3,100,000 | 1.000 |" in text


@pytest.mark.parametrize(
    ("provenance", "bit_exact", "message"),
    [("estimate", True, "counted no cycles"), ("gvsoc", False, "did not give the reference's")],
)
def test_what_was_not_measured_is_refused(
    tmp_path: Path, provenance: str, bit_exact: bool, message: str
) -> None:
    with pytest.raises(EdgecompError, match=message):
        MeasuredBuild.read(directory(tmp_path, provenance, bit_exact))


def test_a_build_that_was_not_simulated_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory(tmp_path, "gvsoc")
    (tmp_path / "simulation.json").unlink()
    monkeypatch.setattr(sys, "argv", ["predictions.py", str(tmp_path)])
    assert main() == 1
    assert "was not simulated" in capsys.readouterr().err
