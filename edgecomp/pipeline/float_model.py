"""The float model as onnxruntime runs it: the reference that quality is measured against."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecomp.errors import EdgecompError
from edgecomp.frontend.functions import inline_functions
from edgecomp.frontend.loading import load_model, opset_of


class FloatModel:
    """``model.onnx`` in onnxruntime on the CPU, one window at a time.

    Where onnxruntime's own kernels refuse the model, the operators that ONNX defines by others are
    replaced by these: its Attention, for one, takes no mask that is broadcast along the queries.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._as_written = True
        self._session: Any
        try:
            self._session = _session(str(path))
        except Exception as error:
            self._rewrite(error)
        self._names = [item.name for item in self._session.get_inputs()]

    def run(self, windows: Mapping[str, np.ndarray], order: list[str]) -> list[np.ndarray]:
        """Outputs, each [windows, *shape], for inputs [windows, *shape].

        ``order`` maps the model's inputs, in its order, to keys of ``windows``.
        """
        count = next(iter(windows.values())).shape[0]
        results: list[list[np.ndarray]] = []
        for index in range(count):
            feed = {name: windows[key][index] for name, key in zip(self._names, order, strict=True)}
            results.append([np.asarray(x) for x in self._outputs(feed)])
        return [np.stack(each) for each in zip(*results, strict=True)]

    def _outputs(self, feed: Mapping[str, np.ndarray]) -> list[Any]:
        try:
            return list(self._session.run(None, feed))
        except Exception as error:
            self._rewrite(error)
            return self._outputs(feed)

    def _rewrite(self, error: Exception) -> None:
        """Go on with the model's functions inlined; EdgecompError where that was tried."""
        if not self._as_written:
            raise self._refused(error)
        self._as_written = False
        model = load_model(self._path)
        model = inline_functions(model, opset_of(model))
        for node in model.graph.node:
            node.name = ""  # those of a body share one, which onnxruntime does not take
        try:
            self._session = _session(model.SerializeToString())
        except Exception as second:
            raise self._refused(second) from error

    def _refused(self, error: Exception) -> EdgecompError:
        return EdgecompError(
            f"onnxruntime cannot run {self._path.name}: {str(error).splitlines()[0]}",
            "check the model with onnx.checker",
        )


def _session(model: str | bytes) -> Any:
    """A session of the file or the bytes ``model``, with sums in one order, whatever the machine.

    (onnxruntime comes without types.)
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it must not call home
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
