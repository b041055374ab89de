"""The curve suite: one recipe on many curves; how far each free run holds, beside rules that need no network."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from zen_core.autodiff import Array
from zen_core.component import SpecError, suggestion
from zen_core.curve import RECORDINGS, Formula, Recorded, Series
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.forecast import TOLERANCE
from zen_core.trainer import Trainer

Edits = Mapping[str, Any]
"""Values by the paths of an experiment's settings."""

AHEAD = 600
"""A free run has succeeded where it is valid for so many steps."""

HORIZONS = (1, 10, 100, AHEAD)
"""At which steps of a free run its error is told."""

STRETCH = 25
"""Over how many samples a running error is taken: at a single one, it would be a matter of luck."""


def _formula(expression: str, step: float, **more: Any) -> Edits:
    return {"curve": Formula(expression, step=step), **more}


FORMULAS: Mapping[str, Edits] = MappingProxyType(
    {
        "sine": _formula("sin(x)", 0.25),
        "product": _formula("sin(x)*cos(x)", 0.125),
        "two-sines": _formula("sin(x) + sin(1.3x)", 0.25),
        "damped": _formula("exp(-x/40)*sin(x)", 0.25),
        "growing": _formula("x*sin(x)", 0.25),
        "square": _formula("square(x)", 0.25),
        "sawtooth": _formula("saw(x)", 0.25),
        "rectified": _formula("abs(sin(x))", 0.125),
        "modulated": _formula("(1 + 0.5cos(x/4))*sin(x)", 0.25),
        "chirp": _formula("sin(x + 0.002x^2)", 0.25),
        "noisy": _formula("sin(x)", 0.25, noise=0.1),
        "logistic": _formula("1/(1 + exp(5 - x/8))", 0.25),
    }
)
"""Twelve curves that are known beyond the data."""

CURVES: Mapping[str, Edits] = MappingProxyType({**FORMULAS, **{name: {"curve": Recorded(name)} for name in RECORDINGS}})
"""The suite: the formulas, and the recordings that ship."""

TUNED: Mapping[str, Edits] = MappingProxyType(
    {
        # Nearly a linear recurrence, learned to the last digit: a growing swing leaves whatever bends behind.
        "growing": {"layers.0.hidden_dim": 1, "optimizer.lr": 0.01, "input_noise": 0.0, "epochs": 2200},
    }
)
"""What is changed beside the curve where another recipe does better than the common one."""


def _variant(window: int = 50, highway: int = 0, rollout: int = 1, input_noise: float = 0.0) -> Edits:
    return {"window": window, "highway": highway, "rollout": rollout, "input_noise": input_noise}


VARIANTS: Mapping[str, Edits] = MappingProxyType(
    {
        "window 25": _variant(window=25),
        "window 50": _variant(),
        "window 50, input noise 0.02": _variant(input_noise=0.02),
        "window 50, rollout 4": _variant(rollout=4),
        "window 50, highway 25": _variant(highway=25),
        "window 50, highway 50": _variant(highway=50),
        "window 50, highway 50, input noise 0.02": _variant(highway=50, input_noise=0.02),
        "window 50, highway 50, rollout 4": _variant(highway=50, rollout=4),
    }
)
"""Recipes side by side: what each is called, and what it changes."""


def titled(name: str) -> str:
    """A curve of the suite with its formula, in Markdown."""
    edits = CURVES[name]
    formula = f" `{edits['curve'].expression}`" if isinstance(edits["curve"], Formula) else ""
    noise = f", noise {edits['noise']:g}" if "noise" in edits else ""
    return name + formula + noise


def on_curve(name: str, recipe: Experiment, more: Edits | None = None) -> Experiment:
    """The recipe on a curve of the suite, with its free run going `AHEAD` beyond the data, and `more` changed.

    Raises SpecError for a name that is not in the suite, and for changes that do not fit.
    """
    if name not in CURVES:
        raise SpecError(
            f"There is no curve {name!r} in the suite.{suggestion(name, CURVES)} Known: {', '.join(CURVES)}."
        )
    experiment = edited(recipe, "beyond", max(AHEAD, recipe.beyond))
    for path, value in {**CURVES[name], **(more or {})}.items():
        experiment = edited(experiment, path, value)
    return experiment


@dataclass(frozen=True)
class Score:
    """How well a forecast that is fed itself follows the truth, which is known for its first `known` steps.

    `valid` counts the steps before the first error above a fifth of the curve's amplitude. `useful` counts those before
    the RMS error over the last 25 samples passes half the standard deviation of the training part; samples before the
    forecast's first have no error. `errors`, one for each of `HORIZONS`, are RMS errors over the 25 steps up to the
    horizon (over all of them, where they are fewer), as a share of the amplitude; None beyond what is known.
    """

    known: int
    valid: int
    useful: int
    errors: tuple[float | None, ...]

    @property
    def to_end(self) -> bool:
        """Whether the forecast is valid as far as the truth is known."""
        return self.valid == self.known


def scored(run: Array, series: Series) -> Score:
    """Score a forecast (m,) that stands at the samples test_start, test_start + 1, …, in the curve's units."""
    truth = series.truth[series.test_start :]
    known = min(len(run), len(truth))
    with np.errstate(all="ignore"):
        wrong = run[:known] - truth[:known]
        before = np.concatenate([np.zeros(STRETCH - 1), wrong**2])
        running = np.sqrt(np.lib.stride_tricks.sliding_window_view(before, STRETCH).mean(axis=1)) if known else wrong
        deviation = float(series.truth[: series.train_end].std())
        return Score(
            known,
            valid=_steps_within(np.abs(wrong), TOLERANCE * series.amplitude),
            useful=_steps_within(running, deviation / 2),
            errors=tuple(
                _rms(wrong[max(0, h - STRETCH) : h] / series.amplitude) if h <= known else None for h in HORIZONS
            ),
        )


def _steps_within(errors: Array, limit: float) -> int:
    """How many steps there are before the first error above the limit, or the first that is not a number."""
    return int(np.argmin(np.append(errors <= limit, False)))


def _rms(errors: Array) -> float:
    """Infinite where an error is not a number."""
    rms = float(np.sqrt(np.mean(errors**2)))
    return math.inf if math.isnan(rms) else rms


@dataclass(frozen=True)
class Result:
    """What one training came to: the one-step mean squared error over the test part (None where there is none), and
    the scores of the network's free run and of the rules, by name."""

    one_step_mse: float | None
    network: Score
    rules: Mapping[str, Score]

    @property
    def best_rule(self) -> str:
        """The name of the rule that is useful for longest; of several, of the one that is valid for longest."""
        return max(self.rules, key=lambda name: (self.rules[name].useful, self.rules[name].valid))


def result(trainer: Trainer) -> Result:
    """Score the network as it stands, and the rules."""
    forecast = trainer.forecast()
    return Result(
        forecast.one_step_mse,
        scored(forecast.free_run, trainer.series),
        {rule.name: scored(rule.values, trainer.series) for rule in trainer.baselines()},
    )


def median(results: Sequence[Result]) -> Result:
    """The median of each number over trainings of one curve with several seeds; of two in the middle, the lower.

    The rules know no seed: theirs are taken from the first.
    """
    networks = [each.network for each in results]
    return Result(
        _middle(each.one_step_mse for each in results),
        Score(
            networks[0].known,
            statistics.median_low([each.valid for each in networks]),
            statistics.median_low([each.useful for each in networks]),
            tuple(_middle(errors) for errors in zip(*(each.errors for each in networks), strict=True)),
        ),
        results[0].rules,
    )


def _middle(numbers: Iterable[float | None]) -> float | None:
    """The lower median, or None where numbers are missing."""
    known = [number for number in numbers if number is not None]
    return statistics.median_low(known) if known else None
