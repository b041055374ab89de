"""Random cases: any mixture of layers under any loss, at sizes of which many are 1; and how wrong a gradient is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import count, product
from typing import Any

import numpy as np

from zen_core.autodiff import Array, Tensor, gradients
from zen_core.component import Component, Setting
from zen_core.layers import Layer, Linear, Softmax
from zen_core.loss import MSE, CategoricalCrossentropy, Loss
from zen_core.recurrent import GRU, LSTM, RNN, Recurrent
from zen_core.weights import Layout

from .complex_step import along, by_complex_step
from .twins import Found, Way, distance, fused, largest, on_numpy, share, unrolled

CELLS = {"RNN": RNN(), "LSTM": LSTM(), "GRU": GRU(), "GRU before": GRU(reset_after=False)}
"""The recurrent layers that ship, in all their variants."""

# Not those that other tests define.
SHIPPED = [kind for kind in Layer.kinds.values() if kind.__module__.startswith("zen_core.")]
FEED_FORWARD = [kind for kind in SHIPPED if not issubclass(kind, Recurrent)]
RECURRENT = [kind for kind in SHIPPED if issubclass(kind, Recurrent)]
LOSSES = list(Loss.kinds.values())
SIZES = (1, 1, 2, 3, 4, 6, 9)


@dataclass(frozen=True, eq=False)
class Case:
    """A network with its weights (one vector, float64), an input (batch, steps, features), and a loss with a target.

    Layers that drop numbers do so by `mask`; a `highway` of some samples passes by the stack.
    """

    layers: tuple[Layer, ...]
    vector: Array
    x: Array
    loss: Loss
    target: Array
    mask: Array | None
    highway: int

    def __str__(self) -> str:
        return f"{self.layers}, highway {self.highway}, {self.loss}, input {self.x.shape}"

    def output(self, vector: Array, x: Array) -> Array:
        """The output with other weights and another input, complex ones among them."""
        return on_numpy(self.layers, x, self.highway).opened(vector)[1](x, self.mask).value

    def lost(self, vector: Array, x: Array) -> Any:
        """The loss of that output."""
        return self.loss(self.output(vector, x), self.target).value

    @cached_property
    def seed(self) -> Array:
        """The gradient that the loss sends into the output."""
        y = Tensor(self.output(self.vector, self.x))
        return gradients(self.loss(y, self.target), [y])[0]

    def found(self, way: Way) -> Found:
        """The output and the gradients of the loss."""
        return way(self.layers, self.vector, self.x, self.seed, self.mask, self.highway)

    @cached_property
    def op_by_op(self) -> Case:
        """The same without any kernel."""
        return replace(self, layers=unrolled(self.layers))

    @cached_property
    def known(self) -> Found:
        """The output and gradients by the tape."""
        return self.found(fused)

    @cached_property
    def slopes(self) -> list[tuple[Array, Array, float]]:
        """Random directions for the weights and for the input, all of steps ±1, and the loss's derivative along them,
        by complex step."""
        return [self._slope(np.random.default_rng(number)) for number in range(3)]

    def _slope(self, draw: np.random.Generator) -> tuple[Array, Array, float]:
        to_vector, to_x = draw.choice((-1.0, 1.0), self.vector.shape), draw.choice((-1.0, 1.0), self.x.shape)
        return to_vector, to_x, along(self.lost, (self.vector, self.x), (to_vector, to_x))

    @cached_property
    def entries(self) -> list[Array]:
        """The loss's derivatives by each weight and each number of the input, by complex step."""
        return by_complex_step(lambda v, x: Tensor(self.lost(v.value, x.value)), (self.vector, self.x), 1.0)


def case(
    layers: Sequence[Layer], shape: tuple[int, int, int], seed: Any, loss: Loss | None = None, highway: int = 0
) -> Case:
    """A case for an input of `shape`: weights uniform in ±1/√inputs, other numbers normal, the loss MSE unless told."""
    draw = np.random.default_rng(seed)
    layout = Layout(layers, shape[1:], highway)
    drawn = [draw.uniform(-1, 1, part.weight.shape) / np.sqrt(part.weight.inputs) for part in layout.parts]
    vector = layout.join(drawn, np.dtype("float64"))
    x, target = draw.normal(size=shape), draw.normal(size=(shape[0], *layout.shapes[-1]))
    if isinstance(loss, CategoricalCrossentropy):
        target = np.exp(target) / np.exp(target).sum(axis=-1, keepdims=True)
    mask = on_numpy(layers, x, highway).mask(draw, len(x))
    return Case(tuple(layers), vector, x, loss or MSE(), target, mask, highway)


def random_case(seed: int) -> Case:
    """Up to three recurrent layers of any kind, with others before, between and behind them."""
    draw = np.random.default_rng(seed)
    shape = tuple(int(draw.choice(SIZES)) for _ in range(3))
    cells = some(RECURRENT, 3, draw)
    layers = some(FEED_FORWARD, 1, draw)
    for cell in cells:
        more = cell is not cells[-1]
        layers += [replace(cell, return_sequences=True) if more else cell, *some(FEED_FORWARD, 1 if more else 2, draw)]
    if draw.random() < 0.5:
        layers.append(Linear(1))
    loss = anyone(LOSSES, draw)
    if not layers or (isinstance(loss, CategoricalCrossentropy) and not loss.from_logits):
        layers.append(Softmax())
    # A highway leads from a curve, which has one feature, to its forecast, which is one number, and no probability.
    curve = shape[2] == 1 and Layout(layers, shape[1:]).shapes[-1] == (1,)
    highway = draw.integers(shape[1] + 1) if curve and not isinstance(loss, CategoricalCrossentropy) else 0
    return case(layers, shape, draw, loss, int(highway))


@cache
def lively(block: int) -> dict[int, Case]:
    """25 random cases by their seeds, a different lot for each block, none with gradients that vanish.

    They do behind a softmax over a single number, where a ReLU lets nothing through, and where those of the batch
    cancel: below a thousandth of what the loss sends in, as one case in 600 is, rounding is most of what is left.
    """
    cases: dict[int, Case] = {}
    for seed in count(1000 * block):
        if len(cases) == 25:
            break
        new = random_case(seed)
        if largest(*new.op_by_op.known[1:]) > 1e-3 * largest(new.seed):
            cases[seed] = new
    return cases


def some(kinds: list[Any], most: int, draw: np.random.Generator) -> list[Any]:
    """None to `most` components, of any of the kinds."""
    return [anyone(kinds, draw) for _ in range(draw.integers(0, most + 1))]


def anyone(kinds: list[Any], draw: np.random.Generator) -> Any:
    """A component of any of the kinds: truth values and choices at random, small sizes, other numbers as they are."""
    kind: type[Component] = kinds[draw.integers(len(kinds))]
    return kind(**{name: any_value(setting, draw) for name, setting in kind.settings.items()})


def any_value(setting: Setting, draw: np.random.Generator) -> Any:
    """A value of a setting, as `anyone` says."""
    if setting.type is bool:
        return bool(draw.integers(2))
    if setting.choices:
        return str(draw.choice(setting.choices))
    return int(draw.integers(setting.low, 8)) if setting.type is int else setting.default


@cache
def corners(cell: Recurrent) -> list[Case]:
    """One recurrent layer at every combination of sizes 1 and more, with its last state, its states, and readouts."""
    ends: tuple[dict[str, Any], ...] = (
        {},
        {"return_sequences": True},
        {"return_sequences": True, "units": 1},
        {"return_sequences": True, "units": 2},
    )
    sizes = product((1, 3), (1, 4), (1, 2), (1, 3), ends)
    return [
        case([replace(cell, hidden_dim=hidden, **end)], (batch, steps, features), number)
        for number, (batch, steps, features, hidden, end) in enumerate(sizes)
    ]


def error_along(way: Way, given: Case, reference: Case | None = None) -> float:
    """How far the gradients that `way` finds are from the complex step, as a share of the largest gradient.

    The complex step goes through the case op by op, unless another `reference` is given. Compared are derivatives along
    random directions of steps ±1, in all weights and all of the input at once. An entry that is wrong is seen in full
    in each direction, whatever the number of entries; where several are wrong, they do not cancel in all.
    """
    _, by_x, by_vector = given.found(way)
    slopes = (reference or given.op_by_op).slopes
    errors = [np.sum(by_vector * to_vector) + np.sum(by_x * to_x) - slope for to_vector, to_x, slope in slopes]
    return share(largest(np.array(errors)), largest(by_x, by_vector))


def error_by_entry(way: Way, given: Case) -> float:
    """The same, entry by entry."""
    _, by_x, by_vector = given.found(way)
    to_vector, to_x = given.op_by_op.entries
    return share(largest(by_vector - to_vector, by_x - to_x), largest(to_vector, to_x))


def error_of_twin(way: Way, given: Case) -> float:
    """How far `way` is from the same case op by op: outputs and gradients, as shares of their largest."""
    return distance(given.found(way), given.op_by_op.known)
