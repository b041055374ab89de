"""One network computed in several ways, which must agree in its values and in its gradients.

`op_by_op` is the measure of the others: each cell is the equation of its paper, step by step, every operation a node of
the tape. The ways in `BACKENDS` are those that train; a new one is one more entry, and every proof then tries it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import pytest

from zen_core.autodiff import Array, Tensor, gradients
from zen_core.backend import COMPILED, NUMPY, Kernels
from zen_core.layers import Layer
from zen_core.network import Network, OnNumpy, network
from zen_core.recurrent import Recurrent
from zen_core.weights import Layout


class Found(NamedTuple):
    """The output y (batch, …), and the gradients of Σ seed · y by the input and by the vector of all weights."""

    y: Array
    by_x: Array
    by_vector: Array


class Way(Protocol):
    """How the layers, with `vector` as their weights, make y of x (batch, steps, features), given a seed in y's shape.

    `mask` is what layers that drop numbers multiply by, `highway` the number of samples that pass by the stack.
    """

    def __call__(
        self, layers: Sequence[Layer], vector: Array, x: Array, seed: Array, mask: Array | None = None, highway: int = 0
    ) -> Found: ...


def found_by(network: Network, vector: Array, x: Array, seed: Array, mask: Array | None) -> Found:
    """What a network of any backend makes of x, and the gradients."""
    leaves, predict = network.opened(vector)
    inputs = Tensor(x)
    y = predict(inputs, mask)
    by_x, *by_leaves = gradients(y, [inputs, *leaves], seed=seed)
    return Found(y.value, by_x, np.concatenate([np.empty(0, x.dtype), *(each.reshape(-1) for each in by_leaves)]))


def on_numpy(layers: Sequence[Layer], x: Array, highway: int = 0) -> OnNumpy:
    """The network for inputs like x."""
    return OnNumpy(layers, Layout(layers, x.shape[1:], highway), str(x.dtype))


def fused(
    layers: Sequence[Layer], vector: Array, x: Array, seed: Array, mask: Array | None = None, highway: int = 0
) -> Found:
    """By the tape, with numpy's kernels for whole windows of the cells that ship."""
    return found_by(on_numpy(layers, x, highway), vector, x, seed, mask)


def op_by_op(
    layers: Sequence[Layer], vector: Array, x: Array, seed: Array, mask: Array | None = None, highway: int = 0
) -> Found:
    """By the tape, without any kernel."""
    return fused(unrolled(layers), vector, x, seed, mask, highway)


def compiled(
    kernels: Mapping[str, Kernels],
    layers: Sequence[Layer],
    vector: Array,
    x: Array,
    seed: Array,
    mask: Array | None = None,
    highway: int = 0,
) -> Found:
    """By compiled kernels, those of the precision of x, the whole stack in one call."""
    dtype = str(x.dtype)
    made = network(layers, Layout(layers, x.shape[1:], highway), dtype, kernels[dtype])
    assert made.backend == COMPILED, layers
    return found_by(made, vector, x, seed, mask)


BACKENDS: dict[str, Callable[[pytest.FixtureRequest], Way]] = {
    NUMPY: lambda request: fused,
    COMPILED: lambda request: partial(compiled, request.getfixturevalue("kernels")),
}
"""The ways that train, each from what a test has at hand; `kernels` is the fixture with the compiled ones."""


def unrolled(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The same layers, the recurrent ones by their cell alone."""
    return tuple(remade(each, _unrolled(type(each))) if isinstance(each, Recurrent) else each for each in layers)


def remade(layer: Layer, kind: type[Any]) -> Any:
    """A layer of another kind with the same settings."""
    return kind(**{name: getattr(layer, name) for name in layer.settings})


@cache
def _unrolled(kind: type[Recurrent]) -> type[Recurrent]:
    return type("Unrolled", (kind,), {"states": Recurrent.states}, abstract=True)


def largest(*arrays: Array) -> float:
    """The largest size of any number in the arrays."""
    return max(float(np.abs(array).max(initial=0.0)) for array in arrays)


def share(error: float, whole: float) -> float:
    """The error as a share of the whole. Not a number counts as infinite, as does any error where there is no whole."""
    if np.isnan(error) or np.isnan(whole):
        return np.inf
    return error / whole if whole else np.inf if error else 0.0


def distance(one: Found, other: Found) -> float:
    """How far two findings are apart: outputs and gradients, each as a share of the largest output and gradient."""
    assert [each.shape for each in one] == [each.shape for each in other]
    by_value = share(largest(one.y - other.y), largest(other.y))
    by_gradient = largest(one.by_x - other.by_x, one.by_vector - other.by_vector)
    return max(by_value, share(by_gradient, largest(other.by_x, other.by_vector)))
