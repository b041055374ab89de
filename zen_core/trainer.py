"""The trainer: an experiment becomes steps of training, and at any moment a picture of where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zen_core.autodiff import Array
from zen_core.component import SpecError
from zen_core.curve import Scaler, Series, windows
from zen_core.edits import edited, setting_at, value_at
from zen_core.experiment import Experiment
from zen_core.forecast import Baseline, Forecast, Network, baselines, forecasting
from zen_core.loop import Loop, Step
from zen_core.nn import generators


class Change(NamedTuple):
    """A live setting that was changed during a run: after how many steps, which, to what, and from what."""

    step: int
    path: str
    value: Any
    old: Any = None


def retuned(experiment: Experiment, path: str, value: Any) -> Experiment:
    """Return the experiment with a live setting changed.

    Raises SpecError for a setting that is not live, and a value that does not fit.
    """
    setting = setting_at(experiment, path)
    if not setting.live:
        raise SpecError(f"{setting.label} cannot change during a run. Restart to use it.", path=path)
    changed = edited(experiment, path, value)
    changed.layout()
    return changed


class Record:
    """Numbers that are only ever appended. A view taken earlier stays as it was, and costs nothing."""

    def __init__(self) -> None:
        self._numbers = np.empty(1024)
        self._count = 0

    def append(self, number: float) -> None:
        if self._count == len(self._numbers):
            # A new array, never a resized one: earlier views go on holding the old.
            self._numbers = np.concatenate([self._numbers, np.empty(self._count)])
        self._numbers[self._count] = number
        self._count += 1

    @property
    def view(self) -> Array:
        """All numbers so far, float64, read-only."""
        view = self._numbers[: self._count]
        view.flags.writeable = False
        return view


@dataclass(frozen=True, eq=False)
class Frame:
    """An immutable picture of a run after `step` steps, sharing the run's history instead of copying it.

    `losses`, `rates` and `norms` have one entry for each step: the mean loss of its batch before the update (in the
    network's units), the learning rate, and the gradient's norm before clipping. `validation_losses` were measured
    after the steps `validation_steps`, at the end of each epoch. `forecast` may belong to an earlier step, which it
    names; `baselines` is empty until they have been made.
    """

    experiment: Experiment
    series: Series
    step: int
    epoch: int
    total_steps: int
    losses: Array
    rates: Array
    norms: Array
    validation_steps: Array
    validation_losses: Array
    changes: tuple[Change, ...]
    weights: Array
    forecast: Forecast | None
    baselines: tuple[Baseline, ...]
    done: bool


class Trainer:
    """Trains an experiment; iterating makes steps. `changes` of an earlier run are made again at their steps.

    Raises SpecError where the experiment cannot be trained, and Diverged from `next` (the step was not made; after a
    live change it may be tried again).
    """

    def __init__(self, experiment: Experiment, changes: Sequence[Change] = ()) -> None:
        self.experiment = experiment
        self.series = experiment.series()
        self.layout = experiment.layout()
        self.scaler: Scaler = self.series.scaler
        scaled = self.scaler.forth(self.series.values).astype(experiment.dtype)
        inputs, targets = windows(scaled, experiment.window)
        # The target of input i is sample i + window: the parts of the split, in window numbers.
        trained = self.series.train_end - experiment.window
        validated = self.series.test_start - experiment.window
        self._validation = inputs[trained:validated], targets[trained:validated]
        for_weights, for_order = generators(experiment.seed)
        self._loop = Loop(
            experiment.layers,
            self.layout,
            self.layout.initial(for_weights, experiment.dtype),
            inputs[:trained],
            targets[:trained],
            loss=experiment.loss,
            optimizer=experiment.optimizer,
            schedule=experiment.schedule,
            batch_size=experiment.batch_size,
            epochs=experiment.epochs,
            clip=experiment.clip,
            generator=for_order,
        )
        self._replay = sorted(changes, key=lambda change: change.step)
        self._changes: tuple[Change, ...] = ()
        self._baselines: tuple[Baseline, ...] = ()
        self._losses, self._rates, self._norms = Record(), Record(), Record()
        self._validation_steps, self._validation_losses = Record(), Record()

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        while self._replay and self._replay[0].step <= self._loop.step:
            change = self._replay.pop(0)
            self.retune(change.path, change.value)
        epoch = self._loop.epoch
        step = next(self._loop)
        self._losses.append(step.loss)
        self._rates.append(step.rate)
        self._norms.append(step.norm)
        if self._loop.epoch > epoch and len(self._validation[0]):
            self._validation_steps.append(step.number)
            self._validation_losses.append(self._validation_loss())
        return step

    @property
    def step(self) -> int:
        """How many steps have been made."""
        return self._loop.step

    @property
    def done(self) -> bool:
        """Whether all epochs are behind. More epochs (a live setting) let it go on."""
        awaited = bool(self._replay) and self._replay[0].step <= self.step
        return self._loop.done and not awaited

    @property
    def total_steps(self) -> int:
        """The number of the last step, if nothing is changed until then."""
        return self._loop.total_steps

    def retune(self, path: str, value: Any) -> None:
        """Change a live setting: from the next step, the batch size from the next epoch; raises as `retuned`."""
        experiment = retuned(self.experiment, path, value)
        old = value_at(self.experiment, path)
        if path == "beyond":
            # It only says how far pictures look ahead; the run itself does not know it.
            self.series = experiment.series()
            self._baselines = ()
        else:
            self._changes += (Change(self.step, path, value_at(experiment, path), old),)
        self.experiment = experiment
        self._loop.optimizer = experiment.optimizer
        self._loop.schedule = experiment.schedule
        self._loop.clip = experiment.clip
        self._loop.batch_size = experiment.batch_size
        self._loop.epochs = experiment.epochs

    def frame(self, forecast: Forecast | None = None) -> Frame:
        """Return a picture of this moment, with the latest forecast there is."""
        return Frame(
            self.experiment,
            self.series,
            self._loop.step,
            self._loop.epoch,
            self._loop.total_steps,
            self._losses.view,
            self._rates.view,
            self._norms.view,
            self._validation_steps.view,
            self._validation_losses.view,
            self._changes,
            self._loop.weights,
            forecast,
            self._baselines,
            self.done,
        )

    def forecasting(self) -> Iterator[Forecast | None]:
        """Make both forecasts with the weights of this moment, bit by bit; see `zen_core.forecast.forecasting`."""
        return forecasting(self._network(), self.series, self.scaler, self.experiment.beyond, self.step)

    def forecast(self) -> Forecast:
        """Make both forecasts with the weights of this moment."""
        *_, made = self.forecasting()
        assert made is not None
        return made

    def baselines(self) -> tuple[Baseline, ...]:
        """What rules without a network forecast for the same series; made once."""
        if not self._baselines:
            self._baselines = baselines(self.series, self.experiment.beyond)
        return self._baselines

    def _network(self) -> Network:
        return Network(self.experiment.layers, self.layout, self._loop.weights)

    def _validation_loss(self) -> float:
        inputs, targets = self._validation
        prediction = np.concatenate(list(self._network().predict_all(inputs)))
        with np.errstate(all="ignore"):
            return float(self.experiment.loss(prediction, targets).value)
