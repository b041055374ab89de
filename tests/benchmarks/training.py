"""How fast networks train, beside the least time of their matrix products on one core, and beside PyTorch and JAX.

Run it by hand with `python tests/benchmarks/training.py`. It prints Markdown, in a few minutes: a table of workloads,
then what else is promised. `--quick` gives a rough picture, `--rows` some lines only, `--json` the numbers of every
round; on a machine that others use, `--processor-time` is the better clock. PyTorch and JAX are compared where they are
installed, after their losses have been found to be ours.

Ours is the public Trainer: shuffling, clipping, optimizer and history are included. A step is the mean step of whole
epochs, whose last batch is short; the floor counts just the same windows. In each round all contestants take their
turns, one after another, on one thread. Times are medians over the rounds; ratios are medians of the rounds' ratios,
so that they compare neighbours in time.
"""

import argparse
import gc
import importlib.metadata
import json
import math
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import costs
import numpy as np
import peers
import workloads
from threadpoolctl import threadpool_info, threadpool_limits
from workloads import WORKLOADS, Workload

from zen_core.optim import RMSProp

OURS, FLOOR = "Zen", "floor"
SIDE = 512
"""Rows and columns of the matrices whose product tells the core's speed."""

Step = Callable[[], object]


@dataclass(frozen=True)
class Effort:
    """The number of rounds, the least seconds of a turn, and the seconds of each measurement of other kinds.

    With `processor_time`, a step takes what the process spends in it, not what the clock on the wall shows.
    """

    rounds: int
    turn: float
    other: float
    processor_time: bool = False


FULL, QUICK = Effort(7, 0.2, 3.0), Effort(3, 0.02, 0.5)


@dataclass
class Timing:
    """A contestant's turns: microseconds a step in each round, and the seconds and the processor's seconds of all."""

    rounds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    busy: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def take_turn(self, step: Step, count: int, processor_time: bool) -> None:
        busy, began = time.process_time(), time.perf_counter()
        for _ in range(count):
            step()
        seconds = time.perf_counter() - began
        busy = time.process_time() - busy
        self.busy += busy
        self.seconds += seconds
        self.rounds.append(1e6 * (busy if processor_time else seconds) / count)


def in_turns(contestants: Mapping[str, tuple[Step, int]], effort: Effort) -> dict[str, Timing]:
    """Time the steps of all contestants, in multiples of the number that each comes with."""
    counts = {}
    for name, (step, multiple) in contestants.items():
        # In the first turn it compiles what it compiles.
        trials = Timing(), Timing()
        for trial in trials:
            trial.take_turn(step, multiple, effort.processor_time)
        counts[name] = multiple * math.ceil(effort.turn / trials[1].seconds)
    timings = {name: Timing() for name in contestants}
    # Set now, a limit holds for all the libraries that the contestants have loaded.
    with threadpool_limits(1):
        assert all(pool["num_threads"] == 1 for pool in threadpool_info()), threadpool_info()
        gc.collect()
        # Otherwise each of our collections would go through what the peers' libraries have allocated.
        gc.freeze()
        for _ in range(effort.rounds):
            for name, (step, _) in contestants.items():
                timings[name].take_turn(step, counts[name], effort.processor_time)
        gc.unfreeze()
    return timings


@dataclass(frozen=True)
class Row:
    """A line of the table: what was trained, the operations of a step's products, and what the contestants took."""

    name: str
    backend: str
    flops: float
    timings: Mapping[str, Timing]

    @property
    def ours(self) -> float:
        return self.timings[OURS].median

    @property
    def over_floor(self) -> float:
        """How many times as long as its products our step takes."""
        return self._ratio(OURS, FLOOR) * 2 * SIDE**3 / self.flops

    def lead(self, peer: str) -> float:
        """How many times as long as ours a peer's step takes."""
        return self._ratio(peer, OURS)

    def _ratio(self, above: str, below: str) -> float:
        pairs = zip(self.timings[above].rounds, self.timings[below].rounds, strict=True)
        return statistics.median(a / b for a, b in pairs)


def measured(name: str, twins: Mapping[str, type[peers.Twin]], effort: Effort) -> Row:
    """Measure a workload."""
    workload = WORKLOADS[name]
    trainer = workloads.ready(workload.experiment())
    epoch = math.ceil(workload.windows / workload.batch)
    contestants: dict[str, tuple[Step, int]] = {OURS: (trainer.__next__, epoch)}
    for peer, twin in twins.items():
        check(twin, workload)
        contestants[peer] = twin_step(twin(trainer), workload.windows, workload.batch), epoch
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32)
    product = np.empty_like(matrix)
    contestants[FLOOR] = (lambda: np.matmul(matrix, matrix, out=product)), 1
    timings = in_turns(contestants, effort)
    return Row(name, workloads.backend(trainer), workloads.flops(trainer) * workload.windows / epoch, timings)


def twin_step(twin: peers.Twin, count: int, batch: int) -> Step:
    """The next step of a twin: like ours, it goes through all windows in an order that is new in each epoch."""
    generator = np.random.default_rng(0)

    def batches() -> Iterator[np.ndarray]:
        while True:
            order = generator.permutation(count)
            for start in range(0, count, batch):
                yield order[start : start + batch]

    rows = batches()
    return lambda: twin.step(next(rows))


def check(twin: type[peers.Twin], workload: Workload) -> None:
    """Raise AssertionError unless a twin's loss of a batch is ours, at first and after each of two updates."""
    # All windows are one batch: their order is no matter. With so small an epsilon, neither is its side of the root.
    few = replace(workload, batch=8).experiment()
    rule = RMSProp(lr=0.0005, epsilon=1e-16)
    trainer = workloads.ready(replace(few, samples=few.window + 8, optimizer=rule))
    theirs = twin(trainer)
    for tolerance in (1e-5, 1e-4, 1e-4):
        loss, step = theirs.step(np.arange(8)), next(trainer)
        assert abs(loss - step.loss) <= tolerance * step.loss, f"{twin.module}: {loss} is not the loss of {step}"


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def head(twins: Mapping[str, object]) -> str:
    titles = ["workload", "µs a step", "× floor", *(f"{peer}{of}" for peer in twins for of in (", µs", f" ÷ {OURS}"))]
    return line(*titles) + "\n" + line("---", *["---:"] * (len(titles) - 1))


def table_line(row: Row, twins: Mapping[str, object]) -> str:
    theirs = [text for peer in twins for text in (f"{row.timings[peer].median:,.0f}", f"{row.lead(peer):.1f}")]
    return line(row.name.replace("-", " "), f"{row.ours:,.0f}", f"{row.over_floor:.2f}", *theirs)


def growth(rows: Mapping[str, Row]) -> Iterator[tuple[str, str, str]]:
    """How the seed model's time grows with its window, its batch and its hidden size."""
    for factor in ("window", "batch", "hidden"):
        names = ["seed", *(name for name in rows if name.startswith(factor))]
        if "seed" not in rows or len(names) < 2:
            continue
        names.sort(key=lambda name: getattr(WORKLOADS[name], factor))
        sizes = " → ".join(str(getattr(WORKLOADS[name], factor)) for name in names)
        found = [rows[name] for name in names]
        if factor == "hidden":
            yield f"× floor, hidden {sizes}", arrows(row.over_floor for row in found), "not growing"
        else:
            # By way of the floor: the lines were not measured at the same time.
            work = [row.flops / rows["seed"].flops for row in found]
            times = (row.over_floor / rows["seed"].over_floor * more for row, more in zip(found, work, strict=True))
            yield f"time, {factor} {sizes}", arrows(times), f"linear: {arrows(work)}"


def arrows(numbers: Iterable[float]) -> str:
    return " → ".join(f"{number:.2f}" for number in numbers)


def seed_lines(row: Row) -> Iterator[tuple[str, str, str]]:
    yield "backend", row.backend, "compiled"
    yield "seed model", f"{row.over_floor:.2f} × floor", "≤ 2.0 ×"
    for peer, needed in (("PyTorch", "≥ 20 ×"), ("JAX", "≥ 3.5 ×")):
        if peer in row.timings:
            yield f"seed model, {peer} ÷ {OURS}", f"{row.lead(peer):.1f} ×", needed


def cost_lines(name: str, cost: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    match name:
        case "free-run":
            yield "free run of 1,000 points", f"{cost['milliseconds']:.1f} ms", "≤ 60 ms"
        case "whole-curve":
            yield "whole curve, 150 windows", f"{cost['milliseconds']:.2f} ms", "≤ 3 ms"
        case "memory":
            yield f"memory grown over {cost['steps']:,} steps", megabytes(cost), "steady"
        case "history":
            yield "10 million losses recorded", f"{megabytes(cost)}, {cost['nanoseconds']:.0f} ns each", "≤ 10 MB"
        case "timer":
            for state in ("idle", "training"):
                middle, high, most = cost[state]
                yield f"timer late, {state}", f"p50 {middle:.2f}, p99 {high:.2f}, max {most:.2f} ms", ""
            yield "timer later by training, p99", f"{cost['training'][1] - cost['idle'][1]:.2f} ms", "≤ 1 ms"
        case "import":
            for module, found in cost.items():
                brings = ", ".join(found["brings"]) or "neither Qt nor numba"
                needed = "≤ 200 ms, neither" if module == "zen_core" else ""
                yield f"import {module}", f"{found['milliseconds']:.0f} ms, {brings}", needed


def megabytes(cost: Mapping[str, Any]) -> str:
    return "unknown here" if cost["megabytes"] is None else f"{cost['megabytes']:.1f} MB"


def versions(twins: Mapping[str, type[peers.Twin]]) -> dict[str, str]:
    packages = ["numpy", *(twin.module for twin in twins.values())]
    return {"Python": platform.python_version()} | {name: importlib.metadata.version(name) for name in packages}


def cores(rows: Sequence[Row]) -> dict[str, float]:
    """How many cores each contestant kept busy: more than 1 tells of threads, less of a machine that is shared."""
    names = rows[0].timings if rows else ()
    turns = {name: [row.timings[name] for row in rows] for name in names}
    return {name: sum(turn.busy for turn in each) / sum(turn.seconds for turn in each) for name, each in turns.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    known = (*WORKLOADS, *costs.COSTS)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", metavar="NAME", help=f"which of {', '.join(known)}")
    parser.add_argument("--no-peers", action="store_true", help="leave PyTorch and JAX out")
    parser.add_argument("--json", action="store_true", help="print the numbers of every round as JSON")
    parser.add_argument("--quick", action="store_true", help="few and short rounds")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="time steps by the processor's clock: for a machine that others use",
    )
    options = parser.parse_args(arguments)
    names = [name for word in options.rows or known for name in word.split(",") if name]
    if unknown := set(names) - set(known):
        parser.error(f"no row is called {', '.join(sorted(unknown))}; use {', '.join(known)}")
    effort = replace(QUICK if options.quick else FULL, processor_time=options.processor_time)
    twins = {} if options.no_peers else peers.installed()

    def show(text: str) -> None:
        if not options.json:
            print(text, flush=True)

    rows: dict[str, Row] = {}
    show(head(twins))
    for name in WORKLOADS:
        if name in names:
            rows[name] = measured(name, twins, effort)
            show(table_line(rows[name], twins))
    show("\n" + line("beside", "measured", "needed") + "\n" + line("---", "---", "---"))
    for told in (*(seed_lines(rows["seed"]) if "seed" in rows else ()), *growth(rows)):
        show(line(*told))
    found = {}
    for name in costs.COSTS:
        if name in names:
            found[name] = costs.cost(name, effort.other)
            for told in cost_lines(name, found[name]):
                show(line(*told))
    used = cores(list(rows.values()))
    show("\n" + ", ".join(f"{name} {version}" for name, version in versions(twins).items()) + ".")
    if used:
        show("Cores kept busy: " + ", ".join(f"{name} {share:.2f}" for name, share in used.items()) + ".")
    if options.json:
        table = {name: asdict(row) for name, row in rows.items()}
        print(json.dumps({"rows": table, "costs": found, "cores": used, "versions": versions(twins)}))


if __name__ == "__main__":
    main()
