"""L1 tiling: tile programs, their cost, and the search for the cheapest one that fits."""

from edgecomp.tiling import layers
from edgecomp.tiling.cost import Cost, estimate
from edgecomp.tiling.program import TileProgram
from edgecomp.tiling.search import Search, Tiling, TilingError, choose, tiled_operators

__all__ = [
    "Cost",
    "Search",
    "TileProgram",
    "Tiling",
    "TilingError",
    "choose",
    "estimate",
    "layers",
    "tiled_operators",
]
