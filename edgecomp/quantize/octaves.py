"""Which table of a function of a norm is finer: one by octaves, or one of 8-bit codes."""

from __future__ import annotations

import numpy as np

from edgecomp.ir import DType, Quantization
from edgecomp.ops.q_norm import index_of, roots_of_entries
from edgecomp.quantize.functions import Function
from edgecomp.quantize.histogram import Histogram

_TOP = (1 << 15) - 1
"""About the root of the largest norm."""


def finer_by_octaves(histogram: Histogram, function: Function, codes: Quantization) -> bool:
    """Whether ``function`` of the root's octaves is nearer to it than of int8 ``codes``.

    By the squared error of what was seen. Octaves have 32 entries each, codes equal steps: small
    values that matter, as to a logarithm, are for octaves.
    """
    seen = histogram.counts > 0
    values, counts = histogram.centres[seen], histogram.counts[seen]
    positive = values > 0
    if not positive.any():
        return False
    values, counts = values[positive], counts[positive]
    unit = float(values.max()) / _TOP
    middles = roots_of_entries()[index_of((values / unit).astype(np.int64))] * unit
    rounded = codes.dequantize(codes.quantize(values.astype(np.float32), DType.I8))
    exact = function(values)
    errors = [np.sum(counts * (function(each) - exact) ** 2) for each in (middles, rounded)]
    return bool(errors[0] < errors[1])
