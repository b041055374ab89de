"""Feed-forward layers: what a network is made of, beside the recurrent ones.

A layer is a frozen description. A new feed-forward layer is a subclass with one method, `forward`, written with the
operations of `autodiff`; `weights` lists what it learns. Those that ship also say how compiled code runs them, in
`kernel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from zen_core import autodiff
from zen_core.autodiff import Array, Tensor
from zen_core.component import Component, hyper
from zen_core.program import Kernel
from zen_core.weights import Shape, Weight

Weights = Mapping[str, Tensor]


class Layer(Component, abstract=True):
    """A step of a network: it turns an array (batch, …) into another with the help of its weights `p`."""

    masks: ClassVar[bool] = False
    """Whether its result is multiplied by a random mask while training."""

    def weights(self, features: int) -> dict[str, Weight]:
        """The weights it learns, by name, for an input whose last axis has `features` entries."""
        return {}

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one sample after the layer, (steps, features) or (features,), given the shape before it."""
        return shape

    def kept(self, shape: Shape) -> int:
        """How many numbers of one sample of this shape a forward pass keeps for the gradient."""
        return int(np.prod(self.output_shape(shape)))

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        """The equation: x (batch, *shape) becomes (batch, *output_shape(shape))."""
        raise AssertionError(f"{type(self).__name__} has no equation")

    def mask(self, generator: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array | None:
        """Draw what the result, of `shape` (batch, …), is multiplied by in one step of training, where it `masks`."""
        return None

    def kernel(self) -> Kernel | None:
        """How compiled code runs it, or None where it cannot. A subclass does not inherit it: it may compute another
        thing."""
        return None


def linear_weights(name: str, inputs: int, units: int, *, recurrent: bool = False) -> dict[str, Weight]:
    """The weight and bias of a linear map, under `name`; `recurrent` where it maps a state to the next one."""
    return {f"{name}.weight": Weight((inputs, units), inputs, recurrent), f"{name}.bias": Weight((units,), inputs)}


def linear_map(p: Weights, name: str, x: Tensor) -> Tensor:
    """Apply the linear map `name` to the last axis of x."""
    return autodiff.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


class Linear(Layer):
    """A linear map with bias: y = xW + b. On a sequence it acts on each step."""

    units: int = hyper(
        1, 1, 4096, log=True, help="Number of outputs.", usual="1 as the last layer, else 8 to 64", many="Slow."
    )

    def weights(self, features: int) -> dict[str, Weight]:
        return linear_weights("W", features, self.units)

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return linear_map(p, "W", x)

    def kernel(self) -> Kernel:
        return Kernel("linear")


class Tanh(Layer):
    """The hyperbolic tangent (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ) of each number; results lie between −1 and 1."""

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.tanh(x)

    def kernel(self) -> Kernel:
        return Kernel("tanh")


class Sigmoid(Layer):
    """The logistic function 1 / (1 + e⁻ˣ) of each number; results lie between 0 and 1."""

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.sigmoid(x)

    def kernel(self) -> Kernel:
        return Kernel("sigmoid")


class ReLU(Layer):
    """The positive part max(x, 0) of each number.

    V. Nair and G.E. Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML.
    """

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.relu(x)

    def kernel(self) -> Kernel:
        return Kernel("relu")


class Softmax(Layer):
    """Probabilities eˣ / Σ eˣ over the features; each row adds up to 1. For classes, not for forecasts."""

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.softmax(x, axis=-1)

    def kernel(self) -> Kernel:
        return Kernel("softmax")


class Dropout(Layer):
    """While training, each number is 0 with probability p, and the others are divided by 1 − p; else y = x.

    N. Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting, JMLR 15.
    """

    rate: float = hyper(
        0.1,
        0.0,
        0.9,
        help="The probability p that a number is dropped in a step of training.",
        usual="0.05 to 0.3",
        few="No effect.",
        many="Too little gets through to learn a curve.",
    )
    masks = True

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return x

    def mask(self, generator: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
        kept = generator.random(shape, np.float32) >= self.rate
        scale: Array = kept.astype(dtype)
        scale /= 1 - self.rate
        return scale

    def kernel(self) -> Kernel:
        return Kernel("dropout")
