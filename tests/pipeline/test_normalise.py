"""What the sample application computes of samples: as the model, the user or the windows say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgecomp.errors import EdgecompError
from edgecomp.frontend.export import export_onnx
from edgecomp.normalisation import AS_THEY_ARE, ZSCORE, Normalisation, parse_normalisation
from edgecomp.pipeline import Build, build
from edgecomp.pipeline.normalise import choose_normalisation, normalisation_of

NOISE = np.random.default_rng(0).standard_normal((6, 3, 80)).astype(np.float32)
STREAM = (3, 80)


@pytest.mark.parametrize(
    ("text", "found"),
    [("zscore", ZSCORE), ("none", AS_THEY_ARE), ("0.25", Normalisation("scale", 0.25))],
)
def test_what_may_be_stated(text: str, found: Normalisation) -> None:
    assert parse_normalisation(text) == found


@pytest.mark.parametrize("text", ["", "minmax", "0", "-1", "inf", "nan"])
def test_what_may_not(text: str) -> None:
    with pytest.raises(EdgecompError, match=f"normalise={text} is not possible"):
        parse_normalisation(text)


def test_windows_tell_what_they_are() -> None:
    """A channel that is off says nothing, one artefact among many windows changes nothing."""
    odd = NOISE.copy()
    odd[:, 0] = 0
    odd[2, 1] *= 40
    assert normalisation_of(NOISE) == normalisation_of(odd) == ZSCORE
    for raw in (NOISE * 300, NOISE + 1, NOISE * 0.02, np.zeros_like(NOISE)):
        assert normalisation_of(raw) == AS_THEY_ARE


def test_what_is_stated_comes_first_then_the_encoder_s_own() -> None:
    own, stated = Normalisation("scale", 0.01, "microvolt"), Normalisation("scale", 3.0)
    for first, second, factor, source in (
        (None, own, 0.01, "encoder"),
        (stated, own, 3.0, "stated"),
    ):
        section, notices = choose_normalisation(first, second, NOISE, STREAM)
        assert section is not None and notices == []
        assert (section.kind, section.factor, section.source) == ("scale", factor, source)


def test_what_noise_looks_like_is_called_a_guess() -> None:
    _, [notice] = choose_normalisation(None, None, NOISE, STREAM, recorded=False)
    assert notice.endswith("which is a guess")


def test_a_factor_for_windows_in_counts_is_doubted() -> None:
    stated, counts = Normalisation("scale", 0.25), np.rint(NOISE * 1000)
    _, [notice] = choose_normalisation(stated, None, counts, STREAM)
    assert "whole numbers" in notice
    for windows, factor in ((counts * 0.3, 0.25), (counts, 1.0)):
        assert choose_normalisation(Normalisation("scale", factor), None, windows, STREAM)[1] == []


def test_without_a_statement_it_is_what_the_windows_are_and_a_note_says_so() -> None:
    for windows, kind, word in ((NOISE, "zscore", "are z-scored"), (NOISE * 9, "scale", "are not")):
        section, [notice] = choose_normalisation(None, None, windows, STREAM)
        assert section is not None and (section.kind, section.source) == (kind, "calibration")
        assert "--normalise" in notice and word in notice


def test_a_z_score_that_the_windows_contradict_is_doubted() -> None:
    """The encoder's is noted; the option's own is a mistake that would show on the device only."""
    raw = NOISE * 300 + 800
    section, [notice] = choose_normalisation(None, ZSCORE, raw, STREAM)
    assert section is not None and section.kind == "zscore"
    assert "not z-scored (median mean 7" in notice and "median deviation" in notice
    with pytest.raises(EdgecompError, match="not z-scored: median mean 7"):
        choose_normalisation(ZSCORE, ZSCORE, raw, STREAM)


def test_where_there_is_no_application_there_is_nothing_to_choose() -> None:
    assert choose_normalisation(None, ZSCORE, NOISE, None) == (None, [])
    section, [notice] = choose_normalisation(ZSCORE, None, NOISE, None)
    assert section is None and "no effect" in notice


def mine(folder: Path, shape: tuple[int, ...] = (1, 2, 40)) -> Path:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3)).eval()
    export_onnx(module, (torch.zeros(shape),), folder / "mine.onnx")
    return folder / "mine.onnx"


def app_config(built: Build) -> str:
    return (built.directory / "firmware" / "gap_sdk" / "app_config.h").read_text()


def test_raw_calibration_gives_a_fixed_scale_in_firmware_report_and_notes(tmp_path: Path) -> None:
    raw = 400 * np.random.default_rng(1).standard_normal((8, 2, 40)) + 90
    np.save(tmp_path / "raw.npy", raw.astype(np.float32))
    path, recording = mine(tmp_path), tmp_path / "raw.npy"
    built = build(path, calibration=recording, out=tmp_path / "out")
    assert "#define EC_APP_FIXED_SCALE" in app_config(built)
    assert "1 times the samples" in (built.directory / "firmware" / "README.md").read_text()
    assert any("--normalise" in notice for notice in built.report.notices)
    stated = build(path, calibration=recording, normalise="none", out=tmp_path / "out")
    assert app_config(stated) == app_config(built)
    assert not any("normalise" in notice for notice in stated.report.notices)
    section = stated.report.to_json()["normalisation"]
    assert section == {"kind": "scale", "factor": 1.0, "unit": None, "source": "stated"}
    assert stated.report.options is not None and stated.report.options["normalise"] == "none"


def test_noise_gives_a_z_score(tmp_path: Path) -> None:
    built = build(mine(tmp_path), windows=4, out=tmp_path / "out")
    assert "FIXED_SCALE" not in app_config(built)
    assert built.report.normalisation is not None
    assert built.report.normalisation.kind == "zscore"


def test_a_factor_that_integers_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgecompError, match="--normalise a sample is .* steps"):
        build(mine(tmp_path), windows=2, normalise=1e-9, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_statement_a_scale_that_integers_cannot_hold_leaves_the_application_out(
    tmp_path: Path,
) -> None:
    """Calibrated in volts: the build is not lost for an application that nobody asked for."""
    volts = 2e-7 * np.random.default_rng(1).standard_normal((8, 2, 40)) + 5e-7
    np.save(tmp_path / "volts.npy", volts.astype(np.float32))
    built = build(mine(tmp_path), calibration=tmp_path / "volts.npy", out=tmp_path / "out")
    assert any("no sample application" in notice for notice in built.report.notices)
    assert not (built.directory / "firmware" / "gap_sdk" / "app_config.h").exists()
