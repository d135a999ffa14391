"""How fast the kernels are: the compute half of the cost model."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, RootModel

from edgecomp.errors import EdgecompError

Work: TypeAlias = float | np.ndarray
"""One amount, or one for each of many calls."""


class KernelRate(BaseModel):
    """The cost of one kernel, all cores together, in cluster cycles.

    macs_per_cycle is None for a kernel whose products are counted in its elements.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cycles_per_call: NonNegativeFloat = 0.0
    cycles_per_row: NonNegativeFloat = 0.0
    cycles_per_element: NonNegativeFloat = 0.0
    macs_per_cycle: PositiveFloat | None = None

    def cycles(self, *, elements: Work = 0, macs: Work = 0, rows: Work = 0) -> Work:
        """Estimated cycles of calls on `rows` rows, `elements` elements and `macs` products."""
        products = macs / self.macs_per_cycle if self.macs_per_cycle else 0.0
        return (
            self.cycles_per_call
            + rows * self.cycles_per_row
            + elements * self.cycles_per_element
            + products
        )


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
