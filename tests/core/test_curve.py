"""Curves: samples, scaling, windows."""

import numpy as np
import pytest

from zen_core.component import Numbers, SpecError
from zen_core.curve import Curve, Formula, MinMax, Scaler, Scaling, Series, Standard, Unscaled, windows


def test_a_formula_is_sampled_at_even_steps():
    curve = Formula(expression="x*x", start=-1.0, step=0.5)
    assert curve.values(5).tolist() == [1.0, 0.25, 0.0, 0.25, 1.0]
    assert curve.values(5).dtype == np.float64


@pytest.mark.parametrize("kind", Curve.kinds.values())
def test_a_longer_stretch_begins_with_the_shorter_one(kind):
    np.testing.assert_array_equal(kind().values(200)[:50], kind().values(50))


@pytest.mark.parametrize("kind", Curve.kinds.values())
def test_sampling_twice_gives_the_same_and_the_caller_owns_it(kind):
    first = kind().values(20)
    kept = first.copy()
    first += 1
    np.testing.assert_array_equal(kind().values(20), kept)


def test_letters_that_are_not_given_are_1_and_those_that_the_formula_lacks_are_dropped():
    assert Formula(expression="a*x + b", letters={"b": 5.0, "z": 9.0}).letters == Numbers({"a": 1.0, "b": 5.0})
    assert Formula(expression="x").letters == {}


def test_letters_have_their_values_in_the_samples():
    assert Formula(expression="a*x + b", letters={"a": 2.0, "b": 5.0}, step=1.0).values(3).tolist() == [5.0, 7.0, 9.0]


def test_a_formula_that_cannot_be_read_is_refused_when_it_is_made():
    with pytest.raises(SpecError) as caught:
        Formula(expression="sin(x")
    assert caught.value.start is not None


# Scaling

SAMPLES = np.array([1.0, 3.0, 2.0, 6.0])


def test_standard_scaling_has_mean_0_and_deviation_1():
    scaled = Standard().fit(SAMPLES).forth(SAMPLES)
    assert scaled.mean() == pytest.approx(0, abs=1e-15)
    assert scaled.std() == pytest.approx(1)


def test_min_max_scaling_goes_from_minus_1_to_1():
    scaled = MinMax().fit(SAMPLES).forth(SAMPLES)
    assert (scaled.min(), scaled.max()) == (-1.0, 1.0)
    assert scaled[1] == pytest.approx(-0.2)


def test_without_scaling_nothing_changes():
    np.testing.assert_array_equal(Unscaled().fit(SAMPLES).forth(SAMPLES), SAMPLES)


@pytest.mark.parametrize("kind", Scaling.kinds.values())
def test_scaling_back_undoes_scaling_forth_beyond_the_fitted_range(kind):
    scaler = kind().fit(SAMPLES)
    outside = np.array([-50.0, 0.0, 70.0])
    np.testing.assert_allclose(scaler.back(scaler.forth(outside)), outside, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("kind", Scaling.kinds.values())
def test_a_constant_curve_can_be_scaled(kind):
    scaler = kind().fit(np.full(5, 3.0))
    assert np.isfinite(scaler.forth(np.full(5, 3.0))).all()
    assert scaler.back(scaler.forth(np.array([4.0]))) == pytest.approx(4.0)


def test_scaling_back_is_float64():
    assert Scaler(1.0, 2.0).back(np.ones(2, np.float32)).dtype == np.float64


# Windows and series

SAME = Scaler(0.0, 1.0)


@pytest.mark.parametrize(("count", "window"), [(10, 3), (4, 1), (5, 4), (100, 99)])
def test_a_window_and_its_target_stand_side_by_side(count, window):
    values = np.arange(count, dtype=float)
    inputs, targets = windows(values, window)
    assert (inputs.shape, targets.shape) == ((count - window, window, 1), (count - window, 1))
    for i in range(count - window):
        assert inputs[i, :, 0].tolist() == list(range(i, i + window))
        assert targets[i, 0] == i + window


def test_windows_do_not_copy_the_series():
    values = np.arange(1000.0)
    assert np.shares_memory(windows(values, 300)[0], values)


def test_the_truth_is_the_clean_curve_and_goes_on_beyond_the_data():
    values, clean, beyond = np.array([1.0, 5.0, 9.0]), np.array([1.0, 4.0, 8.0]), np.array([7.0])
    assert Series(values, clean, beyond, 2, 3, 1, SAME).truth.tolist() == [1.0, 4.0, 8.0, 7.0]
    assert Series(values, None, np.empty(0), 2, 3, 1, SAME).truth.tolist() == [1.0, 5.0, 9.0]


def test_the_amplitude_is_half_the_range_of_the_training_part():
    values, clean = np.array([0.0, 9.0, 100.0, -100.0]), np.array([1.0, 4.0, 100.0, -100.0])
    assert Series(values, clean, np.array([500.0]), 2, 3, 1, SAME).amplitude == 1.5
    assert Series(values, None, np.empty(0), 2, 3, 1, SAME).amplitude == 4.5
