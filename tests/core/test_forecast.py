"""Forecasts: where each prediction stands, against brute force; and rules that need no network."""

from dataclasses import replace

import numpy as np
import pytest

from zen_core import forecast as forecast_module
from zen_core.curve import Formula, Scaler, Series
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.forecast import (
    TOLERANCE,
    autoregression,
    autoregressive_run,
    baselines,
    dominant_period,
    forecasting,
)
from zen_core.network import Network, OnNumpy
from zen_core.trainer import Trainer
from zen_core.weights import Layout


class Script(Network):
    """Stands in for a network: fed the truth it repeats the last value it reads, fed itself it says what is written."""

    def __init__(self, lines=()):
        super().__init__((), Layout((), (2, 1)), "float64")
        self.lines = list(lines)
        self.read = []

    def predict(self, weights, x):
        if len(x) > 1:
            return x[:, -1]
        self.read.append(x[0, :, 0].tolist())
        return np.array([[self.lines[len(self.read) - 1]]])


def series_of(values, *, train_end, test_start, window=2, beyond=(), clean=None, scaler=Scaler(0.0, 1.0)):  # noqa: B008
    values = np.asarray(values, float)
    clean = values if clean is None else clean
    return Series(values, clean, np.asarray(beyond, float), train_end, test_start, window, scaler)


def made(network, series, beyond=0, step=0):
    *pieces, forecast = forecasting(network, np.empty(0), series, series.scaler, beyond, step)
    assert set(pieces) == {None}
    return forecast


@pytest.fixture
def trainer(tiny, each_backend):
    """A trainer in float64 after a few steps, on a noisy curve."""
    trainer = Trainer(edited(edited(tiny, "dtype", "float64"), "noise", 0.05))
    for _ in range(6):
        next(trainer)
    return trainer


def predicted(trainer, values):
    """The network's word on one window, in the curve's units, computed apart from `forecast`."""
    network = OnNumpy(trainer.experiment.layers, trainer.layout, "float64")
    prediction = network.predict(trainer.frame().weights, trainer.scaler.forth(values)[None, :, None])
    return trainer.scaler.back(prediction)[0, 0]


# Alignment


def test_the_prediction_from_samples_i_to_i_plus_window_minus_1_stands_at_i_plus_window():
    values = np.arange(10.0) ** 2
    forecast = made(Script([0] * 3), series_of(values, train_end=5, test_start=7, window=3))
    # One that repeats what it read last is always one sample late.
    np.testing.assert_array_equal(forecast.one_step, values[2:9])
    assert len(forecast.one_step) == 10 - 3


def test_the_free_run_reads_the_last_window_before_the_test_part_and_then_itself():
    network = Script([70, 71, 72, 73, 74])
    forecast = made(network, series_of(range(10), train_end=5, test_start=7, window=3), beyond=2)
    assert forecast.free_run.tolist() == [70, 71, 72, 73, 74]
    assert network.read == [[4, 5, 6], [5, 6, 70], [6, 70, 71], [70, 71, 72], [71, 72, 73]]


def test_values_are_scaled_for_the_network_and_back():
    network = Script([0.5, -0.5])
    series = series_of([10, 12, 14, 16], train_end=2, test_start=2, scaler=Scaler(10.0, 4.0))
    forecast = made(network, series)
    assert network.read[0] == [0.0, 0.5]
    assert forecast.free_run.tolist() == [12.0, 8.0]
    assert forecast.one_step.tolist() == [12.0, 14.0]


def test_one_step_is_brute_force_over_every_window(trainer):
    series, window = trainer.series, trainer.experiment.window
    expected = [predicted(trainer, series.values[t - window : t]) for t in range(window, len(series.values))]
    np.testing.assert_allclose(trainer.forecast().one_step, expected, rtol=0, atol=1e-13)


def test_the_free_run_is_brute_force_one_value_after_the_other(trainer):
    window, start = trainer.experiment.window, trainer.series.test_start
    run = list(trainer.series.values[:start])
    for _ in range(len(trainer.series.values) - start + trainer.experiment.beyond):
        run.append(predicted(trainer, np.array(run[-window:])))
    np.testing.assert_allclose(trainer.forecast().free_run, run[start:], rtol=0, atol=1e-12)


def test_the_free_run_never_sees_the_test_part(trainer):
    before = trainer.forecast().free_run
    values = trainer.series.values.copy()
    values[trainer.series.test_start :] += 100
    trainer.series = replace(trainer.series, values=values)
    np.testing.assert_array_equal(trainer.forecast().free_run, before)


def test_predicting_in_pieces_is_predicting_at_once(trainer, monkeypatch):
    whole = trainer.forecast()
    monkeypatch.setattr(forecast_module, "NUMBERS_AT_ONCE", 50)
    pieces = sum(made is None for made in trainer.forecasting())
    assert pieces > 20
    np.testing.assert_allclose(trainer.forecast().one_step, whole.one_step, rtol=0, atol=1e-14)


def test_a_forecast_is_stamped_with_its_step(trainer):
    assert trainer.forecast().step == 6


# Judgement

FLAT = [1.0, -1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0]  # amplitude 1, tolerance 0.2


@pytest.mark.parametrize(
    ("run", "valid", "to_end"),
    [
        ([0, 0, 0, 0], 4, True),
        ([0, 0.19, -0.19, 0], 4, True),
        ([0, 0, 0.21, 0], 2, False),
        ([-0.21, 0, 0, 0], 0, False),
        ([0, 0, 0, 0.5], 3, False),
        ([0, np.nan, 0, 0], 1, False),
        ([np.inf, 0, 0, 0], 0, False),
    ],
)
def test_a_run_is_valid_until_its_error_first_exceeds_a_fifth_of_the_amplitude(run, valid, to_end):
    forecast = made(Script(run), series_of(FLAT, train_end=4, test_start=4))
    assert (forecast.valid_steps, forecast.valid_to_end) == (valid, to_end)
    np.testing.assert_array_equal(forecast.errors, np.abs(run))


def test_an_error_of_exactly_a_fifth_is_still_valid():
    forecast = made(Script([TOLERANCE] * 4), series_of(FLAT, train_end=4, test_start=4))
    assert forecast.valid_to_end


def test_the_run_is_judged_beyond_the_data_as_far_as_the_truth_is_known():
    series = series_of(FLAT, train_end=4, test_start=6, beyond=[0.0, 5.0])
    forecast = made(Script([0] * 7), series, beyond=5)
    assert len(forecast.free_run) == 7
    assert forecast.errors.tolist() == [0, 0, 0, 5]
    assert (forecast.valid_steps, forecast.valid_to_end) == (3, False)
    assert forecast.free_run_mse == 0.0


def test_forecasts_are_held_against_the_truth_without_noise():
    clean = np.array(FLAT)
    noisy = series_of(clean + 10, clean=clean, train_end=4, test_start=4)
    forecast = made(Script([0] * 4), noisy)
    assert forecast.valid_to_end
    assert forecast.free_run_mse == 0.0
    # Fed the noisy truth it repeats it, ten too high or nine or eleven.
    assert forecast.one_step_mse == pytest.approx((81 + 100 + 100 + 100) / 4)


def test_mean_squared_errors_are_those_of_the_test_part():
    series = series_of([0, 1, 0, 1, 0, 3, 4], train_end=3, test_start=5)
    forecast = made(Script([5, 5]), series)
    assert forecast.free_run_mse == pytest.approx((2**2 + 1**2) / 2)
    assert forecast.one_step_mse == pytest.approx((3**2 + 1**2) / 2)


def test_without_a_test_part_the_run_begins_at_the_datas_end(tiny):
    trainer = Trainer(edited(tiny, "test", 0.0))
    next(trainer)
    forecast = trainer.forecast()
    assert len(forecast.free_run) == tiny.beyond
    assert (forecast.one_step_mse, forecast.free_run_mse) == (None, None)
    assert len(forecast.errors) == tiny.beyond
    assert len(forecast.one_step) == tiny.samples - tiny.window
    assert [rule.mse for rule in trainer.baselines()] == [None] * len(trainer.baselines())


def test_without_a_validation_part_forecasts_are_made_all_the_same(tiny):
    trainer = Trainer(edited(tiny, "validation", 0.0))
    for _ in trainer:
        pass
    assert len(trainer.frame().validation_losses) == 0
    assert np.isfinite(trainer.forecast().free_run).all()


def test_with_nothing_to_forecast_the_run_is_empty(tiny):
    trainer = Trainer(edited(edited(tiny, "test", 0.0), "beyond", 0))
    forecast = trainer.forecast()
    assert (len(forecast.free_run), forecast.valid_steps) == (0, 0)


# Baselines


def rule(series, beginning, beyond=0):
    (found,) = [each for each in baselines(series, beyond) if each.name.startswith(beginning)]
    return found


def sampled(expression, samples=500, **settings):
    return Experiment(curve=Formula(expression=expression, **settings), samples=samples, window=10, beyond=200)


def test_the_mean_and_the_last_value_are_repeated():
    series = series_of([0.0, 1.0, 2.0, 5.0, 4.0, 6.0, 2.0], train_end=4, test_start=5)
    assert rule(series, "mean", 3).values.tolist() == [2.0] * 5
    assert rule(series, "last", 3).values.tolist() == [4.0] * 5
    assert rule(series, "last").mse == pytest.approx((2**2 + 2**2) / 2)


@pytest.mark.parametrize("expression", ["sin(x)*cos(x)", "sin(x) + cos(3x)", "2*sin(x) - 5"])
def test_autoregression_continues_sums_of_sines_exactly(expression):
    series = sampled(expression).series()
    run = rule(series, "AR(", 200)
    np.testing.assert_allclose(run.values[:200], series.truth[series.test_start :][:200], rtol=0, atol=1e-10)
    assert run.mse < 1e-20


def test_autoregression_continues_sin_x_cos_x_at_integer_x_from_two_coefficients():
    # ½ sin 2x at whole x: y_t = 2 cos 2 · y_{t−1} − y_{t−2}.
    values = np.sin(np.arange(300.0)) * np.cos(np.arange(300.0))
    coefficients = autoregression(values[:100])
    np.testing.assert_allclose(coefficients, [0, 2 * np.cos(2), -1], atol=1e-10)
    np.testing.assert_allclose(autoregressive_run(coefficients, values[:100], 200), values[100:], rtol=0, atol=1e-10)


def test_at_integer_x_repeating_the_last_value_is_worse_than_the_mean():
    series = sampled("sin(x)*cos(x)", step=1.0).series()
    assert rule(series, "last").mse > rule(series, "mean").mse


def test_autoregression_finds_the_recurrence_it_was_made_by():
    values = [1.0, 2.0]
    for _ in range(60):
        values.append(0.5 + 0.3 * values[-1] - 0.6 * values[-2])
    np.testing.assert_allclose(autoregression(np.array(values)), [0.5, 0.3, -0.6], atol=1e-9)


@pytest.mark.parametrize("period", [4, 7, 12, 25, 50, 83])
def test_the_period_of_a_sine_is_found(period):
    assert dominant_period(np.sin(2 * np.pi * np.arange(300) / period)) == period


@pytest.mark.parametrize("period", [10, 24])
def test_the_period_of_a_sine_with_an_overtone_is_the_whole_one(period):
    t = 2 * np.pi * np.arange(240) / period
    assert dominant_period(np.sin(t) + 0.8 * np.sin(2 * t)) == period


def test_the_period_is_found_under_noise():
    noise = 0.1 * np.random.default_rng(0).normal(size=300)
    assert dominant_period(np.sin(2 * np.pi * np.arange(300) / 25) + noise) == pytest.approx(25, abs=1)


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [3.0] * 50, list(range(40)), [0.0] * 7], ids=len)
def test_a_series_without_a_period_has_one_that_does_no_harm(values):
    assert 1 <= dominant_period(np.array(values)) <= max(1, len(values) // 2)


def test_the_seasonal_rule_repeats_the_last_period():
    series = series_of(np.sin(2 * np.pi * np.arange(100) / 20), train_end=60, test_start=75)
    seasonal = rule(series, "seasonal (20)", 30)
    np.testing.assert_allclose(seasonal.values, np.sin(2 * np.pi * np.arange(75, 130) / 20), atol=1e-12)


def test_rules_are_found_on_the_training_part_and_continue_from_the_test_part():
    series = sampled("sin(x)").series()
    values = series.values.copy()
    before = {each.name: each.values for each in baselines(series, 5)}
    values[series.test_start :] = 99
    other = replace(series, values=values)
    assert all((each.values == before[each.name]).all() for each in baselines(other, 5))
    nearer = values.copy()
    nearer[series.train_end : series.test_start] += 1
    after = {each.name: each.values for each in baselines(replace(series, values=nearer), 5)}
    assert set(after) == set(before)
    assert (after["mean"] == before["mean"]).all()
    assert (after["last value"] == before["last value"] + 1).all()


@pytest.mark.parametrize("expression", ["10^(-300)*sin(x)", "10^99*sin(x)", "0", "7", "where(x<9, 0, 1)"])
def test_rules_meet_curves_of_any_size_without_a_warning(expression):
    series = sampled(expression).series()
    assert len(baselines(series, 200)) == 4


@pytest.mark.parametrize("train_end", range(2, 12))
def test_the_smallest_series_have_baselines(train_end):
    values = np.random.default_rng(train_end).normal(size=train_end + 1)
    series = series_of(values, train_end=train_end, test_start=train_end, window=1)
    assert all(np.isfinite(each.values).all() for each in baselines(series, 4))


@pytest.mark.parametrize("periods", [0.1, 0.4, 0.6, 0.9, 1.1, 1.4, 1.7, 2.2, 3.5])
def test_data_of_less_than_a_few_periods_have_baselines(periods):
    values = np.sin(2 * np.pi * periods * np.arange(50) / 36)
    series = series_of(values, train_end=36, test_start=42)
    assert all(np.isfinite(each.values).all() for each in baselines(series, 20))
    assert 1 <= dominant_period(values[:36]) <= 18
