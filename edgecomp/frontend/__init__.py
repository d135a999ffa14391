"""The way in: a PyTorch module becomes ONNX, and ONNX becomes float IR.

The exporter, which needs PyTorch, is in :mod:`edgecomp.frontend.export` and not loaded here.
"""

from edgecomp.frontend.functions import supported_operators
from edgecomp.frontend.onnx_import import import_onnx

__all__ = ["import_onnx", "supported_operators"]
