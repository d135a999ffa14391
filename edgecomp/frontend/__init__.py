"""The way in: a PyTorch module becomes ONNX, and ONNX becomes float IR."""

from edgecomp.frontend.export import export_onnx
from edgecomp.frontend.onnx_import import import_onnx
from edgecomp.frontend.registry import supported_operators

__all__ = ["export_onnx", "import_onnx", "supported_operators"]
