"""Encoding in onnxruntime against PyTorch, in one run.

    python benchmarks/encode.py [--repeat 5] [ENCODER ...]

Both sides get the same windows and all cores; they take turns, and the fastest of all repeats
counts, so that other load on the machine weighs on neither. Prints a
table in Markdown; the error is the root mean square error over the range of PyTorch's output.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch

from edgecomp import zoo

BATCHES = (1, 8)
DEFAULT = ("tinymyo", "tinybiomoe", "eegdino-small")
Run = Callable[[], np.ndarray]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("encoders", nargs="*", default=DEFAULT)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    versions = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
    print(f"{os.cpu_count()} cores, {versions}, fastest of {arguments.repeat}\n")
    print("| encoder | batch | PyTorch, ms | onnxruntime, ms | ratio | NRMSE |")
    print("|---|---|---|---|---|---|")
    for name in arguments.encoders:
        for batch in BATCHES:
            print(_row(name, batch, arguments.repeat), flush=True)


def _row(name: str, batch: int, repeat: int) -> str:
    encoder = zoo.create_encoder(name)
    module, windows = encoder.module, encoder.windows(batch)
    tensor = torch.from_numpy(windows)

    def by_torch() -> np.ndarray:
        with torch.inference_mode():
            result = module(tensor)
        return (result[0] if isinstance(result, tuple) else result).numpy()

    def by_onnxruntime() -> np.ndarray:
        return module.run(windows)

    expected, found = by_torch(), by_onnxruntime()  # the first run prepares
    error = float(np.sqrt(np.mean((found - expected) ** 2)) / np.ptp(expected))
    slow, fast = _fastest([by_torch, by_onnxruntime], repeat)
    columns = [name, batch, f"{slow:.1f}", f"{fast:.1f}", f"{slow / fast:.2f}", f"{error:.1e}"]
    return "| " + " | ".join(map(str, columns)) + " |"


def _fastest(runs: list[Run], repeat: int) -> list[float]:
    """Milliseconds of the fastest repeat of each."""
    best = [float("inf")] * len(runs)
    for _ in range(repeat):
        for index, run in enumerate(runs):
            start = time.perf_counter()
            run()
            best[index] = min(best[index], 1000 * (time.perf_counter() - start))
    return best


if __name__ == "__main__":
    main()
