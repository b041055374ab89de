"""Recorded curves: what ships, where a recording ends, and its gaps."""

import re
from types import MappingProxyType

import numpy as np
import pytest

from zen_core import curve as curve_module
from zen_core.component import SpecError
from zen_core.curve import RECORDINGS, Recorded, recorded
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.trainer import Trainer

LENGTHS = {"airline": 144, "co2": 2284, "elnino": 732, "nile": 100, "sunspots": 309}
every_series = pytest.mark.parametrize("series", RECORDINGS)


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Put values, as they stand in a file, in the place of the sunspots."""

    def write(*values):
        path = tmp_path / "own.csv"
        path.write_text("day,level\n" + "".join(f"day {day},{value}\n" for day, value in enumerate(values, 1)))
        monkeypatch.setattr(curve_module, "RECORDINGS", MappingProxyType({"sunspots": path}))
        recorded.cache_clear()
        return Recorded("sunspots")

    return write


# What ships


def test_five_recordings_ship_with_all_their_samples():
    assert {series: len(Recorded(series).values(100_000)) for series in RECORDINGS} == LENGTHS


@pytest.mark.parametrize(
    ("series", "first", "last"),
    [
        ("airline", 112.0, 432.0),
        ("co2", 316.1, 371.5),
        ("elnino", 23.11, 22.07),
        ("nile", 1120.0, 740.0),
        ("sunspots", 5.0, 2.9),
    ],
)
def test_a_recording_goes_from_its_first_value_to_its_last(series, first, last):
    values = Recorded(series).values(100_000)
    assert (values[0], values[-1]) == (first, last)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


def test_every_recording_tells_where_it_comes_from():
    sources = next(iter(RECORDINGS.values())).with_name("SOURCES.md").read_text(encoding="utf-8")
    for series, path in RECORDINGS.items():
        (row,) = [line for line in sources.splitlines() if path.name in line]
        assert f"{LENGTHS[series]:,}" in row


# Where it ends


@every_series
def test_fewer_samples_are_the_first_ones(series):
    curve = Recorded(series)
    np.testing.assert_array_equal(curve.values(40), curve.values(90)[:40])
    assert len(curve.values(40)) == 40


def test_an_experiment_uses_what_there_is():
    series = Experiment(curve=Recorded("nile"), samples=500, window=10).series()
    assert (len(series.values), len(series.beyond)) == (100, 0)
    assert (series.train_end, series.test_start) == (60, 80)


def test_the_rest_of_a_recording_is_known_beyond_the_data():
    series = Experiment(curve=Recorded("sunspots"), samples=300, window=10, beyond=50).series()
    np.testing.assert_array_equal(series.truth, Recorded("sunspots").values(309))
    assert len(series.beyond) == 9


@every_series
def test_a_recording_is_trained_and_forecast(tiny, series):
    trainer = Trainer(edited(edited(tiny, "curve", Recorded(series)), "samples", 2500))
    next(trainer)
    forecast = trainer.forecast()
    test = len(trainer.series.values) - trainer.series.test_start
    assert len(forecast.free_run) == test + 10
    assert len(forecast.errors) == test
    assert np.isfinite(forecast.free_run).all()


def test_a_window_that_is_longer_than_a_recording_is_refused_with_its_length():
    with pytest.raises(SpecError, match="Window 70 does not fit the training part \\(60 samples\\)"):
        Experiment(curve=Recorded("nile"), window=70).series()


# Gaps


def test_a_straight_line_is_drawn_through_a_gap(written):
    assert written(1, "", 3, "", "", "", 11).values(9).tolist() == [1, 2, 3, 5, 7, 9, 11]


def test_a_stretch_that_ends_in_a_gap_begins_the_longer_one(written):
    assert written(1, "", "", 4).values(2).tolist() == [1, 2]


def test_gaps_at_either_end_are_left_out(written):
    curve = written("", "", 5, "", 7, "")
    assert curve.values(9).tolist() == [5, 6, 7]
    assert curve.values(1).tolist() == [5]


def test_gaps_are_refused_by_the_names_of_their_rows(written):
    curve = edited(written("", 5, "", "", 8, ""), "gaps", "refuse")
    with pytest.raises(SpecError, match=r"sunspots has no value in 2 of the first 4 rows: day 3, day 4\. Set gaps to"):
        curve.values(9)


def test_a_long_list_of_gaps_is_cut_short():
    refusing = Recorded("co2", gaps="refuse")
    with pytest.raises(SpecError, match=re.escape("59 of the first 2,284 rows: 1958-05-10, 1958-05-31, ")) as caught:
        refusing.values(9999)
    assert "1958-06-21, …." in str(caught.value)
    assert len(str(caught.value)) < 160


def test_gaps_that_are_not_asked_for_are_not_refused():
    np.testing.assert_array_equal(Recorded("co2", gaps="refuse").values(6), Recorded("co2").values(6))


def test_the_remedy_mends_an_experiment_that_refuses_gaps():
    experiment = Experiment(curve=Recorded("co2", gaps="refuse"))
    with pytest.raises(SpecError) as caught:
        experiment.series()
    assert caught.value.path == "curve.gaps"
    assert caught.value.remedy is not None
    _, path, value = caught.value.remedy
    assert edited(experiment, path, value) == Experiment(curve=Recorded("co2"))


# Reading


def test_a_file_is_read_once_and_what_it_holds_stays_as_it_is():
    path = RECORDINGS["nile"]
    assert recorded(path) is recorded(path)
    with pytest.raises(ValueError, match="read-only"):
        recorded(path).values[0] = 0
    taken = Recorded("nile").values(10)
    taken += 1
    assert Recorded("nile").values(10)[0] == 1120
