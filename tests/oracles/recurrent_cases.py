"""Recurrent layers of random sizes and weights, and how far from an ONNX program their states are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from core.cases import CELLS

from zen_core.autodiff import Array
from zen_core.recurrent import Recurrent
from zen_core.weights import Layout

from .onnx_cells import reference, runtime, states


@dataclass(frozen=True, eq=False)
class Given:
    """A layer that gives all its states, its weights as one vector, and an input (batch, steps, features)."""

    layer: Recurrent
    vector: Array
    x: Array

    @property
    def p(self) -> dict[str, Array]:
        """The weights by name."""
        return Layout([self.layer], self.x.shape[1:]).split(self.vector)[0]


class Oracle(NamedTuple):
    """A program, the precision in which it computes, and how near to it we must be. States lie between −1 and 1."""

    program: Callable
    dtype: str
    tolerance: float


ORACLES = {"onnxruntime": Oracle(runtime, "float32", 1e-6), "onnx.reference": Oracle(reference, "float64", 1e-12)}


@cache
def random_layer(name: str, seed: int) -> Given:
    """A layer of the cell `name`, with every fourth size 1; its weights can be told in single precision."""
    draw = np.random.default_rng(seed)
    ones = draw.random(4) < 0.25
    batch, steps, features, hidden = (int(n) for n in np.where(ones, 1, draw.integers(1, (9, 41, 9, 17))))
    return _drawn(name, batch, steps, features, hidden, draw)


@cache
def long_layer(name: str) -> Given:
    """A layer that reads a window of 1,000."""
    return _drawn(name, 2, 1000, 1, 8, np.random.default_rng(0))


def _drawn(name: str, batch: int, steps: int, features: int, hidden: int, draw: np.random.Generator) -> Given:
    layer = replace(CELLS[name], hidden_dim=hidden, return_sequences=True)
    layout = Layout([layer], (steps, features))
    weights = [draw.uniform(-1, 1, part.weight.shape) / np.sqrt(part.weight.inputs) for part in layout.parts]
    vector, x = layout.join(weights, np.dtype("float32")), draw.normal(size=(batch, steps, features))
    return Given(layer, vector.astype("float64"), x.astype("float32").astype("float64"))


@cache
def told(oracle: Oracle, given: Given) -> Array:
    """The states by the oracle."""
    return states(oracle.program, given.layer, given.p, given.x)


def difference(oracle: Oracle, given: Given, found: Array) -> float:
    """The largest distance of any of the states found from what the oracle tells; infinite where one is no number."""
    wanted = told(oracle, given)
    assert found.shape == wanted.shape
    worst = float(np.abs(found - wanted).max())
    return np.inf if np.isnan(worst) else worst
