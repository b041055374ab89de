"""Layers and the model: what a network is made of, and the whole of it with its weights.

A layer is a frozen description. A new layer is a subclass with one method: `forward` for a feed-forward layer, `cell`
for a recurrent one, written with the operations of `autodiff`; `weights` lists what it learns.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TextIO

import numpy as np
from tqdm import tqdm

from zen_core import autodiff, kernels
from zen_core.autodiff import Array, Tensor, op
from zen_core.component import MOST_ENTRIES, Component, Remedy, SpecError, hyper
from zen_core.loop import Loop, forward
from zen_core.loss import MSE, Loss
from zen_core.optim import Optimizer, RMSProp, Schedule
from zen_core.weights import Layout, Shape, Weight

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


def _linear(name: str, inputs: int, units: int) -> dict[str, Weight]:
    return {f"{name}.weight": Weight((inputs, units), inputs), f"{name}.bias": Weight((units,), inputs)}


def _apply(p: Weights, name: str, x: Tensor) -> Tensor:
    return autodiff.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


class Linear(Layer):
    """A linear map with bias: y = xW + b. On a sequence it acts on each step."""

    units: int = hyper(
        1, 1, 4096, log=True, help="Number of outputs.", usual="1 as the last layer, else 8 to 64", many="Slow."
    )

    def weights(self, features: int) -> dict[str, Weight]:
        return _linear("W", features, self.units)

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        return _apply(p, "W", x)


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


class Recurrent(Layer, abstract=True):
    """A layer that reads a sequence step by step and keeps a state h, which is 0 before the first step.

    With `return_sequences` it gives one output for each step, y_t = V(h_t) with `units` outputs, or h_t itself where
    `units` is 0; without, the last state.
    """

    units: int = hyper(
        0,
        0,
        4096,
        when="return_sequences",
        help="Outputs of each step, y = V(h); 0 gives the state itself, without V.",
        usual="0, or the hidden size",
    )
    hidden_dim: int = hyper(
        32,
        1,
        1024,
        log=True,
        label="Hidden",
        help="Numbers in the state: what the layer can remember.",
        usual="8 to 64",
        few="Cannot hold the curve's phase.",
        many="Slow; it may learn the noise by heart.",
    )
    return_sequences: bool = hyper(
        False,
        label="Sequence",
        help="Give an output for each step, for another recurrent layer, instead of the last state.",
    )

    state_parts: ClassVar[int] = 1
    """How many arrays of the hidden size a cell carries from step to step."""

    def weights(self, features: int) -> dict[str, Weight]:
        readout = _linear("V", self.hidden_dim, self.units) if self.return_sequences and self.units else {}
        return self.cell_weights(features) | readout

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise SpecError(f"{type(self).__name__} reads a sequence, but gets only its last step.")
        return (shape[0], self.units or self.hidden_dim) if self.return_sequences else (self.hidden_dim,)

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        h = self.states(p, x)
        return _apply(p, "V", h) if self.return_sequences and self.units else h

    def states(self, p: Weights, x: Tensor) -> Tensor:
        """All h (batch, steps, hidden) of a sequence, or the last (batch, hidden), by the unrolled cell."""
        state = Tensor(np.zeros((x.shape[0], self.state_parts * self.hidden_dim), x.dtype))
        outputs = []
        for t in range(x.shape[1]):
            state = self.cell(p, x[:, t], state)
            outputs.append(state[:, : self.hidden_dim])
        return autodiff.stack(outputs, axis=1) if self.return_sequences else outputs[-1]

    def cell_weights(self, features: int) -> dict[str, Weight]:
        """The weights that `cell` uses, by name."""
        raise AssertionError(f"{type(self).__name__} lists no weights")

    def cell(self, p: Weights, x: Tensor, h: Tensor) -> Tensor:
        """The equation of one step: x_t (batch, features) and h_{t−1} (batch, hidden) give h_t (batch, hidden).

        A cell with `state_parts` above 1 carries more beside h: its state is that many times as wide, h first.
        """
        raise AssertionError(f"{type(self).__name__} has no equation")


class RNN(Recurrent):
    """The simple recurrent network: h_t = tanh(U(x_t) + W(h_{t−1})), y_t = V(h_t); U, W and V are linear with bias.

    J.L. Elman (1990), Finding structure in time, Cognitive Science 14(2).
    """

    def cell_weights(self, features: int) -> dict[str, Weight]:
        return _linear("U", features, self.hidden_dim) | _linear("W", self.hidden_dim, self.hidden_dim)

    def cell(self, p: Weights, x: Tensor, h: Tensor) -> Tensor:
        u = _apply(p, "U", x)
        w = _apply(p, "W", h)
        return autodiff.tanh(u + w)

    def states(self, p: Weights, x: Tensor) -> Tensor:
        matrices = (p["U.weight"], p["U.bias"], p["W.weight"], p["W.bias"])
        return _rnn(x, *matrices, every_step=self.return_sequences)


@op
def _rnn(x: Any, u: Any, u_bias: Any, w: Any, w_bias: Any, *, every_step: bool) -> Any:
    h = kernels.rnn_forward(x, u, u_bias, w, w_bias)
    y = h[1:].swapaxes(0, 1) if every_step else h[-1]
    return y, lambda g: kernels.rnn_backward(g, h, x, u, w, every_step=every_step)


class LSTM(Recurrent):
    """The long short-term memory: c_t = f c_{t−1} + i g, h_t = o tanh(c_t), y_t = V(h_t).

    i, f, o = σ(U(x_t) + W(h_{t−1})) and g = tanh(U(x_t) + W(h_{t−1})), each with its own part of U and W, side by side
    in the order i, f, g, o (as in PyTorch; Keras has i, f, c, o and a forget bias of 1, ONNX i, o, f, c).
    S. Hochreiter and J. Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), with the forget gate of
    F.A. Gers, J. Schmidhuber and F. Cummins (2000), Learning to forget, Neural Computation 12(10).
    """

    state_parts = 2

    def cell_weights(self, features: int) -> dict[str, Weight]:
        return _linear("U", features, 4 * self.hidden_dim) | _linear("W", self.hidden_dim, 4 * self.hidden_dim)

    def cell(self, p: Weights, x: Tensor, h: Tensor) -> Tensor:
        n = self.hidden_dim
        h, c = h[:, :n], h[:, n:]
        a = _apply(p, "U", x) + _apply(p, "W", h)
        i, f, o = autodiff.sigmoid(a[:, :n]), autodiff.sigmoid(a[:, n : 2 * n]), autodiff.sigmoid(a[:, 3 * n :])
        g = autodiff.tanh(a[:, 2 * n : 3 * n])
        c = f * c + i * g
        return autodiff.concatenate([o * autodiff.tanh(c), c], axis=1)

    def states(self, p: Weights, x: Tensor) -> Tensor:
        matrices = (p["U.weight"], p["U.bias"], p["W.weight"], p["W.bias"])
        return _lstm(x, *matrices, every_step=self.return_sequences)


@op
def _lstm(x: Any, u: Any, u_bias: Any, w: Any, w_bias: Any, *, every_step: bool) -> Any:
    trace = kernels.lstm_forward(x, u, u_bias, w, w_bias)
    y = trace.h[1:].swapaxes(0, 1) if every_step else trace.h[-1]
    return y, lambda g: kernels.lstm_backward(g, trace, x, u, w, every_step=every_step)


class GRU(Recurrent):
    """The gated recurrent unit: h_t = (1 − z) n + z h_{t−1}, y_t = V(h_t).

    r, z = σ(U(x_t) + W(h_{t−1})), and n = tanh(U(x_t) + r W(h_{t−1})) where the reset comes after the product (as in
    Keras and PyTorch), else n = tanh(U(x_t) + W(r h_{t−1})) (as in the paper; ONNX's default). Gates in the order
    r, z, n. K. Cho et al. (2014), Learning phrase representations using RNN encoder–decoder, arXiv:1406.1078.
    """

    reset_after: bool = hyper(
        True,
        label="Reset after",
        help="Reset after the product with the state, as Keras and PyTorch do; else before, as the paper.",
    )

    def cell_weights(self, features: int) -> dict[str, Weight]:
        return _linear("U", features, 3 * self.hidden_dim) | _linear("W", self.hidden_dim, 3 * self.hidden_dim)

    def cell(self, p: Weights, x: Tensor, h: Tensor) -> Tensor:
        n = self.hidden_dim
        a, w = _apply(p, "U", x), _apply(p, "W", h)
        r = autodiff.sigmoid(a[:, :n] + w[:, :n])
        z = autodiff.sigmoid(a[:, n : 2 * n] + w[:, n : 2 * n])
        through = r * w[:, 2 * n :] if self.reset_after else _apply(p, "W", r * h)[:, 2 * n :]
        new = autodiff.tanh(a[:, 2 * n :] + through)
        return (1 - z) * new + z * h

    def states(self, p: Weights, x: Tensor) -> Tensor:
        matrices = (p["U.weight"], p["U.bias"], p["W.weight"], p["W.bias"])
        return _gru(x, *matrices, every_step=self.return_sequences, reset_after=self.reset_after)


@op
def _gru(x: Any, u: Any, u_bias: Any, w: Any, w_bias: Any, *, every_step: bool, reset_after: bool) -> Any:
    trace = kernels.gru_forward(x, u, u_bias, w, w_bias, reset_after=reset_after)
    y = trace.h[1:].swapaxes(0, 1) if every_step else trace.h[-1]
    return y, lambda g: kernels.gru_backward(g, trace, x, u, w, every_step=every_step, reset_after=reset_after)


def check_stack(layers: Sequence[Layer], shape: Shape) -> Layout:
    """Return the layout of a stack that turns a sample of `shape` (steps, features) into one number.

    Raises SpecError, with the layer's path and a remedy, for an empty stack, a recurrent layer that gets no sequence,
    a stack that ends in a sequence, and an output that is not one value.
    """
    if not layers:
        stack = (RNN(), Linear())
        raise SpecError(
            "The stack has no layers. Add at least one.",
            path="layers",
            remedy=Remedy("Use RNN and Linear", "layers", stack),
        )
    recurrent = [index for index, layer in enumerate(layers) if isinstance(layer, Recurrent)]
    for before, index in itertools.pairwise(recurrent):
        if len(layers[before].output_shape(shape)) != 2:
            raise SpecError(
                f"Layer {index + 1} ({type(layers[index]).__name__}) reads a sequence, but layer {before + 1} "
                f"({type(layers[before]).__name__}) gives only its last step.",
                path=f"layers.{index}",
                remedy=Remedy(
                    f"Return the sequence from layer {before + 1}", f"layers.{before}.return_sequences", True
                ),
            )
    layout = Layout(layers, shape)
    last = len(layers) - 1
    name = f"layer {last + 1} ({type(layers[last]).__name__})"
    if len(layout.shapes[-1]) == 2:
        raise SpecError(
            f"The stack ends in a sequence of {shape[0]} values, after {name}; the forecast needs one.",
            path=f"layers.{last}",
            remedy=(
                Remedy("Return last step only", f"layers.{recurrent[-1]}.return_sequences", False)
                if recurrent
                else Remedy("Put an RNN first", "layers", (RNN(), *layers[: MOST_ENTRIES - 1]))
            ),
        )
    if layout.shapes[-1] != (1,):
        outputs = layout.shapes[-1][0]
        raise SpecError(
            f"The stack ends in {outputs} values, after {name}; the forecast needs one.",
            path=f"layers.{last}",
            remedy=(
                Remedy("Give it one unit", f"layers.{last}.units", 1)
                if isinstance(layers[last], Linear)
                else Remedy("Add Linear with one unit", "layers", (*layers, Linear(1)))
                if len(layers) < MOST_ENTRIES
                else Remedy("End in Linear with one unit", "layers", (*layers[:-1], Linear(1)))
            ),
        )
    return layout


def generators(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    """One stream of random numbers for the first weights and one for the order of the samples, from one seed."""
    weights, order = np.random.SeedSequence(seed).spawn(2)
    return np.random.default_rng(weights), np.random.default_rng(order)


class Model:
    """A stack of layers with its weights, which are drawn when the first input tells how many features it has."""

    def __init__(self, layers: Sequence[Layer], seed: int = 0, dtype: str = "float32") -> None:
        self.layers = tuple(layers)
        self.dtype = dtype
        self.layout: Layout | None = None
        self.vector: Array = np.empty(0, dtype)
        self._features = 0
        self._for_weights, self._for_order = generators(seed)

    @property
    def weights(self) -> list[dict[str, Array]]:
        """The weights of each layer by name; empty before the first call."""
        return self.layout.split(self.vector) if self.layout else [{} for _ in self.layers]

    def __call__(self, x: Any) -> Tensor:
        """Return the outputs for x, (batch, steps, features) or (batch, features), as a tensor (batch, …)."""
        inputs = self._input(x)
        self._prepare(inputs)
        weights = [{name: Tensor(w) for name, w in layer.items()} for layer in self.weights]
        return forward(self.layers, weights, Tensor(inputs))

    def train(
        self,
        x: Any,
        y: Any,
        epochs: int = 10,
        optimizer: Optimizer | None = None,
        loss_fn: Loss | type[Loss] = MSE,
        batch_size: int = 32,
        *,
        schedule: Schedule | None = None,
        clip: float = 0.0,
        shuffle: bool = True,
        writer: TextIO | Literal["stderr"] | None = "stderr",
    ) -> list[float]:
        """Train on samples x (samples, steps, features) and targets y (samples, outputs).

        Shows a progress bar for each epoch with its mean loss on `writer` (None: silent), and returns the mean loss of
        every epoch. Without an optimizer it uses RMSProp. Raises SpecError where x and y do not fit each other, and
        Diverged before an update that would spoil the weights.
        """
        inputs, targets = self._input(x), self._input(y)
        if len(inputs) != len(targets) or not len(inputs):
            raise SpecError(f"x has {len(inputs)} samples, y has {len(targets)}. Give one target for each sample.")
        if epochs < 1 or batch_size < 1:
            raise SpecError(f"Cannot train {epochs} epochs in batches of {batch_size}. Use 1 or more of each.")
        layout = self._prepare(inputs)
        loop = Loop(
            self.layers,
            layout,
            self.vector,
            inputs,
            targets,
            loss=loss_fn() if isinstance(loss_fn, type) else loss_fn,
            optimizer=optimizer or RMSProp(),
            schedule=schedule,
            batch_size=batch_size,
            epochs=epochs,
            clip=clip,
            generator=self._for_order if shuffle else None,
        )
        try:
            return [self._epoch(loop, f"Epoch {epoch}/{epochs}", writer) for epoch in range(1, epochs + 1)]
        finally:
            self.vector = loop.weights

    @staticmethod
    def _epoch(loop: Loop, title: str, writer: TextIO | Literal["stderr"] | None) -> float:
        total, count = 0.0, 0
        file = sys.stderr if isinstance(writer, str) else writer
        with tqdm(total=len(loop.x), desc=title, file=file, disable=writer is None, unit="sample") as bar:
            while count < len(loop.x):
                step = next(loop)
                total += step.loss * step.batch
                count += step.batch
                bar.set_postfix(loss=f"{total / count:.3g}", refresh=False)
                bar.update(step.batch)
        return total / count

    def _input(self, x: Any) -> Array:
        return np.asarray(x).astype(self.dtype, copy=False)

    def _prepare(self, inputs: Array) -> Layout:
        if inputs.ndim not in (2, 3):
            raise SpecError(
                f"x has shape {inputs.shape}. Give (samples, steps, features), or (samples, features) where no layer "
                "reads a sequence."
            )
        if self.layout is None:
            self.layout = Layout(self.layers, inputs.shape[1:])
            self.vector = self.layout.initial(self._for_weights, self.dtype)
            self._features = inputs.shape[-1]
        if inputs.shape[-1] != self._features:
            raise SpecError(
                f"x has {inputs.shape[-1]} features, the model was made for {self._features}. Make a new Model for it."
            )
        return self.layout
