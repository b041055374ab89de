"""What the tests of the core share: small experiments, and registries that forget what a test defines."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from zen_core.backend import Compiler, Kernels, compilers
from zen_core.component import Component
from zen_core.curve import Formula
from zen_core.experiment import Experiment
from zen_core.loss import MSE
from zen_core.nn import RNN, Linear, Uniform
from zen_core.optim import Adam
from zen_core.schedule import Cosine

FAMILIES = tuple(Component.families)
"""Those of the program: no test has defined one yet."""


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Families and kinds that the test defines are known until it ends."""
    monkeypatch.setattr(Component, "families", list(Component.families))
    for family in FAMILIES:
        monkeypatch.setattr(family, "kinds", dict(family.kinds))


@pytest.fixture
def tiny() -> Experiment:
    """An experiment of 4 epochs of 5 steps each: 31 training windows of 5 samples, the last batch of 3.

    What it does not name has no part in a run, or is what the tests vary.
    """
    return Experiment(
        curve=Formula(expression="sin(x)", step=0.5),
        samples=60,
        window=5,
        layers=(RNN(hidden_dim=4), Linear(1)),
        highway=0,
        initial=Uniform(),
        optimizer=Adam(lr=0.003),
        schedule=Cosine(),
        loss=MSE(),
        input_noise=0.0,
        batch_size=7,
        epochs=4,
        beyond=10,
        seed=3,
    )


class Given(Compiler):
    """A compiler with these kernels."""

    def __init__(self, dtype: str, given: Kernels) -> None:
        super().__init__(dtype)
        self.given = given

    def load(self, wait: bool = False) -> Kernels | None:
        return self.given


Before = Callable[[str, tuple[Any, ...]], object]


@pytest.fixture
def through(kernels: Mapping[str, Kernels], monkeypatch: pytest.MonkeyPatch) -> Callable[[Before], None]:
    """Lets every call of a compiled kernel, in float32, pass through `before(name, arguments)`."""

    def set_up(before: Before) -> None:
        def watched(name: str) -> Callable[..., None]:
            def call(*arguments: Any) -> None:
                before(name, arguments)
                getattr(kernels["float32"], name)(*arguments)

            return call

        monkeypatch.setitem(compilers, "float32", Given("float32", Kernels(*map(watched, Kernels._fields))))

    return set_up
