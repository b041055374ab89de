"""The deep-learning library of Zen Playground: small, readable, and enough to teach a network to continue a curve.

Modules: `autodiff`, `nn`, `loss` and `optim` build and train models by hand; `experiment`, `trainer` and `forecast` run
whole experiments; `session` does so on a thread.
"""

from zen_core.component import SpecError

__all__ = ["SpecError"]
