"""What the rest of the library calls, compiled for one precision or taken from the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import from_dtype, types

from zen_core.compiled import stack


def compiled(dtype: str) -> tuple[Any, Any, Any]:
    """Return `stack`'s forward, backward and free_run for numbers of this type."""
    a, n = from_dtype(np.dtype(dtype))[::1], types.int64
    table, stop = types.Array(n, 2, "C", readonly=True), types.uint8[::1]
    signatures = {
        stack.forward: types.void(table, n, n, a, a, a, a, a, stop),
        stack.backward: types.void(table, n, n, n, a, a, a, a, a, a, a, types.boolean, stop),
        stack.free_run: types.void(table, n, n, a, a, n, a, stop),
    }
    for function, signature in signatures.items():
        function.disable_compile(False)
        function.compile(signature)
        # Compiling would hold the interpreter for seconds: a call that does not fit must fail instead.
        function.disable_compile()
    return stack.forward, stack.backward, stack.free_run
