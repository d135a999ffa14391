"""Element types, quantization parameters and tensor types of the IR."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike


class DType(enum.Enum):
    """Element type of a tensor; the value is its spelling in textual IR."""

    F32 = "f32"
    I8 = "i8"
    U8 = "u8"
    I16 = "i16"
    U16 = "u16"
    I32 = "i32"
    I64 = "i64"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[np.generic]:
        """The numpy type that holds an element."""
        return np.dtype(_NUMPY[self])

    @property
    def bytes(self) -> int:
        """Size of one element in bytes."""
        return int(self.numpy.itemsize)

    @property
    def c_name(self) -> str:
        """The C99 type of an element."""
        return _C_NAMES[self]

    @property
    def is_integer(self) -> bool:
        """Whether values of this type can carry quantization parameters."""
        return self not in (DType.F32, DType.BOOL)

    @property
    def bounds(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        info = np.iinfo(self.numpy)  # type: ignore[type-var]
        return int(info.min), int(info.max)

    @classmethod
    def of(cls, array: np.ndarray | DTypeLike) -> DType:
        """The IR type of a numpy array or dtype; ``TypeError`` where there is none."""
        dtype = array.dtype if isinstance(array, np.ndarray) else np.dtype(array)
        for member, numpy_type in _NUMPY.items():
            if np.dtype(numpy_type) == dtype:
                return member
        raise TypeError(f"no IR element type for numpy {dtype}")


_NUMPY: dict[DType, type[np.generic]] = {
    DType.F32: np.float32,
    DType.I8: np.int8,
    DType.U8: np.uint8,
    DType.I16: np.int16,
    DType.U16: np.uint16,
    DType.I32: np.int32,
    DType.I64: np.int64,
    DType.BOOL: np.bool_,
}

_C_NAMES = {
    DType.F32: "float",
    DType.I8: "int8_t",
    DType.U8: "uint8_t",
    DType.I16: "int16_t",
    DType.U16: "uint16_t",
    DType.I32: "int32_t",
    DType.I64: "int64_t",
    DType.BOOL: "uint8_t",
}


@dataclass(frozen=True)
class Quantization:
    """Per-tensor affine quantization: ``real = scale * (integer - zero_point)``."""

    scale: float
    zero_point: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"quantization scale must be finite and positive, got {self.scale}")

    def quantize(self, real: np.ndarray, dtype: DType) -> np.ndarray:
        """Round half to even and saturate ``real`` to ``dtype``."""
        low, high = dtype.bounds
        scaled = np.rint(real.astype(np.float64) / self.scale) + self.zero_point
        integers: np.ndarray = np.clip(scaled, low, high).astype(dtype.numpy)
        return integers

    def dequantize(self, integer: np.ndarray) -> np.ndarray:
        """The float32 values that ``integer`` stands for."""
        centred = integer.astype(np.float64) - self.zero_point
        return (centred * self.scale).astype(np.float32)


@dataclass(frozen=True)
class TensorType:
    """Static shape, element type and, for quantized tensors, what the integers mean."""

    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None

    def __post_init__(self) -> None:
        if any(size < 0 for size in self.shape):
            raise ValueError(f"negative size in shape {self.shape}")
        if self.quantization is not None and not self.dtype.is_integer:
            raise ValueError(f"{self.dtype.value} tensors carry no quantization")

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Number of bytes of the dense row-major tensor."""
        return self.size * self.dtype.bytes

    @property
    def scale_or_one(self) -> float:
        """Quantization step; 1 on a tensor without quantization."""
        return float(self.quantization.scale) if self.quantization else 1.0

    def with_shape(self, shape: tuple[int, ...]) -> TensorType:
        """The same element type and quantization in another shape."""
        return TensorType(tuple(shape), self.dtype, self.quantization)

    @property
    def scale(self) -> float:
        """Quantization step; ``ValueError`` on a tensor without quantization."""
        return self._quantization.scale

    @property
    def zero_point(self) -> int:
        """The integer that means 0.0; ``ValueError`` on a tensor without quantization."""
        return self._quantization.zero_point

    @property
    def _quantization(self) -> Quantization:
        if self.quantization is None:
            raise ValueError(f"tensor {self} is not quantized")
        return self.quantization

    def __str__(self) -> str:
        body = ", ".join(map(str, self.shape))
        if self.quantization is not None:
            body += f"; scale={float(self.scale)!r}, zero={self.zero_point}"
        return f"{self.dtype.value}[{body}]"
