"""Before numpy is loaded: one BLAS thread, since tests already run on all cores."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
