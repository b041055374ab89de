"""What a run costs beside its steps: forecasts, memory, the lateness of a timer, the time of an import.

`python tests/benchmarks/costs.py NAME` measures one of them, and prints JSON. Each has a process of its own, in which
no other library has left its threads and its memory.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from peers import data
from threadpoolctl import threadpool_limits
from workloads import SEED, ready

from zen_core.backend import compilers
from zen_core.experiment import Experiment
from zen_core.forecast import predictions
from zen_core.history import Record
from zen_core.network import Network, network
from zen_core.session import Session
from zen_core.trainer import Trainer
from zen_gui.__main__ import SWITCH_INTERVAL

ROOT = Path(__file__).resolve().parents[2]
PERIOD = 0.004
MODULES = ("zen_core", "zen_core.session")
UNWANTED = ("PySide6", "numba")


def free_run(seconds: float) -> dict[str, float]:
    """Milliseconds of a free run of 1,000 points by the seed model, in one call."""
    trainer, seed = forecaster(SEED.experiment())
    weights, past = trainer.frame().weights, data(trainer)[0][0, :, 0]
    return {"milliseconds": median_milliseconds(lambda: seed.free_run(weights, past, 1000), seconds)}


def whole_curve(seconds: float) -> dict[str, float]:
    """Milliseconds of the one-step forecasts from 150 windows of 50 samples by the seed model."""
    trainer, seed = forecaster(replace(SEED.experiment(), samples=200))
    weights, inputs = trainer.frame().weights, data(trainer)[0]
    assert inputs.shape == (150, 50, 1)
    return {"milliseconds": median_milliseconds(lambda: list(predictions(seed, weights, inputs)), seconds)}


def forecaster(experiment: Experiment) -> tuple[Trainer, Network]:
    """A trainer, and the network that makes its forecasts."""
    trainer = ready(experiment)
    kernels = compilers[experiment.dtype].load(wait=True)
    return trainer, network(experiment.layers, trainer.layout, experiment.dtype, kernels)


def memory(seconds: float) -> dict[str, float | None]:
    """How many megabytes a process grows while it trains the seed model, once it has warmed up."""
    trainer = ready(SEED.experiment())
    train(trainer, seconds / 4)
    before, first = resident(), trainer.step
    train(trainer, 2 * seconds)
    return {"megabytes": grown(before), "steps": trainer.step - first}


def history(seconds: float) -> dict[str, float | None]:
    """How many megabytes a history of ten million losses takes."""
    count = 10_000_000
    before, began = resident(), time.perf_counter()
    record = Record()
    for number in range(count):
        record.append(number)
    nanoseconds = (time.perf_counter() - began) / count * 1e9
    megabytes = grown(before)
    assert len(record.view) == count
    return {"megabytes": megabytes, "nanoseconds": nanoseconds}


def timer(seconds: float) -> dict[str, Any]:
    """By how many milliseconds a timer of 4 ms on the main thread comes late, alone and while a session trains.

    The median, the 99th percentile and the worst, with the window's switch interval; the two take turns.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    session = Session(ready(SEED.experiment()))
    gc.collect()
    gc.freeze()
    idle: list[float] = []
    training: list[float] = []
    for _ in range(4):
        for ask, late in ((session.pause, idle), (session.run, training)):
            ask()
            # A session that pauses finishes its picture.
            lateness(0.3)
            late += lateness(seconds / 2)
    steps = session.latest.frame.step
    session.stop()
    assert session.join(10.0)
    assert steps, session.latest.message
    return {"idle": summary(idle), "training": summary(training), "steps": steps}


def imports(seconds: float) -> dict[str, Any]:
    """Milliseconds that an import takes in a new process, and which unwanted packages it brings along."""
    found = {}
    for module in MODULES:
        code = (
            f"import time; began = time.perf_counter(); import {module}; took = time.perf_counter() - began\n"
            f"import sys; print(took, *[name for name in {UNWANTED} if name in sys.modules])"
        )
        answers = [python("-c", code).split() for _ in range(7)]
        took = [float(answer[0]) for answer in answers]
        found[module] = {"milliseconds": 1e3 * statistics.median(took), "brings": answers[0][1:]}
    return found


COSTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "free-run": free_run,
    "whole-curve": whole_curve,
    "memory": memory,
    "history": history,
    "timer": timer,
    "import": imports,
}


def median_milliseconds(call: Callable[[], object], seconds: float) -> float:
    """Of as many calls as fit into the time, but at least three."""
    call()
    took: list[float] = []
    while len(took) < 3 or sum(took) < seconds:
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return 1e3 * statistics.median(took)


def train(trainer: Trainer, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        next(trainer)


def resident() -> int | None:
    """The bytes of this process that are held in memory; None where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def grown(before: int | None) -> float | None:
    """Megabytes held now beyond those held `before`."""
    now = resident()
    return None if before is None or now is None else (now - before) / 1e6


def lateness(seconds: float) -> list[float]:
    """Milliseconds by which each of a timer's ticks came late."""
    late = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        time.sleep(PERIOD)
        late.append(1e3 * (time.perf_counter() - began - PERIOD))
    return late


def summary(late: list[float]) -> list[float]:
    """The median, the 99th percentile and the greatest."""
    return [*np.percentile(late, (50, 99)).tolist(), max(late)]


def python(*arguments: str) -> str:
    """What a new process prints that finds the same packages."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path}
    ran = subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return ran.stdout


def cost(name: str, seconds: float) -> dict[str, Any]:
    """Measure a cost in a process of its own."""
    measured: dict[str, Any] = json.loads(python(__file__, name, str(seconds)))
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=COSTS)
    parser.add_argument("seconds", type=float, nargs="?", default=3.0, help="how long to measure")
    options = parser.parse_args()
    with threadpool_limits(1):
        print(json.dumps(COSTS[options.name](options.seconds)))


if __name__ == "__main__":
    main()
