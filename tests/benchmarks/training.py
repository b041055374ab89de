"""How fast a network trains, beside the least time its matrix products take on one core.

Run it with `python tests/benchmarks/training.py`. The first workload is the article's; figures are medians.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from zen_core import nn
from zen_core.experiment import Experiment
from zen_core.loop import Loop
from zen_core.loss import MSE
from zen_core.optim import RMSProp
from zen_core.trainer import Trainer
from zen_core.weights import Layout

ROUNDS = 7
STEPS = 100


def median_microseconds(call: Callable[[], object], count: int) -> float:
    """Median over rounds of the microseconds that one call takes."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(count):
            call()
        rounds.append((time.perf_counter() - began) / count * 1e6)
    return statistics.median(rounds)


def article_loop() -> Loop:
    layers = [nn.RNN(32, hidden_dim=32, return_sequences=True), nn.RNN(hidden_dim=32), nn.Linear(8), nn.Linear(1)]
    series = np.sin(np.arange(101.0)).astype(np.float32)
    x = np.stack([series[i : i + 50, None] for i in range(50)])
    layout = Layout(layers, (50, 1))
    for_weights, for_order = nn.generators(0)
    weights = layout.initial(for_weights, "float32")
    return Loop(
        layers,
        layout,
        weights,
        x,
        series[50:100, None],
        loss=MSE(),
        optimizer=RMSProp(0.0005),
        batch_size=8,
        epochs=10**9,
        generator=for_order,
    )


def main() -> None:
    matrix = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)
    with threadpool_limits(1):
        product = median_microseconds(lambda: matrix @ matrix, 20)
        speed = 2 * 512**3 / product / 1e3
        floor = 9.86e6 / speed / 1e3
        loop = article_loop()
        article = median_microseconds(lambda: next(loop), STEPS)
        trainer = Trainer(Experiment(epochs=10**6))
        default = median_microseconds(lambda: next(trainer), STEPS)
        forecast = median_microseconds(trainer.forecast, 3)
    print(f"matrix product           {speed:8.1f} GFLOP/s")
    print(f"article's network        {article:8.0f} µs a step, {article / floor:.1f} × the floor of {floor:.0f} µs")
    print(f"default experiment       {default:8.0f} µs a step")
    print(f"default forecast         {forecast / 1e3:8.1f} ms, of it a free run of 200 steps")


if __name__ == "__main__":
    main()
