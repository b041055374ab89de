"""Forecasts: what a network says of each next sample, fed the truth or fed itself, and what simple rules would say.

Every prediction starts from a state of zero and reads exactly one window. The prediction from the samples
i … i + window − 1 stands at sample i + window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zen_core.autodiff import Array
from zen_core.curve import Scaler, Series, windows
from zen_core.network import Network

TOLERANCE = 0.2
"""A free run is valid until its error exceeds this share of the curve's amplitude."""

NUMBERS_AT_ONCE = 1 << 21
"""How many numbers a network may hold at a time while it predicts."""

WORK_AT_ONCE = 1 << 24
"""How many multiplications are made of a free run before others get a turn; at least one step's."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Both forecasts of one moment of a run, in the curve's units, and how good they are.

    `step` is the number of training steps made before it. `one_step` (n − window,) is fed the truth and stands at the
    samples window … n − 1. `free_run` (m,) is fed itself, from the last window before the test part, and stands at the
    samples test_start, test_start + 1, …. `errors` is |free run − truth| by horizon, as far as the truth is known.
    `valid_steps` counts the steps before the first error above a fifth of the amplitude; `valid_to_end` tells that
    there was none. The mean squared errors are those over the test part, None where it is empty.
    """

    step: int
    one_step: Array
    free_run: Array
    errors: Array
    valid_steps: int
    valid_to_end: bool
    one_step_mse: float | None
    free_run_mse: float | None

    def __post_init__(self) -> None:
        for array in (self.one_step, self.free_run, self.errors):
            array.flags.writeable = False


def predictions(network: Network, weights: Array, inputs: Array) -> Iterator[Array]:
    """The next value for each of the windows (count, window, 1), a bounded number at a time: yields (rows, 1)."""
    rows = max(1, NUMBERS_AT_ONCE // network.layout.kept)
    for start in range(0, len(inputs), rows):
        yield network.predict(weights, inputs[start : start + rows])


def forecasting(
    network: Network, weights: Array, series: Series, scaler: Scaler, beyond: int, step: int = 0
) -> Iterator[Forecast | None]:
    """Make a forecast bit by bit: yields None after each piece of work, and the forecast at the end.

    The free run has one step for each sample of the test part and `beyond` more; `step` is told in the forecast.
    """
    scaled = scaler.forth(series.values).astype(network.dtype)
    window, start, count = series.window, series.test_start, len(series.values)
    pieces = []
    for piece in predictions(network, weights, windows(scaled, window)[0]):
        pieces.append(piece)
        yield None
    one_step = scaler.back(np.concatenate(pieces)[:, 0])

    horizon = count - start + beyond
    run = np.empty(window + horizon, network.dtype)
    run[:window] = scaled[start - window : start]
    some = network.at_once(WORK_AT_ONCE)
    for made in range(0, horizon, some):
        ahead = min(some, horizon - made)
        run[window + made : window + made + ahead] = network.free_run(weights, run[made : made + window], ahead)
        yield None
    free_run = scaler.back(run[window:])
    yield _judged(series, step, one_step, free_run)


def _judged(series: Series, step: int, one_step: Array, free_run: Array) -> Forecast:
    truth, start, count = series.truth, series.test_start, len(series.values)
    known = min(len(free_run), len(truth) - start)
    with np.errstate(all="ignore"):
        errors = np.abs(free_run[:known] - truth[start : start + known])
        # Written so that an error that is not a number counts as wrong.
        wrong = np.flatnonzero(~(errors <= TOLERANCE * series.amplitude))
        return Forecast(
            step,
            one_step,
            free_run,
            errors,
            valid_steps=int(wrong[0]) if len(wrong) else known,
            valid_to_end=not len(wrong),
            one_step_mse=_mse(one_step[start - series.window :], truth[start:count]),
            free_run_mse=_mse(free_run[: count - start], truth[start:count]),
        )


def _mse(prediction: Array, truth: Array) -> float | None:
    return float(np.mean((prediction - truth) ** 2)) if len(truth) else None


@dataclass(frozen=True, eq=False)
class Baseline:
    """A rule that needs no network: its name, its forecast from the test part on (m,), and its error there."""

    name: str
    values: Array
    mse: float | None

    def __post_init__(self) -> None:
        self.values.flags.writeable = False


def baselines(series: Series, beyond: int) -> tuple[Baseline, ...]:
    """What the mean, the last value, repeating the last period, and linear autoregression would forecast.

    All are found on the training part; they continue from the samples before the test part, fed themselves.
    """
    start, count = series.test_start, len(series.values)
    horizon = count - start + beyond
    training, past = series.values[: series.train_end], series.values[:start]
    period = dominant_period(training)
    coefficients = autoregression(training)
    found = [
        ("mean", np.full(horizon, training.mean())),
        ("last value", np.full(horizon, past[-1])),
        (f"seasonal ({period})", past[len(past) - period + np.arange(horizon) % period]),
        (f"AR({len(coefficients) - 1})", autoregressive_run(coefficients, past, horizon)),
    ]
    truth = series.truth[start:count]
    with np.errstate(all="ignore"):
        return tuple(Baseline(name, values, _mse(values[: count - start], truth)) for name, values in found)


def dominant_period(values: Array) -> int:
    """The lag, in samples, at which a series (n,) resembles itself most, at least 2 and at most half its length."""
    most = len(values) // 2
    if most < 3 or np.ptp(values) == 0:
        return max(1, min(2, most))
    centred = values - values.mean()
    spectrum = np.fft.rfft(centred, 2 * len(values))
    likeness = np.fft.irfft(spectrum * spectrum.conj())[: most + 1]
    # Longer lags compare fewer samples; without this they would lose against shorter ones for that alone.
    likeness = likeness / (len(values) - np.arange(most + 1))
    falling = np.flatnonzero(np.diff(likeness) > 0)
    first_rise = int(falling[0]) if len(falling) else 1
    peak = int(np.argmax(likeness[first_rise:])) + first_rise
    # Multiples of the period resemble as well: take the shortest lag that does nearly as well.
    good = np.flatnonzero(likeness[first_rise : peak + 1] >= likeness[peak] - 0.02 * abs(likeness[peak])) + first_rise
    run = good[: int(np.argmax(np.append(np.diff(good), 2) > 1)) + 1]
    return max(2, int(run[np.argmax(likeness[run])]))


def autoregression(values: Array, most: int = 20) -> Array:
    """Fit y_t = c + a₁ y_{t−1} + … + a_p y_{t−p} to a series (n,) by least squares; returns (c, a₁ … a_p).

    The order p, at most `most`, is the one with the least Bayesian information criterion (G. Schwarz, 1978, Estimating
    the dimension of a model, Annals of Statistics 6(2)).
    """
    most = min(most, len(values) // 3)
    if not most:
        return np.array([values.mean(), 0.0])
    centre, spread = float(values.mean()), float(np.ptp(values)) or 1.0
    rows = np.lib.stride_tricks.sliding_window_view((values - centre) / spread, most + 1)
    target = rows[:, -1]
    design = np.column_stack([np.ones(len(rows)), rows[:, -2::-1]])
    # The designs of all orders are nested, so one orthogonal basis tells what each further lag explains.
    explained = (np.linalg.qr(design)[0].T @ target) ** 2
    left = (target @ target - np.cumsum(explained)[1:]) / len(target)
    # Below this, rounding decides what is left: then the lowest order wins.
    variance = np.maximum(left, 1e-14)
    orders = np.arange(1, most + 1)
    order = int(orders[np.argmin(len(target) * np.log(variance) + orders * np.log(len(target)))])
    coefficients: Array = np.linalg.lstsq(design[:, : order + 1], target, rcond=None)[0]
    coefficients[0] = spread * coefficients[0] + centre * (1 - coefficients[1:].sum())
    return coefficients


def autoregressive_run(coefficients: Array, past: Array, horizon: int) -> Array:
    """Continue a series for `horizon` steps by the recurrence of `autoregression`, fed itself."""
    order = len(coefficients) - 1
    run = np.concatenate([past[-order:], np.empty(horizon)])
    with np.errstate(all="ignore"):
        for h in range(horizon):
            run[order + h] = coefficients[0] + coefficients[:0:-1] @ run[h : order + h]
    return run[order:]
