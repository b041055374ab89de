"""Networks: layers put on one another, checked before training, and the model that trains them by hand."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Any, Literal, TextIO

import numpy as np
from tqdm import tqdm

from zen_core.autodiff import Array, Tensor
from zen_core.backend import NUMPY, kernels
from zen_core.component import MOST_ENTRIES, Remedy, SpecError
from zen_core.layers import Dropout, Layer, Linear, ReLU, Sigmoid, Softmax, Tanh
from zen_core.loop import Loop
from zen_core.loss import MSE, Loss
from zen_core.network import Network, network
from zen_core.optim import Optimizer, RMSProp
from zen_core.recurrent import GRU, LSTM, RNN, Recurrent
from zen_core.schedule import Schedule
from zen_core.weights import Initial, Layout, Orthogonal, Shape, Uniform, Xavier

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Dropout",
    "Initial",
    "Layer",
    "Linear",
    "Model",
    "Orthogonal",
    "ReLU",
    "Recurrent",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Uniform",
    "Xavier",
    "check_stack",
    "generators",
]


def check_stack(layers: Sequence[Layer], shape: Shape, highway: int = 0) -> Layout:
    """Return the layout of a stack that turns a sample of `shape` (steps, features) into one number, with a highway of
    so many samples beside it, or as many as there are.

    Raises SpecError, with the layer's path and a remedy, for an empty stack, a recurrent layer that gets no sequence,
    a stack that ends in a sequence, and an output that is not one value or always the same.
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
    if isinstance(layers[last], Softmax):
        raise SpecError(
            f"The stack ends in {name}, which makes one value 1, whatever it was.",
            path=f"layers.{last}",
            remedy=Remedy("End in Linear with one unit", "layers", (*layers[:-1], Linear(1))),
        )
    return Layout(layers, shape, min(highway, shape[0])) if highway else layout


def generators(seed: int) -> tuple[np.random.Generator, np.random.Generator, np.random.Generator]:
    """Streams of random numbers for the first weights, for the order of the samples, and for what chance does in each
    step (noise, dropout), from one seed."""
    weights, order, chance = np.random.SeedSequence(seed).spawn(3)
    return np.random.default_rng(weights), np.random.default_rng(order), np.random.default_rng(chance)


class Model:
    """A stack of layers with its weights, which are drawn when the first input tells how many features it has.

    `backend` is "numpy", or "compiled" where the layers have compiled kernels; compiling them takes half a minute once.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        seed: int = 0,
        dtype: str = "float32",
        initial: Initial | None = None,
        backend: str = NUMPY,
    ) -> None:
        self.layers = tuple(layers)
        self.dtype = dtype
        self.vector: Array = np.empty(0, dtype)
        self._initial = initial
        self._backend = backend
        self._networks: dict[Shape, Network] = {}
        self._for_weights, self._for_order, self._for_chance = generators(seed)

    @property
    def weights(self) -> list[dict[str, Array]]:
        """The weights of each layer by name; empty before the first call."""
        for known in self._networks.values():
            return known.layout.split(self.vector)
        return [{} for _ in self.layers]

    def __call__(self, x: Any) -> Tensor:
        """Return the outputs for x, (batch, steps, features) or (batch, features), as a tensor (batch, …)."""
        inputs = self._input(x)
        return self._network(inputs).opened(self.vector)[1](inputs, None)

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
        loop = Loop(
            self._network(inputs),
            self.vector,
            inputs,
            targets,
            loss=loss_fn() if isinstance(loss_fn, type) else loss_fn,
            optimizer=optimizer or RMSProp(),
            schedule=schedule,
            batch_size=batch_size,
            epochs=epochs,
            clip=clip,
            order=self._for_order if shuffle else None,
            chance=self._for_chance,
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
        loop.observe(total / count)
        return total / count

    def _input(self, x: Any) -> Array:
        return np.asarray(x).astype(self.dtype, copy=False)

    def _network(self, inputs: Array) -> Network:
        """The network for samples of this shape; the first one tells how many weights there are."""
        if inputs.ndim not in (2, 3):
            raise SpecError(
                f"x has shape {inputs.shape}. Give (samples, steps, features), or (samples, features) where no layer "
                "reads a sequence."
            )
        shape = inputs.shape[1:]
        if shape not in self._networks:
            features = next((known[-1] for known in self._networks), shape[-1])
            if shape[-1] != features:
                raise SpecError(
                    f"x has {shape[-1]} features, the model was made for {features}. Make a new Model for it."
                )
            layout = Layout(self.layers, shape)
            if not self._networks:
                self.vector = layout.initial(self._for_weights, self.dtype, self._initial)
            self._networks[shape] = network(self.layers, layout, self.dtype, kernels(self._backend, self.dtype))
        return self._networks[shape]
