"""The command line: train, reference, and sentences instead of tracebacks."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zen_core.__main__ import FAMILIES, main
from zen_core.component import from_plain
from zen_core.curve import Formula
from zen_core.edits import edited
from zen_core.experiment import Experiment, save
from zen_core.optim import SGD, Cosine, Optimizer
from zen_core.trainer import Trainer

from . import conftest

ROOT = Path(__file__).parents[2]
TINY = ["epochs=2", "samples=80", "window=10", "layers.0.hidden_dim=4", "curve.step=0.5", "beyond=5"]


def report(capsys, *arguments):
    """The JSON that `train --json` prints; Infinity and NaN are no JSON."""
    assert main(["train", "--json", *arguments]) == 0

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(capsys.readouterr().out, parse_constant=refuse)


def complaint(capsys, *arguments):
    """What is said on stderr about arguments that do not fit; nothing stands on stdout."""
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_training_prints_the_scores_and_the_baselines(capsys):
    assert main(["train", *TINY]) == 0
    out, err = capsys.readouterr()
    for words in (
        "steps, 2 epochs",
        "fed the truth",
        "fed itself",
        "valid for",
        "mean",
        "last value",
        "seasonal",
        "AR(",
    ):
        assert words in out
    assert "Training" in err


def test_json_holds_the_scores_the_losses_and_the_experiment(capsys):
    found = report(capsys, *TINY)
    trainer = Trainer(from_plain(Experiment, found["experiment"]))
    losses = [step.loss for step in trainer]
    forecast = trainer.forecast()
    assert found["losses"] == losses
    assert found["validation_losses"] == trainer.frame().validation_losses.tolist()
    assert found["validation_steps"] == trainer.frame().validation_steps.tolist()
    assert (found["steps"], found["epochs"]) == (len(losses), 2)
    scores = found["scores"]
    assert scores["fed_the_truth_mse"] == forecast.one_step_mse
    assert scores["fed_itself_mse"] == forecast.free_run_mse
    assert (scores["valid_steps"], scores["valid_to_end"]) == (forecast.valid_steps, forecast.valid_to_end)
    assert scores["baselines_mse"] == {rule.name: rule.mse for rule in trainer.baselines()}


def test_settings_are_given_by_the_paths_of_the_experiment(capsys):
    found = report(
        capsys,
        *TINY,
        "curve.expression=a*sin(x) + 1",
        "curve.letters.a=2.5",
        "optimizer=SGD",
        "optimizer.lr=0.05",
        "schedule.final=0.5",
        "layers.1.units=1",
        "dtype=float64",
    )
    experiment = from_plain(Experiment, found["experiment"])
    assert experiment.curve == Formula(expression="a*sin(x) + 1", letters={"a": 2.5}, step=0.5)
    assert experiment.optimizer == SGD(lr=0.05)
    assert experiment.schedule == Cosine(final=0.5)
    assert experiment.layers[0].hidden_dim == 4
    assert experiment.dtype == "float64"


def test_a_file_comes_first_and_settings_change_it(capsys, tmp_path, tiny):
    save(tiny, tmp_path / "e.json")
    found = report(capsys, str(tmp_path / "e.json"), "seed=8", "epochs=1")
    assert from_plain(Experiment, found["experiment"]) == edited(edited(tiny, "seed", 8), "epochs", 1)


def test_json_stays_json_where_a_score_is_not_finite(capsys):
    # Trained on 100 samples of a growing exponential, the autoregression goes on growing over 5,000 that are flat.
    growing = [
        "curve.expression=exp(min(x, 13))",
        "samples=10000",
        "validation=0.49",
        "test=0.5",
        "window=10",
        "beyond=0",
    ]
    found = report(capsys, *growing, "epochs=1", "layers.0.hidden_dim=2")
    assert None in found["scores"]["baselines_mse"].values()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["optimizer.lr=-1"], ["Learning rate cannot be -1", "(optimizer.lr)"]),
        (["optimizer=Adamm"], ["Did you mean 'Adam'?"]),
        (["optimizr=Adam"], ["Did you mean 'optimizer'?"]),
        (["curve.expression=sine(x)"], ["sine", "'sin'", "(curve.expression)"]),
        (["curve.letters.a=2"], ["'curve.letters.a'"]),
        (["layers.7.units=2"], ["'7'"]),
        (["layers="], ["layer"]),
        (["samples=80", "window=70"], ["Window 70 does not fit", "(window)"]),
        (["loss=CategoricalCrossentropy"], ["Use MSE"]),
        (["layers.1.units=2"], ["ends in 2 values", "(layers.1)"]),
        (["epochs=2", "file.json"], ["file.json"]),
        (["nowhere.json"], ["nowhere.json"]),
        (["seed=" + "9" * 400], ["Seed cannot be"]),
        (["=5"], ["no setting ''"]),
        (["clip=NaN"], ["Clip cannot be"]),
    ],
    ids=lambda value: value[-1][:30],
)
def test_what_does_not_fit_is_told_in_a_sentence(capsys, arguments, words):
    said = complaint(capsys, "train", *arguments)
    assert said.startswith("python -m zen_core: ")
    assert len(said.splitlines()) == 1
    for each in words:
        assert each in said


def test_a_file_that_is_no_experiment_is_told_in_a_sentence(capsys, tmp_path):
    (tmp_path / "bad.json").write_text("{")
    assert "bad.json is not readable JSON" in complaint(capsys, "train", str(tmp_path / "bad.json"))


@pytest.mark.parametrize("arguments", [[], ["train", "--loud"], ["sing"]])
def test_unknown_commands_and_options_show_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["reference", "--help"]])
def test_help_is_no_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.usefixtures("registries")
def test_a_training_that_diverges_says_so_and_exits_with_1(capsys):
    class Leap(Optimizer):
        """w ← ∞ at the third step."""

        def update(self, w, g, lr, t, memory):
            return w * (np.inf if t == 3 else 1.0), memory

    assert main(["train", *TINY, "optimizer=Leap"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "iverged at step 3, in layer " in err
    assert "Traceback" not in err


def test_reference_prints_every_kind_with_its_settings_ranges_and_help(capsys):
    assert main(["reference"]) == 0
    out = capsys.readouterr().out
    for family in FAMILIES:
        for kind in family.kinds.values():
            assert kind.__name__ in out
            for setting in kind.settings.values():
                assert setting.help in out
                if setting.low is not None or setting.high is not None:
                    assert f"Range {setting.span}" in out
                for text in (setting.usual, setting.few, setting.many, *setting.choices):
                    assert text in out


def test_the_reference_knows_every_family():
    assert set(FAMILIES) == set(conftest.FAMILIES)


def test_the_docstrings_in_the_reference_stand_in_one_column(capsys):
    main(["reference"])
    lines = capsys.readouterr().out.splitlines()
    place = next(index for index, line in enumerate(lines) if "Robbins" in line)
    assert lines[place].startswith("H. Robbins")


def launched(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "zen_core", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_real_command_gives_the_same_losses_as_the_trainer_bit_for_bit():
    result = launched("train", *TINY, "--json")
    assert result.returncode == 0
    assert "Traceback" not in result.stderr
    found = json.loads(result.stdout)
    assert found["losses"] == [step.loss for step in Trainer(from_plain(Experiment, found["experiment"]))]


def test_the_real_reference_has_nothing_to_complain_about():
    result = launched("reference")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Optimizer: Adam" in result.stdout


def test_the_core_knows_no_window():
    code = "import sys, zen_core.__main__; print([m for m in sys.modules if 'PySide' in m or 'pyqtgraph' in m])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout.strip() == "[]"
