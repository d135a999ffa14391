"""L1 tiling: tile programs, their cost, and the search for the cheapest one that fits."""
