"""Optimizers: a gradient becomes a change of the weights; and schedules: the learning rate over a run.

An update rule is a pure function of arrays: it gets the weights w, their gradient g, the learning rate η, the number of
the step t (from 1) and its memory, and returns the new weights and the new memory. All the weights of a network come as
one vector, so every rule works element by element.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from zen_core.autodiff import Array
from zen_core.component import Component, hyper

Memory = tuple[Array, ...]


def _lr(default: float) -> float:
    rate: float = hyper(
        default,
        1e-7,
        10.0,
        log=True,
        live=True,
        label="Learning rate",
        help="How far each update moves the weights.",
        usual="0.0003 to 0.01",
        few="Learning crawls.",
        many="The loss jumps or diverges.",
    )
    return rate


def _decay(default: float, label: str, help: str) -> float:
    rate: float = hyper(
        default,
        0.0,
        0.99999,
        live=True,
        label=label,
        help=help,
        usual="0.9 to 0.999",
        few="Follows each batch.",
        many="Reacts late.",
    )
    return rate


def _epsilon(default: float) -> float:
    small: float = hyper(
        default,
        1e-16,
        1.0,
        log=True,
        live=True,
        help="Keeps the division away from zero.",
        usual="1e-8 to 1e-6",
        few="Single weights may leap.",
        many="Turns the rule into plain descent.",
    )
    return small


class Optimizer(Component, abstract=True):
    """A rule that turns gradients into new weights. A new optimizer is a subclass with one method, `update`."""

    lr: float = _lr(1e-3)
    memories: ClassVar[int] = 0
    """How many arrays, each the size of the weights and zero at first, the rule remembers between steps."""

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        """Return the new weights and memory; `w`, `g` and the arrays in `memory` have one shape and are not changed."""
        raise AssertionError(f"{type(self).__name__} has no update rule")

    def first_memory(self, w: Array) -> Memory:
        """The memory before the first step."""
        return tuple(np.zeros_like(w) for _ in range(self.memories))


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w − ηg.

    H. Robbins and S. Monro (1951), A stochastic approximation method, Annals of Mathematical Statistics 22(3).
    """

    lr: float = _lr(1e-2)

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        return w - lr * g, memory


class Momentum(Optimizer):
    """Gradient descent with momentum: v ← μv + ηg, w ← w − v. The learning rate stands inside the velocity.

    B.T. Polyak (1964), Some methods of speeding up the convergence of iteration methods, USSR Computational Mathematics
    and Mathematical Physics 4(5). Keras does the same; PyTorch multiplies by η outside, which differs while η changes.
    """

    lr: float = _lr(1e-2)
    momentum: float = _decay(0.9, "Momentum", "The share μ of its velocity that a weight keeps at each step.")
    memories = 1

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        (v,) = memory
        v = self.momentum * v + lr * g
        return w - v, (v,)


class RMSProp(Optimizer):
    """Steps divided by the running size of the gradient: s ← ρs + (1 − ρ)g², w ← w − ηg / √(s + ε).

    T. Tieleman and G. Hinton (2012), Lecture 6.5 of Neural networks for machine learning. The epsilon stands inside the
    root, as in Keras; PyTorch adds it outside.
    """

    lr: float = _lr(1e-3)
    rho: float = _decay(0.9, "Decay", "How slowly the running mean ρ of squared gradients forgets.")
    epsilon: float = _epsilon(1e-8)
    memories = 1

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        (s,) = memory
        s = self.rho * s + (1 - self.rho) * g * g
        return w - lr * g / np.sqrt(s + self.epsilon), (s,)


class Adam(Optimizer):
    """Momentum and running size together, each corrected for its start at zero.

    m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
    D.P. Kingma and J. Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980, algorithm 1.
    """

    lr: float = _lr(1e-3)
    beta1: float = _decay(0.9, "Beta 1", "How slowly the running mean β₁ of gradients forgets.")
    beta2: float = _decay(0.999, "Beta 2", "How slowly the running mean β₂ of squared gradients forgets.")
    epsilon: float = _epsilon(1e-8)
    memories = 2

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        m, v = memory
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        return w - lr * m_hat / (np.sqrt(v_hat) + self.epsilon), (m, v)


class Schedule(Component, abstract=True):
    """How the learning rate changes over a run. A new schedule is a subclass with one method, `factor`."""

    def factor(self, progress: float) -> float:
        """Return what the learning rate is multiplied by; `progress` is the share of the run that is done, 0 to 1."""
        raise AssertionError(f"{type(self).__name__} has no equation")


class Constant(Schedule):
    """The same learning rate from first step to last: its factor is always = 1."""

    def factor(self, progress: float) -> float:
        return 1.0


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

    def factor(self, progress: float) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def clip(g: Array, limit: float) -> tuple[Array, float]:
    """Return the gradient, scaled down to the norm `limit` where it is longer, and the norm before; 0 is no limit.

    R. Pascanu, T. Mikolov and Y. Bengio (2013), On the difficulty of training recurrent neural networks,
    arXiv:1211.5063, algorithm 1, over all weights together.
    """
    largest = float(np.abs(g).max(initial=0.0))
    # Squares of what has been divided by its largest entry cannot overflow.
    share = g / largest if 0 < largest < math.inf else g
    norm = largest * float(np.sqrt(share @ share)) if share is not g else largest
    return (g * (limit / norm), norm) if 0 < limit < norm < math.inf else (g, norm)
