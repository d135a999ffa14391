"""The published encoders at full size: the figures that the project promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgecomp import zoo
from edgecomp.pipeline import Build, build, simulate
from edgecomp.simulators import SimulatorError
from edgecomp.simulators.elf import Elf
from edgecomp.simulators.gvsoc import Platform, compile_project
from edgecomp.simulators.toolchain import find_toolchain

KIB = 1024


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "samples"), [(8, 1000), (16, 1000), (8, 200)])
@pytest.mark.parametrize("name", ["tinyissimomyo", "tinymyo"])
def test_an_encoder_keeps_its_promises(
    name: str, channels: int, samples: int, tmp_path: Path
) -> None:
    """Normal noise, 16 windows to calibrate on and 16 others to judge by, synthetic weights.

    At least 28 dB, inside 128 KiB and 1.5 MiB with stacks and code, the arena within 2 % of its
    lower bound, every layer bit-exact under the sanitizers.
    """
    noise = np.random.default_rng(7).standard_normal((32, channels, samples))
    np.save(tmp_path / "noise.npy", noise.astype(np.float32))
    built = build(
        name,
        options={"channels": channels, "samples": samples},
        calibration=tmp_path / "noise.npy",
        out=tmp_path / "out",
    )
    check(built, least_db=28)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least_db"), [("eegdino-small", 30), ("tinybiomoe", 26)])
def test_encoders_with_spectra_keep_theirs(name: str, least_db: float, tmp_path: Path) -> None:
    """As above, on normal noise or uniform images; Tiny-BioMoE's first MLP exceeds L2."""
    np.save(tmp_path / "noise.npy", zoo.create_encoder(name).windows(32, seed=7))
    built = build(name, calibration=tmp_path / "noise.npy", out=tmp_path / "out")
    check(built, least_db)


def check(built: Build, least_db: float) -> None:
    quality, memory = built.report.quantization, built.report.memory
    assert quality.windows == 16
    assert quality.sqnr_db is not None and quality.sqnr_db >= least_db
    assert memory.l1.peak <= 128 * KIB
    assert memory.l2.peak <= 1536 * KIB
    assert memory.l2.arena <= 1.02 * memory.l2.lower_bound
    _check_link(built)
    simulation = simulate(built, sanitize=True, windows=1)
    assert simulation.report.bit_exact, simulation.mismatch


def _check_link(built: Build) -> None:
    """The program for the chip fits L2 beside what is reserved for the vendor's code."""
    try:
        toolchain = find_toolchain()
    except SimulatorError:
        return
    firmware = built.directory.resolve() / "firmware"
    platform = Platform.read(firmware)
    compile_project(toolchain, firmware, platform.kernels, program := firmware / "network.elf")
    assert Elf(program).end(*platform.l2) <= built.report.memory.l2.peak
