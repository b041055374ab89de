"""Optimizers: a gradient becomes a change of the weights.

An update rule is a pure function of arrays: it gets the weights w, their gradient g, the learning rate η, the number of
the step t (from 1) and its memory, and returns the new weights and the new memory. All the weights of a network come as
one vector, so every rule works element by element.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from itertools import accumulate
from operator import mul
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


def _weight_decay(default: float, help: str) -> float:
    decay: float = hyper(
        default,
        0.0,
        1.0,
        live=True,
        help=help + " Biases decay like all weights.",
        usual="0 to 0.01",
        few="Nothing holds the weights back.",
        many="The weights shrink to 0, and the forecast to a flat line.",
    )
    return decay


_BESIDE_THE_GRADIENT = "The share λ of itself, times the learning rate, that every weight loses at each step."


class Optimizer(Component, abstract=True):
    """A rule that turns gradients into new weights. A new optimizer is a subclass with one method, `update`."""

    lr: float = _lr(1e-3)
    _: KW_ONLY
    weight_decay: float = _weight_decay(0.0, "The share λ of every weight that is added to its gradient (L2 penalty).")
    memories: ClassVar[int] = 0
    """How many arrays, each the size of the weights and zero at first, the rule remembers between steps."""
    decoupled: ClassVar[bool] = False
    """Whether weight decay acts on the weights, w ← w − ηλw, and not on the gradient, g ← g + λw."""

    def step(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        """Return the new weights and memory by the rule and the weight decay: what a training loop calls.

        `w`, `g` and the arrays in `memory` have one shape and are not changed; `t` counts the steps from 1. A gradient
        that is to be clipped comes clipped: the decay has no part in its norm.
        """
        decay = self.weight_decay
        if not decay:
            return self.update(w, g, lr, t, memory)
        if not self.decoupled:
            return self.update(w, g + decay * w, lr, t, memory)
        moved, memory = self.update(w, g, lr, t, memory)
        return moved - (lr * decay) * w, memory

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        """Return the new weights and memory by the bare rule; weight decay is not its business (see `step`)."""
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
    """Gradient descent with momentum: v ← μv + ηg, w ← w − v; Nesterov's: w ← w − (μv + ηg), with the new v.

    B.T. Polyak (1964), Some methods of speeding up the convergence of iteration methods, USSR Computational Mathematics
    and Mathematical Physics 4(5). Y. Nesterov (1983), A method for solving the convex programming problem with
    convergence rate O(1/k²), Soviet Mathematics Doklady 27(2), as in I. Sutskever et al. (2013), On the importance of
    initialization and momentum in deep learning, ICML, with w standing for the point that the momentum leads to.

    The learning rate stands inside the velocity, as in Keras; PyTorch has it outside, which differs while η changes.
    """

    lr: float = _lr(1e-2)
    momentum: float = _decay(0.9, "Momentum", "The share μ of its velocity that a weight keeps at each step.")
    nesterov: bool = hyper(False, live=True, help="Take the gradient where the momentum leads to: it brakes in time.")
    memories = 1

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        (v,) = memory
        push = lr * g
        v = self.momentum * v + push
        return w - (self.momentum * v + push if self.nesterov else v), (v,)


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


class Adagrad(Optimizer):
    """Steps divided by the size of all gradients so far: s ← s + g², w ← w − ηg / √(s₀ + s).

    J. Duchi, E. Hazan and Y. Singer (2011), Adaptive subgradient methods for online learning and stochastic
    optimization, Journal of Machine Learning Research 12. The constant s₀ stands inside the root: it is Keras's initial
    accumulator and its epsilon in one. The paper and PyTorch add a small constant outside the root.
    """

    lr: float = _lr(1e-2)
    initial: float = hyper(
        0.1,
        1e-16,
        100.0,
        log=True,
        live=True,
        label="Initial accumulator",
        help="What the sum s₀ of squared gradients starts from.",
        usual="0.01 to 1",
        few="Each weight's first step has the full rate's length, however small its gradient.",
        many="The first steps are short.",
    )
    memories = 1

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        (s,) = memory
        s = s + g * g
        return w - lr * g / np.sqrt(self.initial + s), (s,)


class Adam(Optimizer):
    """Momentum and running size together, each corrected for its start at zero.

    m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
    D.P. Kingma and J. Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980, algorithm 1. Keras takes
    the paper's other form, in which ε is added to √v before its correction: a larger ε in the first steps.
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
        # √v̂ = √v / c: both corrections are moved into η and ε, which are numbers, not arrays.
        c = math.sqrt(1 - self.beta2**t)
        return w - (lr * c / (1 - self.beta1**t)) * m / (np.sqrt(v) + c * self.epsilon), (m, v)


class AdamW(Adam):
    """Adam with decoupled weight decay: w ← w − η m̂ / (√v̂ + ε) − ηλw, with m̂ and v̂ as in Adam.

    I. Loshchilov and F. Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101, algorithm 2. The decay
    is multiplied by the learning rate, as in PyTorch and Keras; in the paper by the schedule's factor alone.
    """

    _: KW_ONLY
    weight_decay: float = _weight_decay(0.01, _BESIDE_THE_GRADIENT)
    decoupled = True


# Π (1 − ½ · 0.96ⁱ) for i = 1 … t; past the last entry, the factors are 1 to 16 digits.
_SLOW_STARTS = tuple(accumulate((1 - 0.96**i / 2 for i in range(1, 1000)), mul))


class Nadam(Adam):
    """Adam with Nesterov's momentum: w ← w − η m̂ / (√v̂ + ε), where m̂ looks one step ahead.

    m̂ = μₜ₊₁m / (1 − Πₜ₊₁) + (1 − μₜ)g / (1 − Πₜ), with m, v and v̂ as in Adam, μₜ = β₁(1 − ½ · 0.96ᵗ), Πₜ = μ₁ · … · μₜ.
    T. Dozat (2016), Incorporating Nesterov momentum into Adam, ICLR workshop. The momentum schedule μₜ is Keras's: over
    after about 100 steps, in the paper and in PyTorch 250 times slower; it has no part in m, as in both, but not in the
    paper. A β₁ that is changed during the run counts in Πₜ as if it had always been so.
    """

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        m, v = memory
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        now = self.beta1 * (1 - 0.96**t / 2)
        ahead = self.beta1 * (1 - 0.96 ** (t + 1) / 2)
        product = self.beta1**t * _SLOW_STARTS[min(t, len(_SLOW_STARTS)) - 1]
        c = math.sqrt(1 - self.beta2**t)
        m_hat = (lr * c * ahead / (1 - product * ahead)) * m + (lr * c * (1 - now) / (1 - product)) * g
        return w - m_hat / (np.sqrt(v) + c * self.epsilon), (m, v)


class Lion(Optimizer):
    """Steps of one length, by sign: w ← w − η sign(β₁m + (1 − β₁)g) − ηλw, m ← β₂m + (1 − β₂)g.

    X. Chen et al. (2023), Symbolic discovery of optimization algorithms, arXiv:2302.06675, algorithm 2. Every weight
    moves by η at each step: take a third to a tenth of Adam's learning rate, and 3 to 10 times AdamW's weight decay.
    """

    lr: float = _lr(1e-4)
    beta1: float = _decay(
        0.9, "Beta 1", "The share β₁ of the running mean in a step's direction; the gradient has the rest."
    )
    beta2: float = _decay(0.99, "Beta 2", "How slowly the running mean β₂ of gradients forgets.")
    _: KW_ONLY
    weight_decay: float = _weight_decay(0.0, _BESIDE_THE_GRADIENT)
    memories = 1
    decoupled = True

    def update(self, w: Array, g: Array, lr: float, t: int, memory: Memory) -> tuple[Array, Memory]:
        (m,) = memory
        direction = np.sign(self.beta1 * m + (1 - self.beta1) * g)
        return w - lr * direction, (self.beta2 * m + (1 - self.beta2) * g,)


# Below it, squares in float32 have lost digits.
_LEAST_SQUARE = 1e-30


def clip(g: Array, limit: float) -> tuple[Array, float]:
    """Return the gradient, scaled down to the norm `limit` where it is longer, and the norm before; 0 is no limit.

    A gradient that is not finite is returned as it is, with a norm that is not finite either.
    R. Pascanu, T. Mikolov and Y. Bengio (2013), On the difficulty of training recurrent neural networks,
    arXiv:1211.5063, algorithm 1, over all weights together.
    """
    scaled, largest = g, 1.0
    # Unlike other products, `vdot` does not warn of an overflow: it is looked for here.
    square = float(np.vdot(g, g))
    if not _LEAST_SQUARE < square < math.inf:
        largest = float(np.abs(g).max(initial=0.0))
        if not 0 < largest < math.inf:
            return g, largest
        # Squares of what has been divided by its largest entry cannot overflow.
        scaled = g / largest
        square = float(np.vdot(scaled, scaled))
    length = math.sqrt(square)
    norm = largest * length
    return (scaled * (limit / length), norm) if 0 < limit < norm else (g, norm)
