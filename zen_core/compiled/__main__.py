"""Compile all kernels for one precision into a folder, the two arguments. A process of its own does it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numba

if __name__ == "__main__":
    if hasattr(os, "nice"):
        # Somebody is working meanwhile.
        os.nice(10)
    folder, dtype = Path(sys.argv[1]), sys.argv[2]
    numba.config.CACHE_DIR = str(folder)
    from zen_core.compiled.entry import compiled

    compiled(dtype)
    (folder / dtype).touch()
