"""The vendor project of a build on this computer, with stubs of the vendor's interface."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgecomp.ir import Value, interpret
from edgecomp.pipeline import Build
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


def link(
    firmware: Path, program: str, out: Path, sanitize: bool = False, defines: Sequence[str] = ()
) -> Path:
    """The program for this computer."""
    model = firmware / "runtime" / "hal" / "host"
    flags = ["-O2", "-no-pie", "-fno-pie", "-include", str(STUBS / "ne16_stub.h"), f"-I{model}"]
    flags += ["-fsanitize=undefined", "-fno-sanitize-recover=all"] if sanitize else []
    files = [*sources(firmware, program), STUBS / "stubs.c", model / "ne16_model.c"]
    flags += [f"-D{each}" for each in defines]
    command = ["gcc", *STRICT, *flags, *includes(firmware), *map(str, files), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def run_check(program: Path, folder: Path, built: Build, fails: str = "") -> tuple[int, str]:
    """The status of the program `check` with the build's windows, and what it prints."""
    graph, reference = load_reference(built.directory)
    inputs = quantize_windows(graph, reference.windows)
    (folder / "input.bin").write_bytes(pack_inputs(inputs))
    environment = {**os.environ, "STUB_FAILS": fails}
    done = subprocess.run([program], cwd=folder, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout


def assert_bits(built: Build, folder: Path, sanitize: bool = False) -> None:
    """The program `check`: checksums, outputs, and what it counts."""
    firmware = built.directory / "firmware"
    graph, reference = load_reference(built.directory)
    program = link(firmware, "check", folder / "check", sanitize)
    shutil.copy(firmware / "weights.bin", folder)
    status, text = run_check(program, folder, built)
    assert status == 0, text
    lines = [line.split() for line in text.splitlines()]
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


def normalised(x: np.ndarray, value: Value, fixed: float | None) -> np.ndarray:
    """[channels, samples] as app_window.c defines it; within one step of the formula in floats.

    fixed: what a sample is of the network's values; None: z-scored.
    """
    quantization = value.type.quantization
    assert quantization is not None
    if fixed is None:
        steps, real = z_scored(x, quantization.scale)
    else:
        factor = int(fixed / quantization.scale * 2**24 + 0.5)
        steps, real = (x * factor + 2**23) >> 24, fixed * x
    assert np.abs(steps - real / quantization.scale).max() < 1
    kind = value.type.dtype.numpy
    limits = np.iinfo(kind)
    integer = steps + quantization.zero_point
    return np.clip(integer, limits.min, limits.max).astype(kind).reshape(value.shape)


def z_scored(x: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps of ``scale`` in integers, and the real values."""
    samples = x.shape[1]
    mean = np.sign(x.sum(1)) * ((2 * np.abs(x.sum(1)) + samples) // (2 * samples))
    centred = x - mean[:, None]
    squares = (centred**2).sum(1) * 256 // samples
    deviation = np.array([math.isqrt(int(square)) for square in squares])
    factor = (round(65536 / scale) << 12) // deviation
    steps = (centred * factor[:, None] + 2**23) >> 24
    return steps, (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)


def assert_scores(built: Build, folder: Path, count: float = 1.0) -> None:
    """Every message of `app` against the integer reference; the windows are defined here again.

    count: one count of the front end, as EC_APP_COUNT states it.
    """
    chosen = built.report.normalisation
    assert chosen is not None
    fixed = None if chosen.factor is None else chosen.factor * count
    firmware = built.directory / "firmware"
    graph, _ = load_reference(built.directory)
    defines = [f"EC_APP_COUNT={count}"]
    program = link(firmware, "app", folder / "app", sanitize=True, defines=defines)
    shutil.copy(firmware / "weights.bin", folder)
    done = subprocess.run([program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    channels, samples = stream(firmware)
    hop = samples // 2
    frames = noise(samples + 9 * hop, channels)
    data = (folder / "uart.bin").read_bytes()
    scores = graph.outputs[0].type.size
    size = 12 + 2 * scores
    assert len(data) == 10 * size
    for number in range(10):
        message = data[number * size : (number + 1) * size]
        head = np.frombuffer(message[:10], "<u2")
        assert list(head[:3]) == [0x0CEC, number, 0]
        part = frames[number * hop : number * hop + samples].T
        window = normalised(part, graph.inputs[0], fixed)
        wanted = interpret(graph, {graph.inputs[0].name: window})[0].reshape(-1)
        packed = np.frombuffer(message[10:-2], "<i2")
        np.testing.assert_array_equal(packed, wanted)
        assert head[3] == np.argmax(packed)
        assert sum(message[:-2]) % 65536 == int.from_bytes(message[-2:], "little")


def stream(firmware: Path) -> tuple[int, int]:
    """Channels and samples of the application's windows."""
    text = (firmware / "gap_sdk" / "app_config.h").read_text()
    found = dict(re.findall(r"#define EC_APP_(\w+) (\d+)u", text))
    return int(found["CHANNELS"]), int(found["SAMPLES"])
