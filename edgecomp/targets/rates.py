"""How fast the kernels are: the compute half of the cost model."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeAlias

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    RootModel,
)

from edgecomp.errors import EdgecompError

Work: TypeAlias = float | np.ndarray
"""One amount, or one for each of many calls."""


class KernelRate(BaseModel):
    """The cost of one kernel, all cores together, in cluster cycles.

    macs_per_cycle is None for a kernel whose products are counted in its elements. unit is what a
    core takes at a time, rows x columns (rows alone: whole rows): units are shared among the cores,
    and the core with the most decides. None where any element may go to any core.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cycles_per_call: NonNegativeFloat = 0.0
    cycles_per_row: NonNegativeFloat = 0.0
    cycles_per_element: NonNegativeFloat = 0.0
    macs_per_cycle: PositiveFloat | None = None
    unit: tuple[PositiveInt] | tuple[PositiveInt, PositiveInt] | None = None

    def cycles(self, *, elements: Work = 0, macs: Work = 0, rows: Work = 0, cores: int = 1) -> Work:
        """Estimated cycles of calls on `rows` rows, `elements` elements and `macs` products."""
        products = macs / self.macs_per_cycle if self.macs_per_cycle else 0.0
        even = rows * self.cycles_per_row + elements * self.cycles_per_element + products
        return self.cycles_per_call + even * self._unevenness(elements, rows, cores)

    def _unevenness(self, elements: Work, rows: Work, cores: int) -> Work:
        """How much longer the core with the most work takes than with equal shares; 1 or more."""
        if self.unit is None:
            return 1.0
        unit_rows = self.unit[0]
        columns = elements / np.maximum(rows, 1)
        unit_columns = self.unit[1] if len(self.unit) == 2 else columns
        units = np.ceil(rows / unit_rows) * np.ceil(columns / np.maximum(unit_columns, 1))
        longest = np.ceil(units / cores) * cores * unit_rows * unit_columns
        return np.where(elements > 0, longest / np.maximum(elements, 1), 1.0)


class KernelRates(RootModel[dict[str, KernelRate]]):
    """Kernel name -> rate. The names are those of the C kernels."""

    model_config = ConfigDict(frozen=True)

    def __contains__(self, kernel: str) -> bool:
        return kernel in self.root

    def __getitem__(self, kernel: str) -> KernelRate:
        if kernel not in self.root:
            raise _unknown_kernel(kernel, list(self.root))
        return self.root[kernel]


def _unknown_kernel(kernel: str, known: list[str]) -> EdgecompError:
    close = get_close_matches(kernel, known, n=1)
    suggestion = f", or name it '{close[0]}'" if close else ""
    return EdgecompError(
        f"the board gives no rate for the kernel '{kernel}'",
        f"add a section [kernels.{kernel}] to the board file{suggestion}",
    )
