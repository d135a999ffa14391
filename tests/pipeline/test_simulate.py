"""Running a build: bits, the user's own windows, and what is said when something is wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgecomp.errors import EdgecompError
from edgecomp.pipeline import Build, simulate


def test_the_host_gives_the_bits_of_the_reference(small_build: Build) -> None:
    """All windows, with cores and transfers in another order each time."""
    for seed in (1, 2):
        simulation = simulate(small_build, seed=seed)
        assert simulation.mismatch is None
        assert simulation.report.bit_exact
    written = json.loads((small_build.directory / "simulation.json").read_text())
    assert written["bit_exact"] is True
    assert written["simulator"] == "host"
    assert written["latency"]["provenance"] == "estimate"


def test_the_sanitizers_find_nothing(small_build: Build) -> None:
    assert simulate(small_build, sanitize=True, windows=1).report.bit_exact


def test_own_windows_are_run_and_compared_with_the_float_model(
    small_build: Build, tmp_path: Path
) -> None:
    windows = np.random.default_rng(0).standard_normal((2, 2, 100)).astype(np.float32)
    np.save(tmp_path / "own.npy", windows)
    report = simulate(small_build, input=tmp_path / "own.npy").report
    assert report.bit_exact
    assert report.quantization.windows == 2
    assert "simulated with host" in (small_build.directory / "simulation.html").read_text()
    assert report.float_.sqnr_db is not None and report.float_.sqnr_db > 20


def test_values_beyond_the_range_of_the_calibration_are_told(
    small_build: Build, tmp_path: Path
) -> None:
    """Another amplifier, another unit: the network sees a signal that is cut off."""
    windows = np.random.default_rng(0).standard_normal((2, 2, 100)).astype(np.float32)
    told = []
    for factor in (1.0, 20.0):
        np.save(tmp_path / "own.npy", factor * windows)
        notices = simulate(small_build, input=tmp_path / "own.npy").report.notices
        told.append([note for note in notices if "are clipped to" in note])
    assert told[0] == [] and len(told[1]) == 1


def test_a_relative_folder_is_as_good(small_build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_build.directory.parent)
    assert simulate(small_build.directory.name, windows=1).report.bit_exact


def test_a_wrong_weight_is_found_and_its_layer_named(small_build: Build, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(small_build.directory, folder)
    weights = folder / "firmware" / "weights.bin"
    data = bytearray(weights.read_bytes())
    data[0] ^= 0x40
    weights.write_bytes(data)
    simulation = simulate(folder, windows=1)
    assert not simulation.report.bit_exact
    assert simulation.mismatch is not None and simulation.mismatch.layer == 0
    assert "patch_embed" in simulation.mismatch.name
    difference = simulation.mismatch.difference
    assert difference is not None and difference.expected != difference.actual
    assert "of the L2 arena, stored from byte" in difference.place


@pytest.mark.parametrize("change", [1, -1])
def test_weights_of_another_size_are_refused(
    small_build: Build, tmp_path: Path, change: int
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(small_build.directory, folder)
    weights = folder / "firmware" / "weights.bin"
    weights.write_bytes((weights.read_bytes() + b"0")[: weights.stat().st_size + change])
    with pytest.raises(EdgecompError, match=r"weights\.bin has another size"):
        simulate(folder, windows=1)


def broken_norm(build: Build, folder: Path, statement: str) -> Path:
    """A copy of a build whose last normalisation is followed by ``statement`` on every core.

    It is the only one that writes int8: the others are parts of products that NE16 computes.
    """
    shutil.copytree(build.directory, folder)
    source = folder / "firmware" / "src" / "layers.c"
    call = "    ec_layer_norm(arguments, core, cores);\n"
    text = source.read_text()
    assert call in text
    args = "    const ec_layer_norm_args *a = arguments;\n"
    source.write_text(
        text.replace(call, f"{call}{args}    if (a->y_type == EC_I8) {{ {statement} }}\n")
    )
    return folder


@pytest.mark.parametrize("sanitize", [False, True])
def test_a_wrong_element_is_found_with_its_address_and_core(
    small_build: Build, tmp_path: Path, sanitize: bool
) -> None:
    """Of 10 rows the sixth is core 3's; its fifth element goes wrong."""
    wrong = "if (core == 3) ((int8_t *)a->y)[5 * a->y_stride + 4] ^= 2;"
    folder = broken_norm(small_build, tmp_path / "broken", wrong)
    mismatch = simulate(folder, windows=2, sanitize=sanitize).mismatch
    listing = (folder / "graph.txt").read_text()
    norm = listing[listing.index("= q_layer_norm") :]
    found = re.search(r"layer (\d+), engine \S+, L2 (\d+)", norm)
    assert found is not None
    layer, start = (int(number) for number in found.groups())
    assert mismatch is not None and (mismatch.window, mismatch.layer) == (0, layer)
    assert mismatch.difference is not None
    assert mismatch.difference.index[-2:] == (5, 4)
    assert mismatch.difference.actual == mismatch.difference.expected ^ 2
    assert mismatch.difference.count == 1
    assert mismatch.difference.place.endswith("written by core 3")
    assert f"byte {start + 5 * 192 + 4} of the L2 arena" in mismatch.difference.place


def test_more_windows_than_there_are_is_an_error(small_build: Build) -> None:
    with pytest.raises(EdgecompError, match="holds 3 windows, 4 were asked for"):
        simulate(small_build, windows=4)


def test_a_folder_that_is_no_build_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EdgecompError, match=r"report\.json"):
        simulate(tmp_path)


def test_a_program_that_does_not_compile_is_an_error(small_build: Build, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(small_build.directory, folder)
    (folder / "firmware" / "src" / "network.c").write_text("#error broken on purpose\n")
    with pytest.raises(EdgecompError, match="broken on purpose"):
        simulate(folder, windows=1)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("reference.npz", b"PK\x03\x04 cut off"),
        ("reference.npz", b""),
        ("graph.txt", b"graph { this is no IR"),
        ("report.json", b"{}"),
    ],
)
def test_a_damaged_build_is_an_error(
    small_build: Build, tmp_path: Path, file: str, content: bytes
) -> None:
    """It says what is damaged and what to do, before anything is compiled."""
    folder = tmp_path / "damaged"
    shutil.copytree(small_build.directory, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(EdgecompError, match="build it again"):
        simulate(folder, windows=1)


def test_a_reference_that_lacks_an_array_is_an_error(small_build: Build, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(small_build.directory, folder)
    with np.load(folder / "reference.npz") as data:
        arrays = {key: data[key] for key in data.files if key != "checksums"}
    np.savez(folder / "reference.npz", **arrays)
    with pytest.raises(EdgecompError, match=r"damaged.*checksums"):
        simulate(folder, windows=1)
