"""The way in: a PyTorch module becomes ONNX, and ONNX becomes float IR.

The exporter, which needs PyTorch, is in :mod:`edgecomp.frontend.export` and not loaded here.
"""

from edgecomp.frontend.onnx_import import import_onnx
from edgecomp.frontend.registry import supported_operators

__all__ = ["import_onnx", "supported_operators"]
