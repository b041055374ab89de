"""Feed-forward layers: what a network is made of, beside the recurrent ones.

A layer is a frozen description. A new feed-forward layer is a subclass with one method, `forward`, written with the
operations of `autodiff`; `weights` lists what it learns.
"""

from __future__ import annotations

from collections.abc import Mapping

from zen_core import autodiff
from zen_core.autodiff import Tensor
from zen_core.component import Component, hyper
from zen_core.weights import Shape, Weight

Weights = Mapping[str, Tensor]


class Layer(Component, abstract=True):
    """A step of a network: it turns an array (batch, …) into another with the help of its weights `p`."""

    def weights(self, features: int) -> dict[str, Weight]:
        """The weights it learns, by name, for an input whose last axis has `features` entries."""
        return {}

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one sample after the layer, (steps, features) or (features,), given the shape before it."""
        return shape

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        """The equation: x (batch, *shape) becomes (batch, *output_shape(shape))."""
        raise AssertionError(f"{type(self).__name__} has no equation")


def linear_weights(name: str, inputs: int, units: int) -> dict[str, Weight]:
    """The weight and bias of a linear map, under `name`."""
    return {f"{name}.weight": Weight((inputs, units), inputs), f"{name}.bias": Weight((units,), inputs)}


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


class Tanh(Layer):
    """The hyperbolic tangent (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ) of each number; results lie between −1 and 1."""

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.tanh(x)


class Sigmoid(Layer):
    """The logistic function 1 / (1 + e⁻ˣ) of each number; results lie between 0 and 1."""

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.sigmoid(x)


class ReLU(Layer):
    """The positive part max(x, 0) of each number.

    V. Nair and G.E. Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML.
    """

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.relu(x)


class Softmax(Layer):
    """Probabilities eˣ / Σ eˣ over the features; each row adds up to 1. For classes, not for forecasts."""

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return autodiff.softmax(x, axis=-1)
