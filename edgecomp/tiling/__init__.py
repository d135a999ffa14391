"""L1 tiling: tile programs, their cost, and the search for the cheapest one that fits."""

from edgecomp.tiling import layers
from edgecomp.tiling.cost import Cost, estimate
from edgecomp.tiling.measured import Measurements, load_measurements
from edgecomp.tiling.program import TileProgram
from edgecomp.tiling.search import Search, Tiling, TilingError, choose, ranked, tiled_operators

__all__ = [
    "Cost",
    "Measurements",
    "Search",
    "TileProgram",
    "Tiling",
    "TilingError",
    "choose",
    "estimate",
    "layers",
    "load_measurements",
    "ranked",
    "tiled_operators",
]
