"""The benchmark: it counts what it says, refuses a peer that computes something else, and prints its table."""

import importlib
import json
from pathlib import Path

import pytest

from zen_core.nn import GRU, LSTM
from zen_core.trainer import Trainer

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """The modules of a benchmark, by name. It takes the backend that is there, without waiting for a compiler."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(importlib.import_module("workloads"), "ready", Trainer)
    return importlib.import_module


def test_the_seed_model_is_what_its_measurements_speak_of(benchmark):
    workloads = benchmark("workloads")
    trainer = Trainer(workloads.SEED.experiment())
    assert [next(trainer).batch for _ in range(7)] == [8] * 6 + [2]
    assert trainer.step == 7
    assert trainer.frame().epoch == 1
    assert workloads.flops(trainer) * 8 == pytest.approx(9.86e6, rel=1e-3)


@pytest.mark.parametrize(("cell", "gates"), [(LSTM, 4), (GRU, 3)])
def test_operations_are_counted_by_the_shapes_of_the_weights(benchmark, cell, gates):
    workloads = benchmark("workloads")
    trainer = Trainer(workloads.Workload(cell=cell, hidden=5, window=3).experiment())
    first = 3 * (2 * 1 + 3 * 5) * 5 * gates - 5 * 5 * gates + 3 * 3 * 5 * 32
    second = 3 * (3 * 32 + 3 * 5) * 5 * gates - 5 * 5 * gates
    assert workloads.flops(trainer) == 2 * (first + second + 3 * 5 * 8 + 3 * 8)


class Same:
    """A twin that is the trainer itself; it makes its loss a little larger."""

    module = "zen_core"
    wrong = 1.0

    def __init__(self, trainer):
        self.trainer = Trainer(trainer.experiment)

    def step(self, rows):
        return next(self.trainer).loss * self.wrong


class Wrong(Same):
    wrong = 1.0001


def test_a_twin_has_to_compute_the_same(benchmark):
    check, workload = benchmark("training").check, benchmark("workloads").Workload(window=5)
    check(Same, workload)
    with pytest.raises(AssertionError, match="is not the loss of"):
        check(Wrong, workload)


def test_twins_are_given_what_the_trainer_trains_on(benchmark):
    trainer = Trainer(benchmark("workloads").Workload(window=5).experiment())
    inputs, targets = benchmark("peers").data(trainer)
    assert inputs.shape == (50, 5, 1)
    assert targets.shape == (50, 1)
    assert inputs.dtype == targets.dtype == trainer.experiment.dtype
    assert inputs[7, 2, 0] == targets[4, 0]


def test_it_prints_a_table_with_the_rows_that_were_asked_for(benchmark, capsys, monkeypatch):
    training = benchmark("training")
    monkeypatch.setattr(training.peers, "installed", lambda: {"Same": Same})
    monkeypatch.setattr(training, "versions", lambda twins: {})
    training.main(["--quick", "--rows", "seed,window-10"])
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "| workload | µs a step | × floor | Same, µs | Same ÷ Zen |"
    assert [line.split(" | ")[0] for line in table[2:4]] == ["| seed", "| window 10"]
    assert all(line.count("|") == 6 for line in table[:4])
    assert any(line.startswith("| time, window 10 → 50 |") for line in table)


def test_it_prints_every_round_as_json(benchmark, capsys):
    benchmark("training").main(["--quick", "--rows", "window-10", "--no-peers", "--json"])
    answer = json.loads(capsys.readouterr().out)
    timings = answer["rows"]["window-10"]["timings"]
    assert {name: len(timing["rounds"]) for name, timing in timings.items()} == {"Zen": 3, "floor": 3}


def test_an_unknown_row_is_named(benchmark, capsys):
    with pytest.raises(SystemExit):
        benchmark("training").main(["--rows", "seed,sed"])
    assert "no row is called sed" in capsys.readouterr().err
