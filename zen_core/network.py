"""Networks: a stack of layers that runs, on numpy or by compiled kernels, for training and for forecasts.

Both backends compute the same thing, to rounding. On numpy each layer is a node on the tape; compiled, the whole stack
is one node, whose forward and backward pass are one call each, without the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from zen_core import autodiff
from zen_core.autodiff import Array, Tensor
from zen_core.backend import COMPILED, NUMPY, Kernels
from zen_core.layers import Layer, Weights
from zen_core.program import Program, program
from zen_core.weights import Layout

Predict = Callable[[Any, Array | None], Tensor]
"""An opened network: it turns x (batch, …), a tensor or an array, and a mask into its outputs (batch, …)."""


class Interrupted(Exception):
    """What was being computed has been broken off by `Network.stop`; nothing has changed."""


class Network:
    """A stack of layers and the layout of its weights; the weights themselves come with each call, as one vector.

    `stop[0]` may be set from another thread: a compiled call that is running then ends within milliseconds and raises
    Interrupted, as do all that follow until it is cleared. `masked` tells whether training needs a mask.
    """

    backend: ClassVar[str]

    def __init__(self, layers: Sequence[Layer], layout: Layout, dtype: str) -> None:
        self.layers = tuple(layers)
        self.layout = layout
        self.dtype = np.dtype(dtype)
        self.stop = np.zeros(1, np.uint8)
        self.masked = any(layer.masks for layer in layers)

    def opened(self, weights: Array) -> tuple[list[Tensor], Predict]:
        """Return the weights as tensors, in the order of the layout, and the function of x that they make."""
        raise NotImplementedError

    def joined(self, pieces: Sequence[Array]) -> Array:
        """Return arrays that belong to the weights of `opened` (their gradients, say) as one vector."""
        return self.layout.join(pieces, self.dtype)

    def predict(self, weights: Array, x: Array) -> Array:
        """Return the outputs for x, (batch, …)."""
        with np.errstate(all="ignore"):
            return self.opened(weights)[1](x, None).value

    def free_run(self, weights: Array, past: Array, horizon: int) -> Array:
        """Continue a series by `horizon` numbers, each predicted from the numbers `past` (window,) and those before it.

        For networks that read (window, 1) and give one number. Returns the new numbers, (horizon,).
        """
        window = len(past)
        run = np.empty(window + horizon, self.dtype)
        run[:window] = past
        for h in range(horizon):
            run[window + h] = self.predict(weights, run[None, h : h + window, None])[0, 0]
        return run[window:]

    def at_once(self, work: int) -> int:
        """How many steps of a free run make about so many multiplications; one on numpy, which is slow for others."""
        return 1

    def mask(self, generator: np.random.Generator, batch: int) -> Array | None:
        """Draw what the results of layers are multiplied by while training: one array after the other, flat."""
        drawn = [
            layer.mask(generator, (batch, *shape), self.dtype)
            for layer, shape in zip(self.layers, self.layout.shapes, strict=True)
        ]
        flat = [each.reshape(-1) for each in drawn if each is not None]
        return np.concatenate(flat) if flat else None


class OnNumpy(Network):
    """A network whose layers are nodes on the tape, one by one. It takes any layer."""

    backend = NUMPY

    def opened(self, weights: Array) -> tuple[list[Tensor], Predict]:
        parts = [{name: Tensor(w) for name, w in layer.items()} for layer in self.layout.split(weights)]
        leaves = [tensor for layer in parts for tensor in layer.values()]
        return leaves, lambda x, mask: self._run(parts, x if isinstance(x, Tensor) else Tensor(x), mask)

    def _run(self, parts: Sequence[Weights], x: Tensor, mask: Array | None) -> Tensor:
        past, used = x, 0
        for layer, p in zip(self.layers, parts, strict=False):
            x = layer.forward(p, x)
            if mask is not None and layer.masks:
                x = x * mask[used : used + x.value.size].reshape(x.shape)
                used += x.value.size
        if self.layout.highway:
            last = past[:, -self.layout.highway :, 0]
            x = x + autodiff.linear(last, parts[-1]["weight"], parts[-1]["bias"])
        return x


class OnKernels(Network):
    """A network that compiled kernels run in one call."""

    backend = COMPILED

    def __init__(self, layers: Sequence[Layer], layout: Layout, dtype: str, kernels: Kernels, program: Program) -> None:
        super().__init__(layers, layout, dtype)
        self._kernels = kernels
        self._program = program
        self._place = program.table, program.highway, program.highway_weights
        self._shape = layout.shapes[-1]
        self._nothing = np.empty(0, self.dtype)

    def opened(self, weights: Array) -> tuple[list[Tensor], Predict]:
        w = Tensor(self._plain(weights))
        # Kernels look at no sizes.
        assert w.shape == (self.layout.size,), w.shape
        return [w], lambda x, mask: self._run(w, x, mask)

    def joined(self, pieces: Sequence[Array]) -> Array:
        (vector,) = pieces
        return vector

    def _plain(self, array: Array) -> Array:
        """What kernels take: flat, side by side, of the right type, and such that they could write to it."""
        flags = array.flags
        if not (flags.c_contiguous and flags.writeable and array.dtype == self.dtype):
            array = np.require(array, self.dtype, ("C", "W"))
        return array.reshape(-1)

    def _run(self, w: Tensor, x: Any, mask: Array | None) -> Tensor:
        given = x.value if isinstance(x, Tensor) else x
        assert given.shape[1:] == self.layout.shape, given.shape
        batch = len(given)
        flat = self._plain(given)
        dropped = self._nothing if mask is None else mask
        trace = np.empty(self._program.trace * batch, self.dtype)
        y = np.empty((batch, *self._shape), self.dtype)
        self._kernels.forward(*self._place, w.value, flat, dropped, trace, y.reshape(-1), self.stop)
        self._look()

        def back(g: Array) -> tuple[Array | None, Array]:
            wanted = isinstance(x, Tensor)
            gradient, by_x = np.empty_like(w.value), np.empty_like(flat) if wanted else self._nothing
            self._kernels.backward(
                *self._place, self._program.flow, w.value, flat, dropped, trace, self._plain(g), gradient, by_x,
                wanted, self.stop,
            )  # fmt: skip
            self._look()
            return by_x.reshape(given.shape) if wanted else None, gradient

        return Tensor(y, (x, w), (back,))

    def free_run(self, weights: Array, past: Array, horizon: int) -> Array:
        window = len(past)
        run = np.empty(window + horizon, self.dtype)
        run[:window] = past
        trace = np.empty(self._program.trace, self.dtype)
        self._kernels.free_run(*self._place, self._plain(weights), run, window, trace, self.stop)
        self._look()
        return run[window:]

    def at_once(self, work: int) -> int:
        steps = self.layout.shape[0]
        return max(1, work // (steps * self.layout.size))

    def _look(self) -> None:
        if self.stop[0]:
            raise Interrupted


def network(layers: Sequence[Layer], layout: Layout, dtype: str, kernels: Kernels | None = None) -> Network:
    """Return a network on these kernels, or on numpy where there are none, or a layer has no compiled form."""
    table = program(layers, layout) if kernels is not None and layers else None
    if kernels is None or table is None:
        return OnNumpy(layers, layout, dtype)
    return OnKernels(layers, layout, dtype, kernels, table)
