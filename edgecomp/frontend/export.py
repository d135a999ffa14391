"""From a PyTorch module to an ONNX file."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import onnx
import torch
from torch import nn

from edgecomp.errors import EdgecompError
from edgecomp.frontend.names import name_after_modules

Exporter = Literal["dynamo", "legacy"]

_DYNAMO_OLDEST = 18
_LEGACY_NEWEST = 20


def export_onnx(
    module: nn.Module,
    example_inputs: torch.Tensor | Sequence[torch.Tensor],
    path: str | Path,
    exporter: Exporter = "dynamo",
    opset: int = 18,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    open_batch: bool = False,
) -> Path:
    """Write ``module`` in evaluation mode, with the static shapes of ``example_inputs``.

    ``open_batch`` leaves the first axis of every input open.
    The same module gives the same bytes every time: the file holds no path, date or note of the
    exporter. Nodes are named after the modules they come from. Nothing is printed. Raises
    EdgecompError where PyTorch cannot export, with its reason.
    """
    inputs = (example_inputs,) if isinstance(example_inputs, torch.Tensor) else example_inputs
    _check_opset(exporter, opset)
    with _evaluation(module):
        model = _export(
            module, tuple(inputs), exporter, opset, input_names, output_names, open_batch
        )
    name_after_modules(model)
    _strip(model)
    return _write(model, Path(path))


@contextlib.contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    """Evaluation mode; every module inside gets its own mode back."""
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, training in modes:
            each.training = training


def _check_opset(exporter: str, opset: int) -> None:
    if exporter not in ("dynamo", "legacy"):
        raise EdgecompError(f"there is no exporter {exporter!r}", "use 'dynamo' or 'legacy'")
    if exporter == "dynamo" and opset < _DYNAMO_OLDEST:
        raise EdgecompError(
            f"the dynamo exporter writes opset {_DYNAMO_OLDEST} or newer, not {opset}",
            "use exporter='legacy' for older opsets",
        )
    if exporter == "legacy" and opset > _LEGACY_NEWEST:
        raise EdgecompError(
            f"the legacy exporter writes opset {_LEGACY_NEWEST} or older, not {opset}",
            "use exporter='dynamo' for newer opsets",
        )


def _export(
    module: nn.Module,
    inputs: tuple[torch.Tensor, ...],
    exporter: str,
    opset: int,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    open_batch: bool,
) -> onnx.ModelProto:
    names: dict[str, Any] = {
        "input_names": list(input_names) if input_names else None,
        "output_names": list(output_names) if output_names else None,
        "opset_version": opset,
        "verbose": False,
    }
    try:
        with _quiet(), _decomposed_attention(), torch.no_grad():
            if exporter == "dynamo":
                if open_batch:
                    names["dynamic_shapes"] = tuple({0: torch.export.Dim("batch")} for _ in inputs)
                    inputs = tuple(torch.cat([x, x]) for x in inputs)  # one would be a constant
                program = torch.onnx.export(module, inputs, dynamo=True, **names)
                assert program is not None
                return program.model_proto
            if open_batch:
                names["input_names"] = names["input_names"] or [
                    f"input_{i}" for i in range(len(inputs))
                ]
                names["dynamic_axes"] = {name: {0: "batch"} for name in names["input_names"]}
            buffer = io.BytesIO()
            torch.onnx.export(module, inputs, buffer, dynamo=False, **names)  # type: ignore[arg-type]
            return onnx.load_model_from_string(buffer.getvalue())
    except Exception as error:  # the exporters raise dozens of types
        raise EdgecompError(
            f"PyTorch cannot export {type(module).__name__} with the {exporter} exporter: "
            f"{_reason(error)}",
            "try the other exporter, or replace the operation that it names",
        ) from error


def _reason(error: BaseException) -> str:
    """The innermost cause, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:500]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings, loggers and prints of the exporters."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            _silent_descriptor(1),
            _silent_descriptor(2),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextlib.contextmanager
def _silent_descriptor(descriptor: int) -> Iterator[None]:
    """Let native code that writes to ``descriptor`` write nowhere."""
    try:
        saved = os.dup(descriptor)
    except OSError:  # closed: nothing to silence
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)
        os.close(nowhere)


@contextlib.contextmanager
def _decomposed_attention() -> Iterator[None]:
    """Keep attention modules from calling fused kernels, which ONNX cannot express."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def _strip(model: onnx.ModelProto) -> None:
    """Remove what does not belong to the network: notes, source positions, versions."""
    for field in ("producer_name", "producer_version", "doc_string", "domain"):
        model.ClearField(field)
    model.graph.name = "network"
    del model.metadata_props[:]
    pending: list[Any] = [model.graph, *model.functions]
    while pending:
        item = pending.pop()
        item.doc_string = ""
        if hasattr(item, "metadata_props"):
            del item.metadata_props[:]
        for field in ("node", "initializer", "input", "output", "value_info"):
            pending.extend(i for i in getattr(item, field, ()) if not isinstance(i, str))
        for attribute in getattr(item, "attribute", ()):
            if isinstance(attribute, onnx.AttributeProto):
                pending.extend([attribute.g] if attribute.HasField("g") else [])


def _write(model: onnx.ModelProto, path: Path) -> Path:
    """Write at once: a reader never sees half a file."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(model.SerializeToString(deterministic=True))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise EdgecompError(f"cannot write {path}: {error.strerror or error}") from error
    return path
