"""Twins of an experiment in PyTorch and JAX: the same network, weights and updates, as their own users write them.

Both take the windows of the rows that they are given, go forward and back, update the weights, and return the loss as a
Python number: what one step of a Trainer does. Both keep to one thread.
"""

import importlib.util
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from zen_core.autodiff import Array
from zen_core.curve import windows
from zen_core.nn import GRU, LSTM, RNN, Layer, Recurrent
from zen_core.optim import RMSProp
from zen_core.trainer import Trainer

Weights = Mapping[str, Any]


class Twin(Protocol):
    """What a benchmark needs to know of a twin."""

    module: ClassVar[str]

    def __init__(self, trainer: Trainer) -> None: ...

    def step(self, rows: Array) -> float: ...


def data(trainer: Trainer) -> tuple[Array, Array]:
    """The inputs (count, window, 1) and targets (count, 1) that a trainer trains on, in its type."""
    experiment, series = trainer.experiment, trainer.series
    scaled = series.scaler.forth(series.values[: series.train_end]).astype(experiment.dtype)
    inputs, targets = windows(scaled, experiment.window)
    return np.ascontiguousarray(inputs), np.ascontiguousarray(targets)


def installed() -> dict[str, type[Twin]]:
    """The twins whose library is there, by its name."""
    return {name: twin for name, twin in TWINS.items() if importlib.util.find_spec(twin.module)}


class TorchTwin:
    """In PyTorch, eager. Its RMSprop adds the epsilon outside of the root: small gradients move weights differently."""

    module: ClassVar[str] = "torch"

    def __init__(self, trainer: Trainer) -> None:
        import torch

        torch.set_num_threads(1)
        self._torch = torch
        self._layers = trainer.experiment.layers
        weights = trainer.layout.split(trainer.frame().weights)
        self._modules = [self._twins(layer, p) for layer, p in zip(self._layers, weights, strict=True)]
        self._x, self._y = (torch.from_numpy(array.copy()) for array in data(trainer))
        rule = trainer.experiment.optimizer
        assert isinstance(rule, RMSProp), rule
        parameters = [parameter for twins in self._modules for twin in twins for parameter in twin.parameters()]
        self._optimizer = torch.optim.RMSprop(parameters, lr=rule.lr, alpha=rule.rho, eps=rule.epsilon)

    def step(self, rows: Array) -> float:
        """Train on the windows `rows` (batch,); returns their loss before the update."""
        chosen = self._torch.from_numpy(rows)
        self._optimizer.zero_grad()
        loss = self._torch.nn.functional.mse_loss(self._forward(self._x[chosen]), self._y[chosen])
        loss.backward()
        self._optimizer.step()
        return float(loss.item())

    def _forward(self, x: Any) -> Any:
        for layer, (first, *readout) in zip(self._layers, self._modules, strict=True):
            if isinstance(layer, Recurrent):
                x, _ = first(x)
                x = x if layer.return_sequences else x[:, -1]
                for linear in readout:
                    x = linear(x)
            else:
                x = first(x)
        return x

    def _twins(self, layer: Layer, p: Weights) -> list[Any]:
        """The modules of one layer: the cell and its readout, or a linear map."""
        if not isinstance(layer, Recurrent):
            return [self._linear(p, "W")]
        kind = {RNN: "RNN", LSTM: "LSTM", GRU: "GRU"}[type(layer)]
        cell = getattr(self._torch.nn, kind)(len(p["U.weight"]), layer.hidden_dim, batch_first=True)
        with self._torch.no_grad():
            for theirs, ours in (("ih", "U"), ("hh", "W")):
                getattr(cell, f"weight_{theirs}_l0").copy_(self._torch.from_numpy(p[f"{ours}.weight"].T.copy()))
                getattr(cell, f"bias_{theirs}_l0").copy_(self._torch.from_numpy(p[f"{ours}.bias"].copy()))
        return [cell, self._linear(p, "V")] if "V.weight" in p else [cell]

    def _linear(self, p: Weights, name: str) -> Any:
        weight, bias = p[f"{name}.weight"], p[f"{name}.bias"]
        linear = self._torch.nn.Linear(*weight.shape)
        with self._torch.no_grad():
            linear.weight.copy_(self._torch.from_numpy(weight.T.copy()))
            linear.bias.copy_(self._torch.from_numpy(bias.copy()))
        return linear


class JaxTwin:
    """In JAX: the whole step is one compiled function, its loops over time are scans, and its weights are donated."""

    module: ClassVar[str] = "jax"

    def __init__(self, trainer: Trainer) -> None:
        # Read once, when jax is imported. The flag alone leaves the runtime a thread for each core.
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
        os.environ.setdefault("NPROC", "1")
        import jax

        self._jax = jax
        self._layers = trainer.experiment.layers
        self._rule = trainer.experiment.optimizer
        self._x, self._y = (jax.numpy.asarray(array) for array in data(trainer))
        weights = trainer.layout.split(trainer.frame().weights)
        self._weights = jax.tree.map(lambda w: jax.numpy.array(w, copy=True), weights)
        self._memory = jax.tree.map(jax.numpy.zeros_like, self._weights)
        self._updated = jax.jit(self._update, donate_argnums=(0, 1))

    def step(self, rows: Array) -> float:
        """Train on the windows `rows` (batch,); returns their loss before the update."""
        self._weights, self._memory, loss = self._updated(self._weights, self._memory, self._x, self._y, rows)
        return float(loss)

    def _update(self, weights: Any, memory: Any, x: Any, y: Any, rows: Any) -> tuple[Any, Any, Any]:
        rule, tree = self._rule, self._jax.tree
        assert isinstance(rule, RMSProp), rule
        loss, gradient = self._jax.value_and_grad(self._loss)(weights, x[rows], y[rows])
        memory = tree.map(lambda s, g: rule.rho * s + (1 - rule.rho) * g * g, memory, gradient)
        weights = tree.map(
            lambda w, g, s: w - rule.lr * g / self._jax.numpy.sqrt(s + rule.epsilon), weights, gradient, memory
        )
        return weights, memory, loss

    def _loss(self, weights: Sequence[Weights], x: Any, y: Any) -> Any:
        # Time first: a scan runs over the first axis.
        x = x.swapaxes(0, 1)
        for layer, p in zip(self._layers, weights, strict=True):
            if isinstance(layer, Recurrent):
                x = self._scanned(layer, p, x)
                if "V.weight" in p:
                    x = x @ p["V.weight"] + p["V.bias"]
            else:
                x = x @ p["W.weight"] + p["W.bias"]
        return ((x - y) ** 2).mean()

    def _scanned(self, layer: Recurrent, p: Weights, x: Any) -> Any:
        """All states (steps, batch, hidden) for x (steps, batch, features), or the last (batch, hidden)."""
        cell = {RNN: self._rnn, LSTM: self._lstm, GRU: self._gru}[type(layer)]

        def turn(state: Any, projected: Any) -> Any:
            state = cell(p, projected, state)
            return state, state[0] if layer.return_sequences else None

        zero = self._jax.numpy.zeros((x.shape[1], layer.hidden_dim), x.dtype)
        # The products with the inputs do not wait for one another: one for all steps.
        last, states = self._jax.lax.scan(turn, (zero,) * layer.state_parts, x @ p["U.weight"] + p["U.bias"])
        return states if layer.return_sequences else last[0]

    def _rnn(self, p: Weights, projected: Any, state: Any) -> tuple[Any, ...]:
        (h,) = state
        return (self._jax.numpy.tanh(projected + h @ p["W.weight"] + p["W.bias"]),)

    def _lstm(self, p: Weights, projected: Any, state: Any) -> tuple[Any, ...]:
        h, c = state
        i, f, g, o = self._jax.numpy.split(projected + h @ p["W.weight"] + p["W.bias"], 4, axis=1)
        sigmoid, tanh = self._jax.nn.sigmoid, self._jax.numpy.tanh
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    def _gru(self, p: Weights, projected: Any, state: Any) -> tuple[Any, ...]:
        (h,) = state
        split = self._jax.numpy.split
        (r, z, n), (w_r, w_z, w_n) = split(projected, 3, axis=1), split(h @ p["W.weight"] + p["W.bias"], 3, axis=1)
        r, z = self._jax.nn.sigmoid(r + w_r), self._jax.nn.sigmoid(z + w_z)
        n = self._jax.numpy.tanh(n + r * w_n)
        return ((1 - z) * n + z * h,)


TWINS: dict[str, type[Twin]] = {"PyTorch": TorchTwin, "JAX": JaxTwin}
