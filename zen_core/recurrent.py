"""Recurrent layers: they read a sequence step by step and carry a state.

A new one is a subclass with two methods: `cell`, the equation of one step, written with the operations of `autodiff`,
and `cell_weights`, which lists what it learns. Those that ship also have their whole window in one call: on numpy in
`states`, compiled by the name in `kernel`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from zen_core import autodiff, kernels
from zen_core.autodiff import Tensor, op
from zen_core.component import SpecError, hyper
from zen_core.layers import Layer, Weights, linear_map, linear_weights
from zen_core.program import Kernel
from zen_core.weights import Shape, Weight


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

    kept_parts: ClassVar[int] = 8
    """How many arrays of the hidden size a forward pass keeps of each step, at most."""

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if "cell" in vars(cls) and "states" not in vars(cls):
            # A whole window in one call that is inherited would know nothing of the new cell.
            cls.states = Recurrent.states  # type: ignore[method-assign]

    def weights(self, features: int) -> dict[str, Weight]:
        readout = linear_weights("V", self.hidden_dim, self.units) if self.return_sequences and self.units else {}
        return self.cell_weights(features) | readout

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise SpecError(f"{type(self).__name__} reads a sequence, but gets only its last step.")
        return (shape[0], self.units or self.hidden_dim) if self.return_sequences else (self.hidden_dim,)

    def kept(self, shape: Shape) -> int:
        readout = shape[0] * self.units if self.return_sequences else 0
        return (shape[0] + 1) * self.hidden_dim * self.kept_parts + readout

    def forward(self, p: Weights, x: Tensor) -> Tensor:
        h = self.states(p, x)
        return linear_map(p, "V", h) if self.return_sequences and self.units else h

    def states(self, p: Weights, x: Tensor) -> Tensor:
        """All h (batch, steps, hidden) of a sequence, or the last (batch, hidden), by the unrolled cell."""
        state = Tensor(np.zeros((x.shape[0], self.state_parts * self.hidden_dim), x.dtype))
        outputs = []
        for t in range(x.shape[1]):
            state = self.cell(p, x[:, t], state)
            outputs.append(state[:, : self.hidden_dim])
        return autodiff.stack(outputs, axis=1) if self.return_sequences else outputs[-1]

    def _kernel(self, kind: str) -> Kernel:
        return Kernel(kind, self.hidden_dim, self.return_sequences, self.units if self.return_sequences else 0)

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

    kept_parts = 1

    def cell_weights(self, features: int) -> dict[str, Weight]:
        return linear_weights("U", features, self.hidden_dim) | linear_weights(
            "W", self.hidden_dim, self.hidden_dim, recurrent=True
        )

    def cell(self, p: Weights, x: Tensor, h: Tensor) -> Tensor:
        u = linear_map(p, "U", x)
        w = linear_map(p, "W", h)
        return autodiff.tanh(u + w)

    def states(self, p: Weights, x: Tensor) -> Tensor:
        matrices = (p["U.weight"], p["U.bias"], p["W.weight"], p["W.bias"])
        return _rnn(x, *matrices, every_step=self.return_sequences)

    def kernel(self) -> Kernel:
        return self._kernel("rnn")


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
        return linear_weights("U", features, 4 * self.hidden_dim) | linear_weights(
            "W", self.hidden_dim, 4 * self.hidden_dim, recurrent=True
        )

    def cell(self, p: Weights, x: Tensor, h: Tensor) -> Tensor:
        n = self.hidden_dim
        h, c = h[:, :n], h[:, n:]
        a = linear_map(p, "U", x) + linear_map(p, "W", h)
        i, f, o = autodiff.sigmoid(a[:, :n]), autodiff.sigmoid(a[:, n : 2 * n]), autodiff.sigmoid(a[:, 3 * n :])
        g = autodiff.tanh(a[:, 2 * n : 3 * n])
        c = f * c + i * g
        return autodiff.concatenate([o * autodiff.tanh(c), c], axis=1)

    def states(self, p: Weights, x: Tensor) -> Tensor:
        matrices = (p["U.weight"], p["U.bias"], p["W.weight"], p["W.bias"])
        return _lstm(x, *matrices, every_step=self.return_sequences)

    def kernel(self) -> Kernel:
        return self._kernel("lstm")


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
        return linear_weights("U", features, 3 * self.hidden_dim) | linear_weights(
            "W", self.hidden_dim, 3 * self.hidden_dim, recurrent=True
        )

    def cell(self, p: Weights, x: Tensor, h: Tensor) -> Tensor:
        n = self.hidden_dim
        a, w = linear_map(p, "U", x), linear_map(p, "W", h)
        r = autodiff.sigmoid(a[:, :n] + w[:, :n])
        z = autodiff.sigmoid(a[:, n : 2 * n] + w[:, n : 2 * n])
        through = r * w[:, 2 * n :] if self.reset_after else linear_map(p, "W", r * h)[:, 2 * n :]
        new = autodiff.tanh(a[:, 2 * n :] + through)
        return (1 - z) * new + z * h

    def states(self, p: Weights, x: Tensor) -> Tensor:
        matrices = (p["U.weight"], p["U.bias"], p["W.weight"], p["W.bias"])
        return _gru(x, *matrices, every_step=self.return_sequences, reset_after=self.reset_after)

    def kernel(self) -> Kernel:
        return self._kernel("gru" if self.reset_after else "gru_before")


@op
def _gru(x: Any, u: Any, u_bias: Any, w: Any, w_bias: Any, *, every_step: bool, reset_after: bool) -> Any:
    trace = kernels.gru_forward(x, u, u_bias, w, w_bias, reset_after=reset_after)
    y = trace.h[1:].swapaxes(0, 1) if every_step else trace.h[-1]
    return y, lambda g: kernels.gru_backward(g, trace, x, u, w, every_step=every_step, reset_after=reset_after)
