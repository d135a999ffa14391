"""The vendor project of a build, compiled and run through stubs of the vendor's interface."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgecomp.ir import Value, interpret
from edgecomp.pipeline import Build, build
from edgecomp.pipeline.reference import load_reference, quantize_windows
from edgecomp.simulators.common import pack_inputs, unpack_outputs

STUBS = Path(__file__).parent / "stubs"
STRICT = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]

LIBC = {
    "stdio.h": "int printf(const char *format, ...);\n",
    "string.h": "void *memcpy(void *to, const void *from, size_t bytes);\n"
    "void *memset(void *to, int value, size_t bytes);\n"
    "int memcmp(const void *a, const void *b, size_t bytes);\n",
}
"""What the sources need of a C library's headers."""

TINY = {"channels": 4, "samples": 100, "layers": 1}
SHORT_OF_RAM = """
name = "short"
base = "gap9_evk"
target = "gap9"
[memories]
l3_bytes = 200_000
"""


@pytest.fixture(scope="session", params=["tinymyo", "tinyissimomyo", "weights in flash"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """An encoder of the zoo at a small size; with half of its weights in flash."""
    folder = tmp_path_factory.mktemp("build")
    board = folder / "short.toml"
    board.write_text(SHORT_OF_RAM)
    short = request.param == "weights in flash"
    name = "tinymyo" if short else request.param
    built = build(name, options=TINY, windows=2, out=folder / "out", board=board if short else None)
    assert (built.report.memory.flash is not None) == short
    return built


def sources(firmware: Path, program: str, kernels: str = "reference") -> list[Path]:
    """What the project's CMakeLists.txt names."""
    hal = firmware / "runtime" / "hal" / "pmsis"
    folders = ("src", "harness", "runtime/src", f"runtime/kernels/{kernels}")
    found = [path for each in folders for path in sorted((firmware / each).glob("*.c"))]
    found += sorted((firmware / "runtime" / "kernels" / "ne16").glob("*.c"))
    own = ("platform.c", "hal_pmsis.c", "../common/ne16.c", f"{program}_main.c")
    if program == "app":
        own = (*own, "app_window.c", "app_source.c")
    return [*found, *(hal / name for name in own)]


def includes(firmware: Path) -> list[str]:
    """Its include folders, and the stubs in place of the SDK's."""
    runtime = firmware / "runtime"
    folders = [firmware / "gap_sdk", firmware / "include", firmware / "src", firmware / "harness"]
    hal = ("hal/include", "hal/common", "hal/pmsis")
    folders += [runtime / each for each in ("include", *hal, "kernels/include")]
    return [f"-I{folder}" for folder in [*folders, STUBS]]


def link(firmware: Path, program: str, out: Path, sanitize: bool = False) -> Path:
    """The program for this computer."""
    model = firmware / "runtime" / "hal" / "host"
    flags = ["-O2", "-no-pie", "-fno-pie", "-include", str(STUBS / "ne16_stub.h"), f"-I{model}"]
    flags += ["-fsanitize=undefined", "-fno-sanitize-recover=all"] if sanitize else []
    files = [*sources(firmware, program), STUBS / "stubs.c", model / "ne16_model.c"]
    command = ["gcc", *STRICT, *flags, *includes(firmware), *map(str, files), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("sanitize", [False, True])
def test_the_check_program_gives_the_bits_of_the_reference(
    built: Build, tmp_path: Path, sanitize: bool
) -> None:
    firmware = built.directory / "firmware"
    graph, reference = load_reference(built.directory)
    program = link(firmware, "check", tmp_path / "check", sanitize)
    shutil.copy(firmware / "weights.bin", tmp_path)
    inputs = quantize_windows(graph, reference.windows)
    (tmp_path / "input.bin").write_bytes(pack_inputs(inputs))
    done = subprocess.run([program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["@ec", "clock", "370000000"]
    checks = [int(words[4], 16) for words in lines if words[1] == "check"]
    np.testing.assert_array_equal(checks, reference.checksums.reshape(-1))
    data = bytes.fromhex("".join(words[3] for words in lines if words[1] == "output"))
    outputs = list(unpack_outputs(data, [value.type for value in graph.outputs]))
    for name, expected in enumerate(reference.integers):
        np.testing.assert_array_equal([each[name] for each in outputs], expected)
    timed = [words for words in lines if words[1] == "timed"]
    assert len(timed) == reference.checksums.size
    assert all(int(words[4]) > int(words[5]) for words in timed)
    engines = [layer.engine for layer in built.report.layers]
    for words in timed:  # the engine's jobs end in waits only
        assert (int(words[8]) > 0) == ("ne16" in engines[int(words[3])])


def noise(frames: int, channels: int) -> np.ndarray:
    """What app_source.c gives: [frames, channels]."""
    state, values = 1, []
    for _ in range(frames * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state >> 20) - 2048)
    return np.array(values, np.int64).reshape(frames, channels)


def normalised(x: np.ndarray, value: Value) -> np.ndarray:
    """[channels, samples] as app_window.c defines it; within one step of the formula in floats."""
    samples, quantization = x.shape[1], value.type.quantization
    assert quantization is not None
    kind = value.type.dtype.numpy
    mean = np.sign(x.sum(1)) * ((2 * np.abs(x.sum(1)) + samples) // (2 * samples))
    centred = x - mean[:, None]
    squares = (centred**2).sum(1) * 256 // samples
    deviation = np.array([math.isqrt(int(square)) for square in squares])
    factor = (round(65536 / quantization.scale) << 12) // deviation
    integer = ((centred * factor[:, None] + 2**23) >> 24) + quantization.zero_point
    real = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    assert np.abs(integer - quantization.zero_point - real / quantization.scale).max() < 1
    limits = np.iinfo(kind)
    return np.clip(integer, limits.min, limits.max).astype(kind).reshape(value.shape)


def test_the_application_sends_the_scores_of_normalised_windows(
    built: Build, tmp_path: Path
) -> None:
    """Every message against the integer reference; the windows are defined here again."""
    firmware = built.directory / "firmware"
    graph, _ = load_reference(built.directory)
    program = link(firmware, "app", tmp_path / "app", sanitize=True)
    shutil.copy(firmware / "weights.bin", tmp_path)
    done = subprocess.run([program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    channels, samples = graph.inputs[0].shape[-2:]
    hop = samples // 2
    frames = noise(samples + 9 * hop, channels)
    data = (tmp_path / "uart.bin").read_bytes()
    scores = graph.outputs[0].type.size
    size = 12 + 2 * scores
    assert len(data) == 10 * size
    for number in range(10):
        message = data[number * size : (number + 1) * size]
        head = np.frombuffer(message[:10], "<u2")
        assert list(head[:3]) == [0x0CEC, number, 0]
        window = normalised(frames[number * hop : number * hop + samples].T, graph.inputs[0])
        wanted = interpret(graph, {graph.inputs[0].name: window})[0].reshape(-1)
        packed = np.frombuffer(message[10:-2], "<i2")
        np.testing.assert_array_equal(packed, wanted)
        assert head[3] == np.argmax(packed)
        assert sum(message[:-2]) % 65536 == int.from_bytes(message[-2:], "little")


def run_check(program: Path, folder: Path, built: Build, fails: str = "") -> tuple[int, str]:
    """The status of the program `check` with the build's windows, and what it prints."""
    graph, reference = load_reference(built.directory)
    inputs = quantize_windows(graph, reference.windows)
    (folder / "input.bin").write_bytes(pack_inputs(inputs))
    environment = {**os.environ, "STUB_FAILS": fails}
    done = subprocess.run([program], cwd=folder, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout


def test_a_start_that_fails_says_why(built: Build, tmp_path: Path) -> None:
    """Wrong weights, no clock, a RAM that takes nothing."""
    firmware = built.directory / "firmware"
    program = link(firmware, "check", tmp_path / "check")
    weights = tmp_path / "weights.bin"
    image = (firmware / "weights.bin").read_bytes()
    weights.write_bytes(image[:-1])
    start = "@ec error the platform did not start: "
    wrong = "weights.bin is not in the flash, or has another size (4)\n"
    assert run_check(program, tmp_path, built) == (4, start + wrong)
    weights.write_bytes(image)
    clock = "a clock does not take the board file's frequency (5)\n"
    assert run_check(program, tmp_path, built, "clock") == (5, start + clock)
    lost = "the external RAM does not hold what was written to it (6)\n"
    assert run_check(program, tmp_path, built, "ram") == (6, start + lost)
    weights.unlink()
    assert run_check(program, tmp_path, built) == (4, start + wrong)


def test_results_after_a_lost_read_are_not_told(built: Build, tmp_path: Path) -> None:
    """Where weights are read from flash; the others do not notice."""
    firmware = built.directory / "firmware"
    shutil.copy(firmware / "weights.bin", tmp_path)
    status, text = run_check(
        link(firmware, "check", tmp_path / "check"), tmp_path, built, fails="flash"
    )
    environment = {**os.environ, "STUB_FAILS": "flash"}
    application = link(firmware, "app", tmp_path / "app")
    sent = subprocess.run([application], cwd=tmp_path, env=environment).returncode
    if built.report.memory.flash is None:
        assert (status, sent) == (0, 0)
        return
    assert status == 1 and "weights could not be read from flash" in text
    assert "@ec check" not in text and "@ec output" not in text
    assert sent == 18 and (tmp_path / "uart.bin").read_bytes() == b""


def test_the_application_tells_that_it_has_no_uart(built: Build, tmp_path: Path) -> None:
    firmware = built.directory / "firmware"
    shutil.copy(firmware / "weights.bin", tmp_path)
    environment = {**os.environ, "STUB_FAILS": "uart"}
    program = link(firmware, "app", tmp_path / "app")
    assert subprocess.run([program], cwd=tmp_path, env=environment).returncode == 16


@pytest.mark.parametrize("program", ["check", "app"])
def test_it_compiles_for_a_32_bit_core_with_its_own_kernels(
    built: Build, tmp_path: Path, program: str
) -> None:
    """Compiled, not linked: the stubs are no runtime of the chip."""
    compiler = shutil.which(os.environ.get("EDGECOMP_RISCV_CC", "riscv64-unknown-elf-gcc"))
    if compiler is None:
        pytest.skip("no RISC-V compiler")
    firmware = built.directory / "firmware"
    libc = tmp_path / "libc"
    libc.mkdir()
    for name, declarations in LIBC.items():
        (libc / name).write_text("#include <stddef.h>\n" + declarations)
    arch = ["-march=rv32imc_zicsr", "-mabi=ilp32", "-O2", "-ffreestanding", "-c"]
    folders = [*includes(firmware), f"-I{libc}"]
    files = sources(firmware, program, "xpulp")
    command = [compiler, *STRICT, *arch, *folders, *map(str, files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
