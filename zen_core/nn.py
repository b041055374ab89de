"""Networks: layers put on one another, checked before training, and the model that trains them by hand."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Any, Literal, TextIO

import numpy as np
from tqdm import tqdm

from zen_core.autodiff import Array, Tensor
from zen_core.component import MOST_ENTRIES, Remedy, SpecError
from zen_core.layers import Layer, Linear, ReLU, Sigmoid, Softmax, Tanh
from zen_core.loop import Loop, forward
from zen_core.loss import MSE, Loss
from zen_core.optim import Optimizer, RMSProp, Schedule
from zen_core.recurrent import GRU, LSTM, RNN, Recurrent
from zen_core.weights import Layout, Shape

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Layer",
    "Linear",
    "Model",
    "ReLU",
    "Recurrent",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "check_stack",
    "generators",
]


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
