"""Element types, quantization parameters and tensor types."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.ir import DType, Quantization, TensorType


def test_every_type_is_found_again_from_its_numpy_type() -> None:
    for dtype in DType:
        assert DType.of(np.zeros(1, dtype.numpy)) is dtype


def test_numpy_types_without_a_counterpart_are_refused() -> None:
    with pytest.raises(TypeError, match="float16"):
        DType.of(np.float16)


def test_quantization_rounds_half_to_even_and_saturates() -> None:
    real = np.array([0.25, 0.75, -0.25, 1e9, -1e9], np.float32)
    assert Quantization(0.5, 3).quantize(real, DType.I8).tolist() == [3, 5, 3, 127, -128]


def test_dequantization_undoes_quantization_up_to_half_a_step() -> None:
    real = np.linspace(-3, 3, 101).astype(np.float32)
    parameters = Quantization(0.05, -7)
    back = parameters.dequantize(parameters.quantize(real, DType.I8))
    assert np.abs(back - real).max() <= 0.0251


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_impossible_scales_are_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        Quantization(scale)


def test_float_tensors_carry_no_quantization() -> None:
    with pytest.raises(ValueError, match="no quantization"):
        TensorType((1,), DType.F32, Quantization(1.0))


def test_sizes_count_elements_and_bytes() -> None:
    tensor = TensorType((3, 0, 2), DType.I16)
    assert (tensor.rank, tensor.size, tensor.bytes) == (3, 0, 0)
    assert TensorType((), DType.I32).bytes == 4
