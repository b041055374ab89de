"""The training loop: an iterator over arrays, in which asking for the next step makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from zen_core.autodiff import Array, Tensor, gradients
from zen_core.loss import Loss
from zen_core.optim import Constant, Optimizer, Schedule, clip
from zen_core.weights import Layout, Weighted


class Forward(Weighted, Protocol):
    """What the loop needs to know of a layer."""

    def forward(self, p: Mapping[str, Tensor], x: Tensor) -> Tensor: ...


class Step(NamedTuple):
    """What one step tells: its number (from 1), the epoch it belongs to (from 1), the mean loss of its batch before
    the update, the size of that batch, the norm of the gradient before clipping, and the learning rate it used."""

    number: int
    epoch: int
    loss: float
    batch: int
    norm: float
    rate: float


class Diverged(ArithmeticError):
    """A loss, gradient or weight stopped being finite; that update was not made, so every weight is still finite."""

    def __init__(self, step: int, layer: int, kind: str, rate: float) -> None:
        super().__init__(
            f"Diverged at step {step:,}, in layer {layer + 1} ({kind}), at a learning rate of {rate:.3g}. "
            "That update was not made: every weight is still finite. Lower the learning rate or clip the gradient."
        )
        self.step = step
        self.layer = layer
        self.kind = kind
        self.rate = rate


def forward(layers: Sequence[Forward], weights: Sequence[Mapping[str, Tensor]], x: Tensor) -> Tensor:
    """Send `x` (batch, …) through all layers."""
    for layer, p in zip(layers, weights, strict=True):
        x = layer.forward(p, x)
    return x


class Loop:
    """Gradient descent on pairs (x, y), one batch a step.

    x is (samples, …), y (samples, outputs). The samples are shuffled anew for each epoch by `generator`, or taken in
    order without one; the last batch of an epoch holds what is left. `optimizer`, `schedule`, `clip` and `epochs` may
    be replaced between steps, `batch_size` counts from the next epoch; `weights` is replaced whole by each step,
    never changed in place. Raises Diverged, from `next`, before an update that would spoil the weights.
    """

    def __init__(
        self,
        layers: Sequence[Forward],
        layout: Layout,
        weights: Array,
        x: Array,
        y: Array,
        *,
        loss: Loss,
        optimizer: Optimizer,
        schedule: Schedule | None = None,
        batch_size: int = 32,
        epochs: int = 1,
        clip: float = 0.0,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.layers = layers
        self.layout = layout
        self.weights = weights
        self.x = x
        self.y = y
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule or Constant()
        self.batch_size = batch_size
        self.epochs = epochs
        self.clip = clip
        self.step = 0
        self.epoch = 0
        self._memory = optimizer.first_memory(weights)
        self._generator = generator
        self._order: Array | None = None
        self._batch = batch_size
        self._position = 0

    @property
    def progress(self) -> float:
        """The share of the run that is done, 0 to 1."""
        return min(1.0, (self.epoch + self._position / len(self.x)) / self.epochs) if self.epochs else 1.0

    @property
    def total_steps(self) -> int:
        """The number of the last step, if nothing is changed until then."""
        each = -(-len(self.x) // self.batch_size)
        if not self._position:
            return self.step + each * max(0, self.epochs - self.epoch)
        rest = -(-(len(self.x) - self._position) // self._batch)
        return self.step + rest + each * max(0, self.epochs - self.epoch - 1)

    @property
    def done(self) -> bool:
        """Whether all epochs are behind."""
        return not self._position and self.epoch >= self.epochs

    def __iter__(self) -> Loop:
        return self

    def __next__(self) -> Step:
        if self.done:
            raise StopIteration
        if self._order is None:
            count = len(self.x)
            self._order = np.arange(count) if self._generator is None else self._generator.permutation(count)
        if not self._position:
            # An epoch begins with its first step that is made: one that diverged may be tried again otherwise.
            self._batch = self.batch_size
        rows = self._order[self._position : self._position + self._batch]
        rate = float(self.optimizer.lr * self.schedule.factor(self.progress))
        # Overflow is not an error in itself: what it leaves behind is looked for below.
        with np.errstate(all="ignore"):
            loss, weights, memory, norm = self._updated(self.x[rows], self.y[rows], rate)
        weights.flags.writeable = False
        self.weights, self._memory = weights, memory
        self.step += 1
        step = Step(self.step, self.epoch + 1, loss, len(rows), norm, rate)
        self._position += len(rows)
        if self._position >= len(self._order):
            self.epoch += 1
            self._position = 0
            self._order = None
        return step

    def _updated(self, x: Array, y: Array, rate: float) -> tuple[float, Array, tuple[Array, ...], float]:
        tensors = [{name: Tensor(w) for name, w in layer.items()} for layer in self.layout.split(self.weights)]
        flat = [tensor for layer in tensors for tensor in layer.values()]
        loss = self.loss(forward(self.layers, tensors, Tensor(x)), y)
        gradient = self.layout.join(gradients(loss, flat), self.weights.dtype)
        clipped, norm = clip(gradient, self.clip)
        weights, memory = self.optimizer.update(self.weights, clipped, rate, self.step + 1, self._memory)
        number = float(loss.value)
        if not (np.isfinite(number) and np.isfinite(gradient).all() and np.isfinite(weights).all()):
            layer = self._culprit(x, number, gradient, weights)
            raise Diverged(self.step + 1, layer, type(self.layers[layer]).__name__, rate)
        return number, weights, memory, norm

    def _culprit(self, x: Array, loss: float, gradient: Array, weights: Array) -> int:
        """The layer in which the first number that is not finite arose."""
        flow = Tensor(x)
        for index, (layer, p) in enumerate(zip(self.layers, self.layout.split(self.weights), strict=True)):
            flow = layer.forward({name: Tensor(w) for name, w in p.items()}, flow)
            if not np.isfinite(flow.value).all():
                return index
        if not np.isfinite(loss):
            return len(self.layers) - 1
        # Gradients flow from the last layer to the first: the last bad one arose first.
        bad = np.flatnonzero(~(np.isfinite(gradient) & np.isfinite(weights)))
        return self.layout.owner(int(bad[-1]))
