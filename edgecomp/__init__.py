"""edgecomp: from a trained encoder to INT8 C on a wearable."""
