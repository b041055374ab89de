"""The curve suite: its curves, and scores against small cases worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from zen_core.component import SpecError
from zen_core.curve import RECORDINGS, Recorded, Series
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.suite import (
    AHEAD,
    CURVES,
    FORMULAS,
    HORIZONS,
    TUNED,
    VARIANTS,
    Result,
    Score,
    median,
    on_curve,
    result,
    scored,
    titled,
)
from zen_core.trainer import Trainer

# The curves


def test_the_suite_has_twelve_formulas_and_every_recording():
    assert len(FORMULAS) == 12
    assert set(CURVES) == {*FORMULAS, *RECORDINGS}
    assert set(TUNED) <= set(CURVES)


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_is_known_as_far_as_it_is_scored(name):
    series = on_curve(name, Experiment()).series()
    assert len(series.truth) - series.test_start >= AHEAD
    assert np.isfinite(series.truth).all()
    assert (series.clean is not series.values and (series.clean != series.values).any()) == (name == "noisy")


@pytest.mark.parametrize("name", CURVES)
def test_every_recipe_fits_every_curve_it_is_made_for(name):
    recipes = [{}, TUNED.get(name, {}), *(VARIANTS.values() if name in FORMULAS else ())]
    for edits in recipes:
        experiment = on_curve(name, Experiment(), edits)
        assert experiment.series().amplitude > 0
        assert experiment.layout().size


def test_the_recipe_is_kept_and_the_curve_and_the_changes_come_after_it(tiny):
    experiment = on_curve("noisy", tiny, {"seed": 9, "layers.0.hidden_dim": 2})
    assert experiment == edited(
        edited(replace(tiny, curve=FORMULAS["noisy"]["curve"], noise=0.1, beyond=AHEAD), "seed", 9),
        "layers.0.hidden_dim",
        2,
    )
    assert on_curve("nile", tiny).curve == Recorded("nile")
    assert on_curve("sine", replace(tiny, beyond=2000)).beyond == 2000


def test_a_curve_that_is_not_in_the_suite_is_refused_with_the_nearest_name(tiny):
    with pytest.raises(SpecError, match=r"no curve 'squares' in the suite. Did you mean 'square'\? Known: sine, "):
        on_curve("squares", tiny)


def test_titles_show_the_formula_and_break_no_table():
    assert titled("sine") == "sine `sin(x)`"
    assert titled("noisy") == "noisy `sin(x)`, noise 0.1"
    assert titled("nile") == "nile"
    assert not any("|" in titled(name) for name in CURVES)


# Scores. The training part of this series has an amplitude of 1 and a standard deviation of 1.


def series_with(future):
    values = np.array([-1.0, 1.0] * 5 + [0.0] * 5)
    return Series(values, values, np.asarray(future, float)[5:], 10, 10, 2)


def scores(errors):
    """The score of a forecast that is wrong by so much at each step, where the truth is 0."""
    return scored(np.asarray(errors, float), series_with(np.zeros(len(errors))))


def test_a_perfect_forecast_is_valid_and_useful_to_the_end():
    assert scores(np.zeros(30)) == Score(known=30, valid=30, useful=30, errors=(0.0, 0.0, None, None))
    assert scores(np.zeros(30)).to_end


def test_valid_ends_at_the_first_error_above_a_fifth_of_the_amplitude():
    errors = np.zeros(40)
    errors[[7, 12]] = 0.2, -0.2001
    assert scores(errors).valid == 12
    assert not scores(errors).to_end


def test_useful_outlasts_single_errors_where_a_curve_jumps():
    # One error of 2 in 25 is an RMS error of 0.4, two are one of 0.57.
    errors = np.zeros(60)
    errors[[3, 30, 40]] = 2.0
    assert (scores(errors).valid, scores(errors).useful) == (3, 40)


def test_useful_takes_the_steps_before_the_first_for_right():
    # n errors of 1 in 25 pass half the deviation when n > 25 / 4.
    assert scores(np.ones(30)).useful == 6
    errors = np.concatenate([np.zeros(50), np.ones(30)])
    assert scores(errors).useful == 56


def test_an_error_is_told_as_the_rms_of_the_25_steps_up_to_it_in_amplitudes():
    errors = np.arange(1.0, 701.0)
    expected = [1, *(math.sqrt(np.mean(errors[max(0, h - 25) : h] ** 2)) for h in HORIZONS[1:])]
    assert scores(errors).errors == pytest.approx(expected)
    louder = series_with(np.zeros(700))
    louder = replace(louder, values=3 * louder.values, clean=3 * louder.values)
    assert scored(errors, louder).errors == pytest.approx([each / 3 for each in expected])


def test_what_is_beyond_the_data_is_not_scored():
    series = series_with(np.zeros(12))
    assert scored(np.full(700, 0.1), series) == Score(12, 12, 12, (pytest.approx(0.1), pytest.approx(0.1), None, None))
    assert scored(np.zeros(4), series) == Score(4, 4, 4, (0.0, None, None, None))


def test_without_a_test_part_there_is_nothing_to_score():
    series = Series(np.arange(9.0), np.arange(9.0), np.empty(0), 9, 9, 2)
    assert scored(np.zeros(3), series) == Score(0, 0, 0, (None, None, None, None))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e300])
def test_a_forecast_that_leaves_the_numbers_counts_as_wrong(bad):
    errors = np.zeros(120)
    errors[50:] = bad
    score = scores(errors)
    assert (score.valid, score.useful) == (50, 50)
    assert score.errors == (0.0, 0.0, math.inf, None)


def test_the_truth_without_noise_is_what_counts():
    clean = np.array([-1.0, 1.0] * 5 + [0.0] * 5)
    noisy = Series(clean + 100, clean, np.empty(0), 10, 10, 2)
    assert scored(np.zeros(5), noisy) == Score(5, 5, 5, (0.0, None, None, None))


# Results


@pytest.fixture
def trainer(tiny):
    trainer = Trainer(on_curve("sine", tiny))
    for _ in trainer:
        pass
    return trainer


def test_a_result_agrees_with_the_forecast_and_the_rules_of_the_trainer(trainer):
    found, forecast = result(trainer), trainer.forecast()
    assert found.one_step_mse == forecast.one_step_mse
    assert found.network.valid == forecast.valid_steps
    assert found.network.known == len(forecast.errors) == 12 + AHEAD
    assert found.network.errors[0] == pytest.approx(forecast.errors[0] / trainer.series.amplitude)
    rules = {rule.name: rule.values for rule in trainer.baselines()}
    assert found.rules == {name: scored(values, trainer.series) for name, values in rules.items()}


def test_the_best_rule_for_a_sine_is_autoregression(trainer):
    assert result(trainer).best_rule == "AR(2)"


def test_the_best_rule_is_useful_for_longest_then_valid_for_longest():
    rules = {"a": Score(9, 5, 6, ()), "b": Score(9, 0, 7, ()), "c": Score(9, 2, 7, ())}
    assert Result(None, Score(9, 9, 9, ()), rules).best_rule == "c"


def test_the_median_is_taken_of_each_number():
    def made(valid, useful, mse, *errors):
        return Result(mse, Score(700, valid, useful, errors), {"mean": Score(700, valid, 0, (1.0,))})

    found = median([made(3, 30, 0.3, 0.1, None), made(700, 20, math.inf, math.inf, None), made(5, 700, 0.1, 0.2, None)])
    assert found == Result(0.3, Score(700, 5, 30, (0.2, None)), {"mean": Score(700, 3, 0, (1.0,))})
    assert median([made(1, 1, None, 0.5), made(2, 2, None, 0.7)]) == made(1, 1, None, 0.5)
