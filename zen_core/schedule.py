"""Schedules: the learning rate over a run.

A schedule is a pure function of how far the run has come: what it must remember from epoch to epoch is a few numbers,
which the caller keeps.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY

from zen_core.component import Component, hyper

State = tuple[float, ...]

WARM_FROM = 0.01
"""The share of the learning rate at which a warm-up begins: at 0, the first step would be lost."""


def _drop(default: float) -> float:
    share: float = hyper(
        default,
        0.01,
        1.0,
        log=True,
        live=True,
        label="Drop factor",
        help="What the learning rate is multiplied by at each drop.",
        usual="0.1 to 0.5",
        few="The first drop all but ends the training.",
        many="The drops change little.",
    )
    return share


class Schedule(Component, abstract=True):
    """How the learning rate changes over a run. A new schedule is a subclass with one method, `decay`.

    Every schedule can begin with a warm-up, in which the rate rises in a straight line; the decay begins after it.
    P. Goyal et al. (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour, arXiv:1706.02677, section 2.2.

    A schedule that looks at the loss also defines `first_state` and `after_epoch`. Its state is numbers only; the
    caller keeps it while the kind of the schedule stays the same, also where settings change.
    """

    _: KW_ONLY
    warmup: float = hyper(
        0.0,
        0.0,
        0.5,
        live=True,
        label="Warm-up",
        help="The share of the run in which the learning rate first rises to its full value.",
        usual="0 to 0.1",
        few="The first steps may throw the weights far.",
        many="Little of the run is left for the rest.",
    )

    def factor(self, progress: float, state: State = ()) -> float:
        """Return what the learning rate is multiplied by; `progress` is the share of the run that is done, 0 to 1.

        `state` is what `first_state` and then `after_epoch` of this kind returned; without one, it is the first.
        """
        warm = min(1.0, progress / self.warmup) if self.warmup else 1.0
        rest = min(1.0, max(0.0, progress - self.warmup) / (1 - self.warmup))
        return (WARM_FROM + (1 - WARM_FROM) * warm) * self.decay(rest, state or self.first_state())

    def decay(self, progress: float, state: State) -> float:
        """Return the share of the full learning rate; `progress` is the share, done, of the run after the warm-up."""
        raise AssertionError(f"{type(self).__name__} has no equation")

    def first_state(self) -> State:
        """The state before the first epoch."""
        return ()

    def after_epoch(self, state: State, loss: float) -> State:
        """Return the state after an epoch; `loss` is its validation loss, or its mean training loss where there is no
        validation part. It may be inf or NaN."""
        return state


class Constant(Schedule):
    """The same learning rate from first step to last: its factor is always = 1."""

    def decay(self, progress: float, state: State) -> float:
        return 1.0


class Step(Schedule):
    """Stages of equal length, each with the last one's rate times d: the factor is dᵏ in stage k = 0, 1, …

    K. He, X. Zhang, S. Ren and J. Sun (2016), Deep residual learning for image recognition, arXiv:1512.03385, section 4
    (the authors choose when to drop); StepLR in PyTorch.
    """

    stages: int = hyper(
        3,
        2,
        100,
        live=True,
        help="How many stages of equal length the run has.",
        usual="2 to 5",
        few="One drop, in the middle.",
        many="The rate is soon next to nothing.",
    )
    drop: float = _drop(0.1)

    def decay(self, progress: float, state: State) -> float:
        # A stage begins on time also where its beginning, such as 0.29 · 100, is rounded down.
        stage = math.floor(progress * self.stages + 1e-9)
        return self.drop ** min(stage, self.stages - 1)


class Cosine(Schedule):
    """Half a cosine from the full rate to a last one: f + (1 − f)(1 + cos πp) / 2 at progress p.

    I. Loshchilov and F. Hutter (2017), SGDR: stochastic gradient descent with warm restarts, arXiv:1608.03983, without
    the restarts.
    """

    final: float = hyper(
        0.0,
        0.0,
        1.0,
        live=True,
        label="Final share",
        help="The share f of the learning rate that is left at the end.",
        usual="0 to 0.1",
        few="The last steps settle.",
        many="Behaves like a constant rate.",
    )

    def decay(self, progress: float, state: State) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2


class OnPlateau(Schedule):
    """The rate drops when the loss no longer falls: η ← dη after n epochs without a loss below (1 − θ) · the best one.

    Keras and PyTorch call it ReduceLROnPlateau. The threshold θ is relative, as in PyTorch; the rate drops with the nth
    epoch that makes no progress, as in Keras (PyTorch waits for one more). Then n epochs are counted anew and the best
    loss stays, as in both. A loss that is not finite is no progress.
    """

    drop: float = _drop(0.5)
    patience: int = hyper(
        10,
        1,
        10_000,
        log=True,
        live=True,
        unit="epochs",
        help="How many epochs without progress are waited for.",
        usual="5 to 20",
        few="Chance alone makes the rate drop.",
        many="The rate never drops.",
    )
    threshold: float = hyper(
        1e-3,
        1e-6,
        0.5,
        log=True,
        live=True,
        help="The share by which a loss must be below the best one to count as progress.",
        usual="0.0001 to 0.01",
        few="Any tiny gain counts as progress.",
        many="Slow progress counts as none.",
    )
    least: float = hyper(
        0.01,
        0.0,
        1.0,
        live=True,
        label="Least share",
        help="The share of the learning rate that always stays.",
        usual="0 to 0.1",
        few="In the end nothing moves.",
        many="The rate hardly drops.",
    )

    @classmethod
    def title(cls) -> str:
        return "On plateau"

    def decay(self, progress: float, state: State) -> float:
        return max(self.least, state[0])

    def first_state(self) -> State:
        """The share of the rate, the best loss and the epochs waited: any finite loss is better than none."""
        return 1.0, math.inf, 0.0

    def after_epoch(self, state: State, loss: float) -> State:
        share, best, waited = state
        enough = best - self.threshold * abs(best) if best < math.inf else best
        if math.isfinite(loss) and loss < enough:
            return share, loss, 0.0
        if waited + 1 < self.patience:
            return share, best, waited + 1
        return max(self.least, share * self.drop), best, 0.0
