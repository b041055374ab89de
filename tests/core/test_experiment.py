"""Experiments: files, the split, and what is refused before training with a remedy that mends it."""

import contextlib
import json
import os
import sys

import numpy as np
import pytest
from hypothesis import given

from zen_core import files
from zen_core.component import SpecError, from_plain, to_plain
from zen_core.curve import Formula, MinMax, Scaling, Standard
from zen_core.edits import edited
from zen_core.experiment import MOST_BYTES, MOST_WEIGHTS, Experiment, load, save
from zen_core.loop import Diverged
from zen_core.loss import CategoricalCrossentropy
from zen_core.nn import LSTM, RNN, Linear, ReLU, Softmax, Tanh
from zen_core.trainer import Trainer

from .drawn import components


def formula(expression, **settings):
    return Formula(expression=expression, **settings)


def refused(experiment):
    """The error of an experiment that cannot be trained."""
    with pytest.raises(SpecError) as caught:
        Trainer(experiment)
    return caught.value


def mended(experiment, most=4):
    """The experiment after its remedies were applied, one after the other."""
    for _ in range(most):
        try:
            next(Trainer(experiment))
        except SpecError as error:
            remedy = error.remedy
        else:
            return experiment
        assert remedy is not None
        experiment = edited(experiment, remedy.path, remedy.value)
    raise AssertionError("the remedies do not come to an end")


# Files


@given(components(Experiment))
def test_every_experiment_goes_to_json_and_back(experiment):
    again = from_plain(Experiment, json.loads(json.dumps(to_plain(experiment))))
    assert again == experiment
    assert hash(again) == hash(experiment)


def test_an_experiment_is_saved_and_loaded(tmp_path):
    experiment = Experiment(curve=formula("a*sin(π x)", letters={"a": 0.1}), seed=2**32 - 1, noise=0.1)
    save(experiment, tmp_path / "e.json")
    assert load(tmp_path / "e.json") == experiment
    assert os.listdir(tmp_path) == ["e.json"]


def test_a_saved_file_is_read_by_people(tmp_path):
    save(Experiment(curve=formula("sin(π x)")), tmp_path / "e.json")
    text = (tmp_path / "e.json").read_text(encoding="utf-8")
    assert '"expression": "sin(π x)"' in text
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 20


def failing(*arguments, **settings):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ["replace", "fsync"])
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name):
    path = tmp_path / "e.json"
    save(Experiment(seed=1), path)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, name, failing)
        with pytest.raises(OSError, match="No space"):
            save(Experiment(seed=2), path)
    assert load(path) == Experiment(seed=1)
    assert os.listdir(tmp_path) == ["e.json"]


def test_a_save_that_is_interrupted_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "e.json"
    save(Experiment(seed=1), path)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            save(Experiment(seed=2), path)
    assert load(path) == Experiment(seed=1)
    assert os.listdir(tmp_path) == ["e.json"]


def test_the_new_content_is_on_disk_before_the_name_points_to_it(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda handle: done.append("fsync") or fsync(handle))
    monkeypatch.setattr(files.os, "replace", lambda *names: done.append("replace") or replace(*names))
    save(Experiment(), tmp_path / "e.json")
    assert done == ["fsync", "replace"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").write_text("")
    save(Experiment(), tmp_path / "e.json")
    assert (tmp_path / "e.json").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_saving_where_there_is_no_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        save(Experiment(), tmp_path / "nowhere" / "e.json")


def test_what_a_file_leaves_out_keeps_its_default(tmp_path):
    (tmp_path / "e.json").write_text('{"optimizer": "SGD"}')
    assert load(tmp_path / "e.json") == edited(Experiment(), "optimizer", "SGD")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\xff",
        b"\x80\x81",
        b"null",
        b"[1, 2]",
        b"3",
        b'"Adam"',
        b'{"kind": "Adam"}',
        b'{"window": NaN}',
        b'{"clip": Infinity}',
        b'{"windw": 3}',
        b'{"seed": ' + b"1" * 400 + b"}",
        b'{"seed": ' + b"1" * 5000 + b"}",
        b"[" * 100_000,
        b'{"layers":' * 900 + b"1" + b"}" * 900,
        b'{"clip": ' + b"[" * 950 + b"]" * 950 + b"}",
        b" " * (MOST_BYTES + 1),
        b'{"curve": {"kind": "Formula", "expression": "' + b"x" * 600 + b'"}}',
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_file_that_is_no_experiment_is_refused_with_a_sentence(tmp_path, content):
    path = tmp_path / "e.json"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert 10 < len(str(caught.value)) < 400


def test_a_file_of_exactly_the_limit_is_read(tmp_path):
    path = tmp_path / "e.json"
    path.write_bytes(b"{}" + b" " * (MOST_BYTES - 2))
    assert load(path) == Experiment()


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.json")


# The split


@pytest.mark.parametrize(
    ("samples", "validation", "test"),
    [
        (500, 0.2, 0.2),
        (11, 0.33, 0.15),
        (97, 0.1, 0.07),
        (100, 0.0, 0.3),
        (100, 0.3, 0.0),
        (60, 0.0, 0.0),
        (13, 0.5, 0.3),
    ],
)
def test_the_parts_follow_each_other_and_have_the_shares_that_were_asked(samples, validation, test):
    series = Experiment(samples=samples, validation=validation, test=test, window=1).series()
    assert len(series.values) == samples
    assert samples - series.test_start == round(samples * test)
    assert series.test_start - series.train_end == round(samples * validation)
    assert 0 < series.train_end <= series.test_start <= samples


def test_the_curve_beyond_the_data_goes_on_where_they_end():
    experiment = Experiment(samples=50, beyond=20, window=5)
    series = experiment.series()
    np.testing.assert_array_equal(series.truth, experiment.curve.values(70))
    assert len(series.beyond) == 20


def test_what_is_not_finite_beyond_the_data_ends_the_known_truth():
    series = Experiment(curve=formula("sqrt(8 - x)", step=0.125), samples=60, beyond=20, window=5).series()
    assert len(series.beyond) == 5
    assert np.isfinite(series.truth).all()


@pytest.mark.parametrize(
    "broken",
    [{"samples": 10, "window": 40}, {"samples": 500, "window": 300}, {"samples": 100, "validation": 0.4, "test": 0.55}],
)
def test_a_window_that_does_not_fit_is_refused_with_the_largest_that_does(broken):
    experiment = Experiment(layers=(RNN(hidden_dim=2), Linear(1)), **broken)
    error = refused(experiment)
    assert error.path == "window"
    largest = mended(experiment, most=2).window
    assert refused(edited(experiment, "window", largest + 1)).path == "window"


@pytest.mark.parametrize("shares", [(0.9, 0.9), (0.5, 0.5), (0.9, 0.05)])
def test_a_split_that_leaves_nothing_to_train_on_is_refused(shares):
    validation, test = shares
    error = refused(Experiment(samples=20, window=1, validation=validation, test=test))
    assert error.path in ("test", "validation")
    assert "validation and test smaller" in str(error)


# Noise


def test_noise_is_that_share_of_the_amplitude_and_the_truth_stays_clean():
    quiet, noisy = Experiment(samples=20_000), Experiment(samples=20_000, noise=0.1)
    deviation = noisy.series().values - quiet.series().values
    assert deviation.std() == pytest.approx(0.1 * quiet.series().amplitude, rel=0.03)
    np.testing.assert_array_equal(noisy.series().truth, quiet.series().truth)


def test_the_noise_has_its_own_seed():
    noisy = Experiment(noise=0.1)
    values = noisy.series().values
    np.testing.assert_array_equal(edited(noisy, "seed", 5).series().values, values)
    assert (edited(noisy, "noise_seed", 5).series().values != values).all()


def test_the_weights_do_not_depend_on_the_noise_seed(tiny):
    noisy = edited(tiny, "noise", 0.1)
    other = edited(noisy, "noise_seed", 9)
    assert Trainer(noisy).frame().weights.tobytes() == Trainer(other).frame().weights.tobytes()
    assert Trainer(noisy).frame().weights.tobytes() != Trainer(edited(noisy, "seed", 9)).frame().weights.tobytes()


# Samples


@pytest.mark.parametrize(
    ("expression", "count", "first"),
    [("1/x", 1, 0), ("log(x - 1)", 9, 0), ("sqrt(7.4 - x)", 12, 60), ("10^(x^3)", 17, 55)],
)
def test_samples_that_are_not_finite_are_counted_and_located(expression, count, first):
    experiment = Experiment(curve=formula(expression), samples=72, window=5)
    values = experiment.curve.values(72)
    assert (np.sum(~np.isfinite(values)), np.argmin(np.isfinite(values))) == (count, first)
    error = refused(experiment)
    assert f"{count} of 72 samples, first at sample {first}." in str(error)
    assert error.path == "curve"


def test_samples_beyond_every_measure_are_refused():
    assert refused(Experiment(curve=formula("10^101*sin(x)"))).path == "curve"


@pytest.mark.parametrize("scaling", Scaling.kinds)
@pytest.mark.parametrize("expression", ["10^60*sin(x)", "where(x < 40, sin(x), 10^60)", "10^(-300)*sin(x)", "3", "0"])
def test_curves_of_any_size_train_or_are_refused_but_never_warn(expression, scaling):
    # Warnings are errors here: a number that overflows float32 on its way to the network must be met with a sentence.
    experiment = Experiment(
        curve=formula(expression), scaling=scaling, layers=(RNN(hidden_dim=2), Linear(1)), epochs=1, beyond=5
    )
    with contextlib.suppress(SpecError, Diverged):
        trainer = Trainer(experiment)
        for _ in trainer:
            pass
        trainer.forecast()
        trainer.baselines()


# Scaling


@pytest.mark.parametrize("scaling", [Standard(), MinMax()])
def test_the_scaler_is_fitted_on_the_training_part_only(scaling):
    same = Experiment(curve=formula("sin(x)"), samples=100, scaling=scaling)
    end = same.series().train_end * 0.125
    other = edited(same, "curve.expression", f"where(x < {end}, sin(x), 50 + 9x)")
    assert Trainer(same).scaler == Trainer(other).scaler
    earlier = edited(same, "curve.expression", f"where(x < {end - 0.2}, sin(x), 50 + 9x)")
    assert Trainer(same).scaler != Trainer(earlier).scaler


# Stacks and losses

STACKS = {
    "empty": (),
    "ends in a sequence": (RNN(hidden_dim=2, return_sequences=True), Linear(1)),
    "never reads the sequence": (Linear(4), Tanh()),
    "recurrent after the last step": (RNN(hidden_dim=2), Linear(3), RNN(hidden_dim=2), Linear(1)),
    "state is the output": (RNN(hidden_dim=3),),
    "wide output": (RNN(hidden_dim=2), Linear(5)),
    "wide activation": (RNN(hidden_dim=2), ReLU()),
    "always the same": (RNN(hidden_dim=2), Linear(1), Softmax()),
    "everything": (RNN(hidden_dim=2), Tanh(), RNN(hidden_dim=2, return_sequences=True, units=3), Tanh()),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_that_cannot_forecast_is_mended_by_its_remedies(tiny, name):
    wrong = edited(tiny, "layers", STACKS[name])
    assert refused(wrong).path.startswith("layers")
    assert mended(wrong).layers != wrong.layers


@pytest.mark.parametrize(
    "name", ["ends in a sequence", "recurrent after the last step", "state is the output", "wide output"]
)
def test_one_remedy_is_enough_for_one_fault(tiny, name):
    wrong = edited(tiny, "layers", STACKS[name])
    remedy = refused(wrong).remedy
    after = edited(wrong, remedy.path, remedy.value)
    if name == "recurrent after the last step":
        assert after.layers[0].return_sequences
    Trainer(after)


def test_a_full_stack_is_mended_too(tiny):
    mended(edited(tiny, "layers", (*[Linear(2)] * 62, RNN(hidden_dim=2), Tanh())))


def test_a_loss_for_classes_is_refused_with_one_for_forecasts(tiny):
    wrong = edited(tiny, "loss", CategoricalCrossentropy())
    assert refused(wrong).path == "loss"
    assert mended(wrong).loss.for_forecasts


@pytest.mark.parametrize(
    "layers",
    [
        (RNN(hidden_dim=1024), Linear(1)),
        (Linear(4096), RNN(hidden_dim=1), Linear(1)),
        (RNN(hidden_dim=1, units=4096, return_sequences=True), RNN(hidden_dim=1)),
    ],
    ids=["hidden", "linear", "units"],
)
def test_a_step_too_large_for_the_memory_is_refused_before_it_is_made(layers):
    experiment = Experiment(layers=layers, window=5000, batch_size=4096, samples=20_000)
    with pytest.raises(SpecError):
        experiment.layout()


def test_a_network_with_too_many_weights_is_refused_and_one_with_as_many_as_may_be_is_not():
    def wide(units):
        return Experiment(layers=(RNN(hidden_dim=1), Linear(4095), Linear(units), Linear(1)), highway=0, batch_size=1)

    assert wide(4093).layout().size == MOST_WEIGHTS
    with pytest.raises(SpecError, match="Use at most 16,777,216") as caught:
        wide(4094).layout()
    assert caught.value.path == "layers"


def test_a_step_is_measured_by_what_its_layers_keep():
    experiment = Experiment(layers=(RNN(hidden_dim=64), Linear(1)), window=1000, samples=10_000, batch_size=4096)
    experiment.layout()
    with pytest.raises(SpecError, match="One step would hold"):
        # Its gates are kept as well.
        edited(experiment, "layers", (LSTM(hidden_dim=64), Linear(1))).layout()


def test_the_default_experiment_can_be_trained():
    assert next(Trainer(Experiment())).number == 1
