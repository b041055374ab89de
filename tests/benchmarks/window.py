"""How quick the window stays while it trains: the lateness of a 5 ms timer on the GUI thread, idle and training.

Run it with `python tests/benchmarks/window.py`, with or without a display; it trains for ten seconds.
"""

import gc
import os
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication
from threadpoolctl import threadpool_limits

from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_gui import theme
from zen_gui.__main__ import SWITCH_INTERVAL
from zen_gui.window import Window

PERIOD = 0.005


def lateness(seconds: float) -> np.ndarray:
    """Milliseconds by which the ticks of a 5 ms timer came late."""
    ticks: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start(round(1000 * PERIOD))
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
    timer.stop()
    return 1000 * np.maximum(0, np.diff(ticks) - PERIOD)


def told(name: str, late: np.ndarray) -> str:
    median, high = np.percentile(late, (50, 99))
    return f"{name:<24} median {median:6.2f} ms   p99 {high:6.2f} ms   max {late.max():6.2f} ms   {len(late)} ticks"


def main() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = QApplication([])
    theme.apply(app, theme.DARK)
    experiment = edited(Experiment(), "epochs", 1_000_000)
    settings = QSettings(os.devnull, QSettings.Format.IniFormat)
    with threadpool_limits(1):
        window = Window(experiment, {}, settings)
        window.resize(1440, 900)
        window.show()
        lateness(1.0)
        gc.collect()
        gc.freeze()
        print(told("idle", lateness(3.0)))
        window.run_or_pause()
        late = lateness(10.0)
        moment = window.session.latest
        print(told("training", late))
        print(f"{moment.frame.step:,} steps, {moment.steps_per_second:,.0f} a second")
        began = time.perf_counter()
        window.close()
        print(f"closed in {1000 * (time.perf_counter() - began):.0f} ms")


if __name__ == "__main__":
    main()
