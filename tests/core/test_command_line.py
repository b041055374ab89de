"""The command line: train, reference, and sentences instead of tracebacks."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zen_core import __main__ as command_line
from zen_core.__main__ import FAMILIES, main
from zen_core.component import from_plain
from zen_core.curve import Formula, Recorded
from zen_core.edits import edited
from zen_core.experiment import Experiment, described, save
from zen_core.optim import SGD, Optimizer
from zen_core.schedule import Cosine
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


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["suite", "--help"], ["reference", "--help"]])
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

    assert main(["train", *TINY, "highway=0", "optimizer=Leap"]) == 1
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


# The suite

QUICK = ["epochs=1", "samples=80", "window=10", "layers.0.hidden_dim=2"]


def tables(out):
    """The tables in what was printed: for each a list of rows, the heading first, each a list of cells."""
    found = []
    for block in out.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        if lines:
            cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
            assert all(re.fullmatch("-+:?", cell) for cell in cells.pop(1))
            assert {len(row) for row in cells} == {len(cells[0])}
            assert len({len(line) for line in lines}) == 1
            found.append(cells)
    return found


def test_the_suite_prints_a_row_for_each_curve_and_the_same_for_rules(capsys):
    assert main(["suite", *QUICK, "--curves", "sine", "nile"]) == 0
    out, err = capsys.readouterr()
    networks, rules = tables(out)
    assert networks[0][:8] == ["curve", "one-step MSE", "valid", "useful", "at 1", "at 10", "at 100", "at 600"]
    assert [row[0] for row in networks[1:]] == [row[0] for row in rules[1:]] == ["sine `sin(x)`", "nile"]
    trainer = Trainer(described([*QUICK, "curve.expression=sin(x)", "curve.step=0.25", "beyond=600"]))
    for _ in trainer:
        pass
    forecast = trainer.forecast()
    assert networks[1][1:3] == [f"{forecast.one_step_mse:.3g}", str(forecast.valid_steps)]
    assert networks[1][4] == f"{forecast.errors[0] / trainer.series.amplitude:.3g}"
    assert networks[2][6:8] == ["–", "–"]
    assert rules[1][4].startswith("2: all 616 / 616; ")
    assert rules[2][1].endswith(" · – · –")
    assert "600 steps: 0 of 1 formulas" in out
    assert "sine" in err


def test_a_curve_with_a_recipe_of_its_own_has_one_more_cell(capsys, monkeypatch):
    monkeypatch.setattr(command_line, "TUNED", {"nile": {"epochs": 2}})
    assert main(["suite", *QUICK, "--curves", "nile", "airline"]) == 0
    networks, _ = tables(capsys.readouterr().out)
    assert networks[0][-1] == "tuned"
    assert re.fullmatch(r"\d+ / \d+", networks[1][-1])
    assert networks[2][-1] == ""


def lines(capsys, *arguments):
    """What `suite --json` prints, line by line; Infinity and NaN are no JSON."""
    assert main(["suite", "--json", *arguments]) == 0

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in capsys.readouterr().out.splitlines()]


def test_the_suite_tells_medians_over_seeds(capsys):
    alone = [lines(capsys, *QUICK, f"seed={seed}", "--curves", "sawtooth")[0] for seed in range(3)]
    (together,) = lines(capsys, *QUICK, "--curves", "sawtooth", "--seeds", "3")
    assert together["one_step_mse"] == sorted(each["one_step_mse"] for each in alone)[1]
    assert len({each["one_step_mse"] for each in alone}) == 3
    assert together["rules"] == alone[0]["rules"]
    assert together["seeds"] == 3


def test_json_has_a_line_for_each_curve_and_recipe(capsys, monkeypatch):
    monkeypatch.setattr(command_line, "TUNED", {"nile": {"epochs": 2}})
    found = lines(capsys, *QUICK, "--curves", "nile", "sine")
    assert [(each["curve"], each["recipe"]) for each in found] == [
        ("nile", "common"),
        ("nile", "tuned"),
        ("sine", "common"),
    ]
    assert [from_plain(Experiment, each["experiment"]).epochs for each in found] == [1, 2, 1]
    assert found[2]["network"].keys() == {"known", "valid", "useful", "errors"}
    assert found[2]["network"]["errors"].keys() == {"1", "10", "100", "600"}
    assert found[0]["network"]["errors"]["600"] is None


def test_variants_stand_side_by_side(capsys, monkeypatch):
    monkeypatch.setattr(command_line, "VARIANTS", {"plain": {}, "two epochs": {"epochs": 2}})
    assert main(["suite", *QUICK, "--curves", "sine", "nile", "--variants"]) == 0
    ((heading, *variants),) = tables(capsys.readouterr().out)
    assert heading == ["valid / useful", "sine", "nile", "valid for 600", "s"]
    assert [row[0] for row in variants] == ["plain", "two epochs"]
    found = lines(capsys, *QUICK, "--curves", "sine", "--variants")
    cells = [f"{each['network']['valid']} / {each['network']['useful']}" for each in found]
    assert [row[1] for row in variants] == cells


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--curves", "sines"], "Did you mean 'sine'?"),
        (["--seeds", "0"], "Use 1 or more"),
        (["window=70", "--curves", "sine", "nile"], "Window 70 does not fit the training part (60 samples)"),
        (["optimizer.lr=-1"], "Learning rate cannot be -1"),
    ],
)
def test_a_suite_that_does_not_fit_is_refused_before_it_starts(capsys, arguments, words):
    assert words in complaint(capsys, "suite", *arguments)


def test_what_was_finished_before_an_interruption_has_been_printed(capsys, monkeypatch):
    step = Trainer.__next__

    def interrupted(trainer):
        if isinstance(trainer.experiment.curve, Recorded):
            raise KeyboardInterrupt
        return step(trainer)

    monkeypatch.setattr(Trainer, "__next__", interrupted)
    assert main(["suite", *QUICK, "--curves", "sine", "nile"]) == 130
    out, err = capsys.readouterr()
    ((_, *networks),) = tables(out)
    assert [row[0] for row in networks] == ["sine `sin(x)`"]
    assert "Interrupted" in err


@pytest.mark.usefixtures("registries")
def test_a_diverged_training_is_told_and_scored_as_it_stands(capsys):
    class Leap(Optimizer):
        """w ← ∞."""

        def update(self, w, g, lr, t, memory):
            return w * np.inf, memory

    assert main(["suite", *QUICK, "optimizer=Leap", "--curves", "sine", "nile"]) == 0
    out, err = capsys.readouterr()
    assert len(tables(out)[0]) == 3
    assert err.count("iverged at step 1") == 2


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
    result = launched("train", *TINY, "--json", "--backend", "numpy")
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
