"""NE16's layouts, read back bit by bit as the engine does."""

from __future__ import annotations

import numpy as np
import pytest

from edgecomp.codegen.ne16_weights import pack_filter_weights, pack_weights, raised_input_bias
from edgecomp.ir.types import DType
from edgecomp.ops.q_linear import quantized_linear


def read(packed: np.ndarray, channel: int) -> np.ndarray:
    """The raised weight of ``channel`` in ``[..., bits, 2]`` planes of one block."""
    byte, bit = divmod(channel, 8)
    plane = (packed[..., byte].astype(np.int64) >> bit) & 1
    return np.asarray((plane << np.arange(packed.shape[-2])).sum(axis=-1))


@pytest.mark.parametrize("depth", [1, 16, 40, 64])
@pytest.mark.parametrize("bits", [2, 4, 5, 8])
def test_planes_hold_every_weight(bits: int, depth: int) -> None:
    """Weight (n, k) is found in plane order at block k / 16; what is behind the depth is clear."""
    half = 1 << (bits - 1)
    weights = np.random.default_rng(bits).integers(-half, half, (5, depth)).astype(np.int8)
    packed = pack_weights(weights, bits)
    assert packed.shape == (5, -(-depth // 16), bits, 2)
    for k in range(packed.shape[1] * 16):
        expected = weights[:, k] + np.int64(half) if k < depth else np.zeros(5)
        np.testing.assert_array_equal(read(packed[:, k // 16], k % 16), expected)


def test_known_bytes() -> None:
    """-128 is all clear, 127 all set, 0 the highest plane; channel 8 is in the second byte."""
    weights = np.full((1, 16), -128, np.int8)
    weights[0, 0], weights[0, 8] = 127, 0
    expected = [[1, 0]] * 7 + [[1, 1]]
    np.testing.assert_array_equal(pack_weights(weights)[0, 0], expected)


def test_taps_of_filters_lie_inside_of_planes() -> None:
    """``[N, blocks, bits, tap, 2]``."""
    weights = np.random.default_rng(1).integers(-128, 128, (3, 3, 3, 20)).astype(np.int8)
    packed = pack_filter_weights(weights)
    assert packed.shape == (3, 2, 8, 9, 2)
    for tap in range(9):
        for k in range(20):
            found = read(packed[:, k // 16, :, tap], k % 16)
            np.testing.assert_array_equal(found, weights[:, tap // 3, tap % 3, k] + np.int64(128))


@pytest.mark.parametrize(("low", "bits"), [(-9, 4), (8, 4), (0, 9), (0, 1)])
def test_what_does_not_fit_is_refused(low: int, bits: int) -> None:
    """A weight beyond its bits would change another one's meaning."""
    with pytest.raises(ValueError, match="bits"):
        pack_weights(np.full((1, 1), low, np.int8), bits)


def test_filters_must_be_three_by_three() -> None:
    """The engine has no other filters."""
    with pytest.raises(ValueError, match="not"):
        pack_filter_weights(np.zeros((1, 1, 3, 4), np.int8))


def test_raised_activations_give_the_bits_of_q_linear() -> None:
    """Also where the product with the raised sum wraps."""
    random = np.random.default_rng(2)
    weights = random.integers(-127, 128, (64, 768)).astype(np.int8)
    weights[0], weights[1] = 127, -127
    x = random.integers(-128, 128, (20, 768)).astype(np.int8)
    x[0], x[1], x[2] = -128, 0, 127
    bound = np.abs(weights.astype(np.int64)).sum(axis=1) * 128
    multiplier = (((1 << 31) - (1 << 28)) // bound).astype(np.int32)
    bias = random.integers(-(1 << 27), 1 << 27, 64).astype(np.int32)
    engine_bias = raised_input_bias(bias, multiplier, weights)
    total = (x.astype(np.int64) + 128) @ weights.T.astype(np.int64)
    assert (np.abs(total * multiplier) > 2**31).any()
    cut = (total * multiplier + engine_bias).astype(np.uint64).astype(np.uint32).view(np.int32)
    found = np.clip(cut >> 20, -128, 127)
    expected = quantized_linear(x, weights, multiplier, bias, 20, DType.I8)
    np.testing.assert_array_equal(found, expected)
