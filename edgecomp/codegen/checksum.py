"""The checksum of a layer's result: the numpy twin of ``ec_checksum`` in the runtime."""

from __future__ import annotations

import numpy as np


def checksum(array: np.ndarray) -> int:
    """32-bit checksum of the little-endian bytes of ``array`` (tail padded with zeros).

    The sum over words ``i`` of ``mix(word[i] + i * 0x9e3779b1)`` modulo 2**32; being a sum, cores
    can share it.
    """
    data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    raw = np.frombuffer(data.tobytes(), np.uint8)
    padded = np.zeros(-(-raw.size // 4) * 4, np.uint8)
    padded[: raw.size] = raw
    words = padded.view("<u4").astype(np.uint32)
    words = words + np.arange(words.size, dtype=np.uint32) * np.uint32(0x9E3779B1)
    words ^= words >> np.uint32(15)
    words *= np.uint32(0x85EBCA77)
    words ^= words >> np.uint32(13)
    return int(words.sum(dtype=np.uint32))
