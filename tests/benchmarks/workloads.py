"""Workloads: the seed model and its variations, each with one thing changed, and the operations that they take."""

import math
from dataclasses import dataclass

from zen_core.backend import NUMPY, compilers
from zen_core.curve import Formula, Unscaled
from zen_core.experiment import Experiment
from zen_core.nn import GRU, LSTM, RNN, Linear, Recurrent
from zen_core.optim import RMSProp
from zen_core.schedule import Constant
from zen_core.trainer import Trainer


@dataclass(frozen=True)
class Workload:
    """The seed model, or it with another cell, hidden size of both recurrent layers, window or batch.

    There are 50 windows for a batch of 8, and as many more as the batch is larger: an epoch is always six batches and
    a quarter, thus seven steps.
    """

    cell: type[Recurrent] = RNN
    hidden: int = 32
    window: int = 50
    batch: int = 8

    @property
    def windows(self) -> int:
        return 50 * self.batch // 8

    def experiment(self) -> Experiment:
        return Experiment(
            curve=Formula(expression="sin(x)", step=1.0),
            window=self.window,
            samples=self.window + self.windows,
            validation=0.0,
            test=0.0,
            scaling=Unscaled(),
            layers=(
                self.cell(32, hidden_dim=self.hidden, return_sequences=True),
                self.cell(hidden_dim=self.hidden),
                Linear(8),
                Linear(1),
            ),
            optimizer=RMSProp(lr=0.0005),
            schedule=Constant(),
            batch_size=self.batch,
            epochs=1_000_000,
            # Said outright: should the program's defaults change, this is still the seed model.
            highway=0,
            rollout=1,
            input_noise=0.0,
            clip=0.0,
            dtype="float32",
        )


SEED = Workload()
WORKLOADS = {
    "seed": SEED,
    "hidden-16": Workload(hidden=16),
    "hidden-64": Workload(hidden=64),
    "hidden-128": Workload(hidden=128),
    "hidden-256": Workload(hidden=256),
    "window-10": Workload(window=10),
    "window-200": Workload(window=200),
    "window-1000": Workload(window=1000),
    "batch-64": Workload(batch=64),
    "batch-512": Workload(batch=512),
    "lstm": Workload(cell=LSTM),
    "gru": Workload(cell=GRU),
}


def ready(experiment: Experiment) -> Trainer:
    """A trainer on the fastest backend there is, compiled first where need be."""
    compilers[experiment.dtype].load(wait=True)
    return Trainer(experiment)


def backend(trainer: Trainer) -> str:
    """What a trainer computes with, and why where it is not compiled."""
    trouble = compilers[trainer.experiment.dtype].trouble
    return f"{trainer.backend}: {trouble}" if trouble and trainer.backend == NUMPY else trainer.backend


def flops(trainer: Trainer) -> int:
    """The floating-point operations of the matrix products that one window needs, forward and back.

    A product takes two for each of its weights and time steps, and there are three: forward, the gradient by its
    weights, and the gradient by its input. The last is not needed by the series, and not by a first state of zero.
    """
    layout, layers = trainer.layout, trainer.experiment.layers
    steps = [shape[0] if len(shape) == 2 else 1 for shape in (layout.shape, *layout.shapes)]
    total = 0
    for part in layout.parts:
        if part.name.endswith(".weight"):
            once = 2 * math.prod(part.weight.shape)
            total += 3 * once * steps[part.layer]
            recurrent = isinstance(layers[part.layer], Recurrent)
            if recurrent and part.name == "W.weight":
                total -= once
            elif part.layer == 0 and part.name == ("U.weight" if recurrent else "W.weight"):
                total -= once * steps[0]
    return total
