"""The training loop: an iterator over arrays, in which asking for the next step makes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zen_core import autodiff
from zen_core.autodiff import Array, Tensor, gradients
from zen_core.component import SpecError
from zen_core.loss import Loss
from zen_core.network import Network, Predict
from zen_core.optim import Optimizer, clip
from zen_core.schedule import Constant, Schedule


class Step(NamedTuple):
    """What one step tells: its number (from 1), the epoch it belongs to (from 1), the mean loss of its batch before
    the update, the size of that batch, the norm of the gradient before clipping, whether it was clipped, and the
    learning rate it used."""

    number: int
    epoch: int
    loss: float
    batch: int
    norm: float
    clipped: bool
    rate: float


class Diverged(ArithmeticError):
    """A loss, gradient or weight stopped being finite; that update was not made, so every weight is still finite."""

    def __init__(self, step: int, layer: int, kind: str, rate: float) -> None:
        where = f"layer {layer + 1} ({kind})" if kind else "the highway"
        super().__init__(
            f"Diverged at step {step:,}, in {where}, at a learning rate of {rate:.3g}. "
            "That update was not made: every weight is still finite. Lower the learning rate or clip the gradient."
        )
        self.step = step
        self.layer = layer
        self.kind = kind
        self.rate = rate


def rolled_out(network: Predict, x: Any, steps: int, mask: Array | None = None) -> Tensor:
    """Forecast `steps` numbers from windows x (batch, window, 1), each fed to the next: (batch, steps).

    The gradient flows through all of them. S. Bengio et al. (2015), Scheduled sampling for sequence prediction with
    recurrent neural networks, arXiv:1506.03099, tells what this is for; here all steps after the first are fed back.
    """
    made = [network(x, mask)]
    for _ in range(steps - 1):
        newest = autodiff.reshape(made[-1], shape=(len(x), 1, 1))
        rest = x[:, 1:]
        x = autodiff.concatenate([rest, newest], axis=1)
        made.append(network(x, mask))
    return made[0] if steps == 1 else autodiff.concatenate(made, axis=1)


class Loop:
    """Gradient descent on pairs (x, y), one batch a step.

    x is (samples, …), y (samples, outputs). The samples are shuffled anew for each epoch by `order`, or taken in order
    without one; the last batch of an epoch holds what is left. With a `rollout` of K, y is (samples, K): the network
    forecasts K numbers, fed its own, and learns from all of them; while the share `growth` of the run goes by, K grows
    from 1. `noise` is the standard deviation of what is added to x at each step. `chance` draws that, and what layers
    drop. All settings may be replaced between steps, `batch_size` counts from the next epoch; `weights` is replaced
    whole by each step, never changed in place.

    Raises Diverged, from `next`, before an update that would spoil the weights, and Interrupted where the network is
    told to stop: neither changes anything.
    """

    def __init__(
        self,
        network: Network,
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
        rollout: int = 1,
        growth: float = 0.0,
        noise: float = 0.0,
        order: np.random.Generator | None = None,
        chance: np.random.Generator | None = None,
    ) -> None:
        self.network = network
        self.x = x
        self.y = y
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule or Constant()
        self.batch_size = batch_size
        self.epochs = epochs
        self.clip = clip
        self.rollout = rollout
        self.growth = growth
        self.noise = noise
        self.step = 0
        self.epoch = 0
        self._weights = np.array(weights)
        self._memory = optimizer.first_memory(weights)
        self._schedule_state = self.schedule.first_state()
        self._for_order = order
        self._for_chance = chance
        self._order: Array | None = None
        self._batch = batch_size
        self._position = 0
        if (noise or network.masked) and chance is None:
            raise SpecError("Noise and dropout need random numbers. Give a generator as chance.")

    @property
    def weights(self) -> Array:
        """All weights as one vector, read-only."""
        view = self._weights.view()
        view.flags.writeable = False
        return view

    @weights.setter
    def weights(self, weights: Array) -> None:
        self._weights = np.array(weights)

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
    def ahead(self) -> int:
        """How many numbers the next step forecasts: the rollout K, or what it has grown to."""
        grown = min(1.0, self.progress / self.growth) if self.growth else 1.0
        return 1 + int((self.rollout - 1) * grown)

    @property
    def ends_epoch(self) -> bool:
        """Whether the next step is the last of its epoch."""
        return self._position + (self._batch if self._position else self.batch_size) >= len(self.x)

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
            self._order = np.arange(count) if self._for_order is None else self._for_order.permutation(count)
        if not self._position:
            # An epoch begins with its first step that is made: one that diverged may be tried again otherwise.
            self._batch = self.batch_size
        rows = self._order[self._position : self._position + self._batch]
        rate = float(self.optimizer.lr * self.schedule.factor(self.progress, self._schedule_state))
        chance = self._for_chance if self.noise or self.network.masked else None
        drawn = chance.bit_generator.state if chance is not None else {}
        try:
            # Overflow is not an error in itself: what it leaves behind is looked for below.
            with np.errstate(all="ignore"):
                loss, weights, memory, norm, clipped = self._updated(self.x[rows], self.y[rows], rate, chance)
        except BaseException:
            if chance is not None:
                # The step that was not made will be tried again.
                chance.bit_generator.state = drawn
            raise
        self._weights, self._memory = weights, memory
        self.step += 1
        step = Step(self.step, self.epoch + 1, loss, len(rows), norm, clipped, rate)
        self._position += len(rows)
        if self._position >= len(self._order):
            self.epoch += 1
            self._position = 0
            self._order = None
        return step

    def retune(self, optimizer: Optimizer, schedule: Schedule) -> None:
        """Go on with another learning rate, another setting of the optimizer, another schedule."""
        if type(schedule) is not type(self.schedule):
            self._schedule_state = schedule.first_state()
        self.optimizer, self.schedule = optimizer, schedule

    def observe(self, loss: float) -> None:
        """Tell the schedule the loss by which it judges the epoch that has ended."""
        self._schedule_state = self.schedule.after_epoch(self._schedule_state, loss)

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Everything that the next step depends on beside the settings: arrays, and facts that JSON can hold."""
        arrays = {"weights": self._weights, "schedule": np.array(self._schedule_state)}
        arrays |= {f"memory.{index}": memory for index, memory in enumerate(self._memory)}
        if self._order is not None:
            arrays["order"] = self._order
        facts = {
            "step": self.step,
            "epoch": self.epoch,
            "position": self._position,
            "batch": self._batch,
            "for_order": self._for_order.bit_generator.state if self._for_order else None,
            "for_chance": self._for_chance.bit_generator.state if self._for_chance else None,
        }
        return arrays, facts

    def restore(self, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; raises SpecError where it belongs to another run, and changes nothing then."""
        size, count = self._weights.shape, len(self.x)
        memory = tuple(arrays[f"memory.{index}"] for index in range(self.optimizer.memories))
        order, schedule = arrays.get("order"), arrays["schedule"]
        step, epoch, position, batch = (int(facts[name]) for name in ("step", "epoch", "position", "batch"))
        sound = (
            all(each.shape == size and each.dtype == self._weights.dtype for each in (arrays["weights"], *memory))
            and all(np.isfinite(each).all() for each in (arrays["weights"], *memory))
            and (order is None or (order.dtype == np.int64 and np.array_equal(np.sort(order), np.arange(count))))
            and schedule.shape == (len(self._schedule_state),)
            and min(step, epoch, position) >= 0
            and epoch <= step
            and (position == 0 if order is None else position < count)
            and batch >= 1
        )
        if not sound:
            raise SpecError("The numbers of the run do not fit its experiment: the file is damaged. Use another.")
        for generator, name in ((self._for_order, "for_order"), (self._for_chance, "for_chance")):
            if generator is not None:
                generator.bit_generator.state = facts[name]
        self._weights, self._memory = np.array(arrays["weights"]), memory
        self._schedule_state = tuple(schedule.tolist())
        self._order = order
        self.step, self.epoch, self._position, self._batch = step, epoch, position, batch

    def _updated(
        self, x: Array, y: Array, rate: float, chance: np.random.Generator | None
    ) -> tuple[float, Array, tuple[Array, ...], float, bool]:
        mask = None
        if chance is not None:
            if self.noise:
                x = x + chance.standard_normal(x.shape, x.dtype) * x.dtype.type(self.noise)
            mask = self.network.mask(chance, len(x))
        leaves, network = self.network.opened(self._weights)
        ahead = self.ahead
        loss = self.loss(rolled_out(network, x, ahead, mask), y[:, :ahead] if self.rollout > 1 else y)
        gradient = self.network.joined(gradients(loss, leaves))
        clipped, norm = clip(gradient, self.clip)
        weights, memory = self.optimizer.step(self._weights, clipped, rate, self.step + 1, self._memory)
        number = float(loss.value)
        # A sum of squares is finite only if all its terms are; where it overflows, look again. So is the norm.
        squares = [np.vdot(each, each) for each in (weights, *memory)]
        if not all(map(math.isfinite, (number, norm, *squares))):
            self._check(x, number, (gradient, weights, *memory), rate)
        return number, weights, memory, norm, clipped is not gradient

    def _check(self, x: Array, loss: float, made: Sequence[Array], rate: float) -> None:
        """Raise Diverged where the loss, the gradient, a weight or what the optimizer remembers is not finite."""
        good = np.logical_and.reduce([np.isfinite(each) for each in made])
        if math.isfinite(loss) and good.all():
            return
        layer = self._culprit(x, loss, good)
        layers = self.network.layers
        raise Diverged(self.step + 1, layer, type(layers[layer]).__name__ if layer < len(layers) else "", rate)

    def _culprit(self, x: Array, loss: float, good: Array) -> int:
        """The layer in which the first number that is not finite arose."""
        flow = Tensor(x)
        layout = self.network.layout
        for index, (layer, p) in enumerate(zip(self.network.layers, layout.split(self._weights), strict=False)):
            flow = layer.forward({name: Tensor(w) for name, w in p.items()}, flow)
            if not np.isfinite(flow.value).all():
                return index
        if layout.highway:
            beside = layout.split(self._weights)[-1]
            if not np.isfinite(x[:, -layout.highway :, 0] @ beside["weight"] + beside["bias"]).all():
                return layout.depth
        if not math.isfinite(loss):
            return layout.depth - 1
        # Gradients flow from the last layer to the first: the last bad one arose first.
        return layout.owner(int(np.flatnonzero(~good)[-1]))
