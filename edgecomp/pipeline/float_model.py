"""The float model as onnxruntime runs it: the reference that quality is measured against."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgecomp.errors import EdgecompError


class FloatModel:
    """``model.onnx`` in onnxruntime on the CPU, one window at a time."""

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it must not call home
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1  # sums in one order, whatever the machine
        try:
            self._session = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EdgecompError(
                f"onnxruntime cannot load {path.name}: {str(error).splitlines()[0]}",
                "check the model with onnx.checker",
            ) from error
        self._names = [item.name for item in self._session.get_inputs()]

    def run(self, windows: Mapping[str, np.ndarray], order: list[str]) -> list[np.ndarray]:
        """Outputs, each [windows, *shape], for inputs [windows, *shape].

        ``order`` maps the model's inputs, in its order, to keys of ``windows``.
        """
        count = next(iter(windows.values())).shape[0]
        results: list[list[np.ndarray]] = []
        for index in range(count):
            feed = {name: windows[key][index] for name, key in zip(self._names, order, strict=True)}
            results.append([np.asarray(x) for x in self._session.run(None, feed)])
        return [np.stack(each) for each in zip(*results, strict=True)]
