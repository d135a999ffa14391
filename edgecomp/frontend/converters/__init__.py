"""Converters from ONNX operators to the IR, one file per operator family."""
