"""The trainer: an experiment becomes steps of training, and at any moment a picture of where it stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from zen_core.autodiff import Array
from zen_core.backend import NUMPY, compilers, kernels
from zen_core.component import Component, SpecError, from_plain, plain_value, to_plain
from zen_core.curve import Scaler, Series, windows
from zen_core.edits import edited, setting_at, value_at
from zen_core.experiment import Experiment
from zen_core.forecast import Baseline, Forecast, baselines, forecasting, predictions
from zen_core.history import Record, Trace
from zen_core.loop import Loop, Step
from zen_core.network import network
from zen_core.nn import generators

STOPS = ("target_loss", "seconds", "patience")
"""The settings that may end a run before its last epoch."""


GO_ON = "go_on"
"""The path of a change that is no setting's: the run went on although a stop condition had ended it."""


class Change(NamedTuple):
    """A live setting that was changed during a run: after how many steps, which, to what, and from what."""

    step: int
    path: str
    value: Any
    old: Any = None


def _plain(change: Change) -> dict[str, Any]:
    return {
        "step": change.step,
        "path": change.path,
        "value": plain_value(change.value),
        "old": plain_value(change.old),
    }


def _change(plain: Mapping[str, Any], experiment: Experiment) -> Change:
    path = str(plain["path"])
    value, old = plain["value"], plain["old"]
    if path != GO_ON:
        setting = setting_at(experiment, path)
        value, old = setting.accept(value), None if old is None else setting.accept(old)
    return Change(int(plain["step"]), path, value, old)


def _changes(plain: Sequence[Mapping[str, Any]], experiment: Experiment, *, made: bool) -> list[Change]:
    """Changes in their order; `made` ones have led to the experiment, others start from it."""
    found = []
    for each in reversed(plain) if made else plain:
        found.append(change := _change(each, experiment))
        if isinstance(change.value, Component):
            # Which settings there are is due to the kind.
            experiment = edited(experiment, change.path, change.old if made else change.value)
    return found[::-1] if made else found


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


class End(Enum):
    """Why a run ended."""

    EPOCHS = "epochs"
    TARGET = "target"
    SECONDS = "seconds"
    PATIENCE = "patience"


class Best(NamedTuple):
    """The weights with the least loss so far, at the end of an epoch: after how many steps, and that loss."""

    step: int
    loss: float
    weights: Array


@dataclass(frozen=True, eq=False)
class Frame:
    """An immutable picture of a run after `step` steps, sharing the run's history instead of copying it.

    `losses`, `rates` and `norms` have one number for each step: the mean loss of its batch before the update (in the
    network's units), the learning rate, and the gradient's norm before clipping. `validation_losses` were measured
    after the steps `validation_steps`, at the end of each epoch; after tens of thousands of epochs, each is the least
    of several, at the mean of their steps. `clipped` counts the steps whose gradient was clipped, `seconds` the time
    spent in all steps. `backend` is what computes the run, from its first step to its last. `forecast` may belong to
    an earlier step, which it names; `baselines` is empty until they have been made. `end` is why the run ended, None
    while it can go on.
    """

    experiment: Experiment
    series: Series
    step: int
    epoch: int
    total_steps: int
    losses: Trace
    rates: Trace
    norms: Trace
    validation_steps: Array
    validation_losses: Array
    clipped: int
    seconds: float
    changes: tuple[Change, ...]
    weights: Array
    best: Best | None
    backend: str
    forecast: Forecast | None
    baselines: tuple[Baseline, ...]
    end: End | None

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self.end is not None


class Trainer:
    """Trains an experiment; iterating makes steps. `changes` of an earlier run are made again at their steps.

    `backend` is "compiled" or "numpy"; without one, the compiled kernels are used if they are ready at the first step,
    and numpy otherwise, to the end of the run. `clock` tells seconds.

    Raises SpecError where the experiment cannot be trained, and from `next` Diverged (the step was not made; after a
    live change it may be tried again) and Interrupted (after `interrupt`; nothing was changed).
    """

    def __init__(
        self,
        experiment: Experiment,
        changes: Sequence[Change] = (),
        *,
        backend: str | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
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
        ahead = experiment.rollout
        learned = np.lib.stride_tricks.sliding_window_view(targets[:trained, 0], ahead)
        for_weights, self._for_order, self._for_chance = generators(experiment.seed)
        self._clock = clock
        self._backend = backend
        self._stop = np.zeros(1, np.uint8)
        found = network(experiment.layers, self.layout, experiment.dtype, kernels(backend or NUMPY, experiment.dtype))
        self._loop = Loop(
            found,
            self.layout.initial(for_weights, experiment.dtype, experiment.initial),
            inputs[: len(learned)],
            learned,
            loss=experiment.loss,
            optimizer=experiment.optimizer,
            schedule=experiment.schedule,
            batch_size=experiment.batch_size,
            epochs=experiment.epochs,
            clip=experiment.clip,
            rollout=ahead,
            growth=experiment.growth,
            noise=experiment.input_noise,
            order=self._for_order,
            chance=self._for_chance,
        )
        found.stop = self._stop
        self._replay = sorted(changes, key=lambda change: change.step)
        self._changes: tuple[Change, ...] = ()
        self._baselines: tuple[Baseline, ...] = ()
        self._losses, self._rates, self._norms = Record(), Record(), Record()
        self._validation_steps, self._validation_losses = Record(), Record()
        self._best: Best | None = None
        self._epoch_total = 0.0
        self._waited = 0
        self._clipped = 0
        self._seconds = 0.0
        self._seconds_before = 0.0
        self._reached = False
        self._end: End | None = None

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        while self._replay and self._replay[0].step <= self._loop.step:
            change = self._replay.pop(0)
            if change.path == GO_ON:
                self.go_on()
            else:
                self.retune(change.path, change.value)
        if self.end is not None:
            raise StopIteration
        self._choose_backend()
        ends = self._loop.ends_epoch
        before = self._loop.state() if ends and len(self._validation[0]) else None
        began = self._clock()
        step = next(self._loop)
        total = self._epoch_total + step.loss * step.batch
        judged = total / len(self._loop.x)
        if before is not None:
            try:
                judged = self._validation_loss()
            except BaseException:
                # The step belongs to what was broken off: it will be made again.
                self._loop.restore(*before)
                raise
        self._losses.append(step.loss)
        self._rates.append(step.rate)
        self._norms.append(step.norm)
        self._clipped += step.clipped
        self._epoch_total = total
        if ends:
            self._judge_epoch(step.number, judged)
        self._seconds += self._clock() - began
        if self._end is None and 0 < self.experiment.seconds <= self._seconds - self._seconds_before:
            self._end = End.SECONDS
        return step

    @property
    def step(self) -> int:
        """How many steps have been made."""
        return self._loop.step

    @property
    def backend(self) -> str:
        """What computes the run."""
        return self._loop.network.backend

    @property
    def end(self) -> End | None:
        """Why the run has ended; None while it can go on. More epochs, or `go_on`, let it go on."""
        if self._replay and self._replay[0].step <= self.step:
            return None
        return self._end or (End.EPOCHS if self._loop.done else None)

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self.end is not None

    @property
    def total_steps(self) -> int:
        """The number of the last step, if nothing is changed until then."""
        return self._loop.total_steps

    def interrupt(self) -> None:
        """Break off what is being computed, from any thread: it raises Interrupted, as will all until `resume`.

        On numpy, which cannot be broken off, this has no effect.
        """
        self._stop[0] = 1

    def resume(self) -> None:
        """Let steps and forecasts be made again after `interrupt`."""
        self._stop[0] = 0

    def go_on(self) -> None:
        """Let a run go on that its target, its time or its patience ended: they count anew from here."""
        self._changes += (Change(self.step, GO_ON, None),)
        self._stop_anew(reached=self._end is End.TARGET)

    def _stop_anew(self, *, reached: bool) -> None:
        self._reached = reached
        self._end = None
        self._waited = 0
        self._seconds_before = self._seconds

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
        if path in STOPS:
            self._stop_anew(reached=False)
        self.experiment = experiment
        self._loop.retune(experiment.optimizer, experiment.schedule)
        self._loop.clip = experiment.clip
        self._loop.batch_size = experiment.batch_size
        self._loop.epochs = experiment.epochs
        self._loop.growth = experiment.growth
        self._loop.noise = experiment.input_noise

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
            self._validation_steps.view.mean,
            self._validation_losses.view.low,
            self._clipped,
            self._seconds,
            self._changes,
            self._loop.weights,
            self._best,
            self.backend,
            forecast,
            self._baselines,
            self.end,
        )

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Everything the rest of the run depends on, and its past: arrays by name, and facts that JSON can hold."""
        arrays, facts = self._loop.state()
        for name, record in self._records().items():
            known = record.state()
            facts[name] = {"every": known["every"], "count": known["count"]}
            arrays |= {f"{name}.{part}": np.asarray(known[part]) for part in ("entries", "rest")}
        arrays["run"] = np.array([self._epoch_total, self._seconds, self._seconds_before])
        if self._best is not None:
            arrays["best.weights"], arrays["best.loss"] = self._best.weights, np.array([self._best.loss])
            facts["best"] = self._best.step
        facts |= {
            "experiment": to_plain(self.experiment),
            # A run that has not begun may still choose, unless it was told.
            "backend": self.backend if self.step else self._backend,
            "waited": self._waited,
            "clipped": self._clipped,
            "reached": self._reached,
            "end": self._end.value if self._end else None,
            "changes": [_plain(change) for change in self._changes],
            "awaited": [_plain(change) for change in self._replay],
        }
        return arrays, facts

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], facts: Mapping[str, Any], *, backend: str | None = None) -> Trainer:
        """A trainer that goes on from what `state` gave, bit for bit, on the backend of then.

        Another `backend` may be named where that is not to be had: the run then goes on with other roundings. Raises
        SpecError where the backend is missing, and where the parts do not fit each other.
        """
        try:
            trainer = cls(from_plain(Experiment, facts["experiment"]), backend=backend or facts["backend"])
            trainer._restore(arrays, facts)
        except SpecError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SpecError(f"The run lacks a part ({error}): the file is damaged. Use another.") from error
        return trainer

    def _restore(self, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
        self._loop.restore(arrays, facts)
        for name in self._records():
            parts = {part: arrays[f"{name}.{part}"] for part in ("entries", "rest")}
            setattr(self, f"_{name}", Record.from_state({**facts[name], **parts}))
        counts = {name: len(record.view) for name, record in self._records().items()}
        judged = counts.pop("validation_steps"), counts.pop("validation_losses")
        if set(counts.values()) != {self.step} or len(set(judged)) > 1 or arrays["run"].shape != (3,):
            raise SpecError("The histories of the run do not fit its steps: the file is damaged. Use another.")
        self._epoch_total, self._seconds, self._seconds_before = arrays["run"].tolist()
        if "best" in facts or "best.weights" in arrays:
            weights, (loss,) = arrays["best.weights"], arrays["best.loss"].tolist()
            known = self._loop.weights
            if (weights.shape, weights.dtype) != (known.shape, known.dtype) or not np.isfinite(weights).all():
                raise SpecError("The best weights do not fit the network: the file is damaged. Use another.")
            self._best = Best(int(facts["best"]), float(loss), weights)
        self._waited, self._clipped = int(facts["waited"]), int(facts["clipped"])
        self._reached = bool(facts["reached"])
        self._end = End(facts["end"]) if facts["end"] else None
        self._changes = tuple(_changes(facts["changes"], self.experiment, made=True))
        self._replay = _changes(facts["awaited"], self.experiment, made=False)

    def _records(self) -> dict[str, Record]:
        return {
            "losses": self._losses,
            "rates": self._rates,
            "norms": self._norms,
            "validation_steps": self._validation_steps,
            "validation_losses": self._validation_losses,
        }

    def forecasting(self) -> Iterator[Forecast | None]:
        """Make both forecasts with the weights of this moment, bit by bit; see `zen_core.forecast.forecasting`."""
        self._choose_backend()
        return forecasting(
            self._loop.network, self._loop.weights, self.series, self.scaler, self.experiment.beyond, self.step
        )

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

    def _choose_backend(self) -> None:
        """Take the compiled kernels if they are ready; a run that has begun keeps what it began with."""
        if self._backend is None and not self._loop.step and self.backend == NUMPY:
            found = compilers[self.experiment.dtype].load()
            self._loop.network = network(self.experiment.layers, self.layout, self.experiment.dtype, found)
            self._loop.network.stop = self._stop

    def _judge_epoch(self, step: int, loss: float) -> None:
        """Take in the loss at the end of an epoch: it may be the best, move the schedule, and end the run."""
        self._epoch_total = 0.0
        if len(self._validation[0]):
            self._validation_steps.append(step)
            self._validation_losses.append(loss)
        self._loop.observe(loss)
        self._waited += 1
        # Not a number is no loss to be better than.
        if self._best is None or loss < self._best.loss or self._best.loss != self._best.loss:
            self._best = Best(step, loss, self._loop.weights)
            self._waited = 0
        told = self.experiment
        if not self._reached and told.target_loss > 0 and loss <= told.target_loss:
            self._end = End.TARGET
        elif 0 < told.patience <= self._waited:
            self._loop.weights = self._best.weights
            self._end = End.PATIENCE

    def _validation_loss(self) -> float:
        inputs, targets = self._validation
        prediction = np.concatenate(list(predictions(self._loop.network, self._loop.weights, inputs)))
        with np.errstate(all="ignore"):
            return float(self.experiment.loss(prediction, targets).value)
