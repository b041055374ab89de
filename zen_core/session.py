"""A session: a trainer on a thread of its own, told what to do by short calls, and read by looking at `latest`."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from zen_core.forecast import Forecast
from zen_core.loop import Diverged
from zen_core.network import Interrupted
from zen_core.trainer import End, Frame, Trainer, retuned

BURST = 0.008
"""Seconds of training between two looks at what was asked, and between two frames."""

COURTESY = 0.05
"""Longest time in seconds that the worker waits for a reader who asked it to hold still."""

BREATH = 0.001
"""Seconds of a forecast after which the worker offers the interpreter to others."""

FORECAST_PAUSE = 0.1
"""Least seconds from one forecast to the next."""

FORECAST_SHARE = 0.2
"""Greatest share of the worker's time that forecasts take."""


class State(Enum):
    """What a session is doing."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    DIVERGED = "diverged"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Moment:
    """What a session looks like from outside: its newest frame, its state, its speed, and what went wrong.

    `message` says in a sentence why it diverged or failed, `details` is the traceback of a fault.
    """

    frame: Frame
    state: State
    steps_per_second: float = 0.0
    message: str = ""
    details: str = ""


class Session:
    """Trains on a worker thread. All methods return at once; `latest` is replaced whole, by the worker alone.

    Calls may come from any thread. `stop` ends the worker for good; the process can end without waiting for it.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.latest = Moment(trainer.frame(), State.READY)
        self._state, self._message, self._details = State.READY, "", ""
        self._asked = threading.Condition(threading.RLock())
        self._running = False
        self._steps_left = 0
        self._expected = trainer.experiment
        self._changes: deque[tuple[str, Any]] = deque()
        self._stopping = False
        self._undisturbed = threading.Event()
        self._undisturbed.set()
        self._forecast: Forecast | None = None
        self._making: Iterator[Forecast | None] | None = None
        self._forecast_wanted = True
        self._forecast_after = 0.0
        self._credit = 0.0
        self._speed = Speed()
        self._thread = threading.Thread(target=self._work, name="zen-training", daemon=True)
        self._thread.start()

    @property
    def active(self) -> bool:
        """Whether steps have been asked for that are not made yet, though the worker may not have begun."""
        return self._running or self._steps_left > 0

    def run(self) -> None:
        """Train until the run ends, or until `pause`. A run that has ended early, by a stop condition, goes on."""
        with self._asked:
            self._running = True
            self._asked.notify()

    def pause(self) -> None:
        """Stop; a step that is being made is broken off where it would take long, and changes nothing."""
        with self._asked:
            if self.active:
                self.trainer.interrupt()
            self._running = False
            self._steps_left = 0
            self._asked.notify()

    def step(self, count: int = 1) -> None:
        """Make `count` steps and pause."""
        with self._asked:
            self._running = False
            self._steps_left += count
            self._asked.notify()

    def retune(self, path: str, value: Any) -> None:
        """Change a live setting before the next step; raises SpecError where it is not live or does not fit."""
        with self._asked:
            # It may build on a change that has not acted yet.
            self._expected = retuned(self._expected, path, value)
            self._changes.append((path, value))
            self._asked.notify()

    def stop(self) -> None:
        """End the worker; what it is at is broken off."""
        with self._asked:
            self._stopping = True
            self.trainer.interrupt()
            self._asked.notify()

    @contextmanager
    def courtesy(self) -> Iterator[None]:
        """Let the worker hold still between two steps while the caller paints.

        Python runs one thread at a time: without this, each call into the toolkit would wait for its turn.
        """
        self._undisturbed.clear()
        try:
            yield
        finally:
            self._undisturbed.set()

    def join(self, timeout: float) -> bool:
        """Wait for a stopped worker, at most `timeout` seconds; returns whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # Everything below runs on the worker.

    def _work(self) -> None:
        while True:
            self.trainer.resume()
            if self._stopping:
                return
            try:
                if self.active:
                    self._train()
                else:
                    self._rest()
            except Interrupted:
                # What was asked instead is looked for at once. A picture that was being made is begun again.
                self._drop_picture()
            except Diverged as error:
                self._halt(State.DIVERGED, str(error))
            except Exception as error:
                # What made a picture fail would fail again at once: no further one before something changes.
                self._making = None
                self._forecast_wanted = False
                self._halt(State.FAILED, f"{type(error).__name__}: {error}", traceback.format_exc())

    def _train(self) -> None:
        """Make steps for the length of a burst, and now and then a picture."""
        if self._state is not State.RUNNING:
            self._state, self._message, self._details = State.RUNNING, "", ""
            self._publish()
        self._retune()
        if self.trainer.end not in (None, End.EPOCHS):
            self.trainer.go_on()
        began = time.perf_counter()
        self._burst()
        self._credit += (time.perf_counter() - began) * FORECAST_SHARE / (1 - FORECAST_SHARE)
        with self._asked:
            # A change that was asked meanwhile may be more epochs.
            if self.trainer.done and not self._changes:
                self._halt(State.FINISHED)
        self._publish()
        if self._state is State.RUNNING:
            self._picture()

    def _rest(self) -> None:
        """Show where it stands, and wait for something to do."""
        if self._state is State.RUNNING:
            self._state = State.PAUSED
            self._speed = Speed()
        self._drop_picture()
        self._publish()
        self._picture()
        with self._asked:
            self._asked.wait_for(lambda: self._stopping or self.active or self._changes)
        self._retune()

    def _halt(self, state: State, message: str = "", details: str = "") -> None:
        with self._asked:
            self._running = False
            self._steps_left = 0
        self._state, self._message, self._details = state, message, details
        self._speed = Speed()

    def _retune(self) -> None:
        while self._changes:
            self.trainer.retune(*self._changes.popleft())
            self._drop_picture()
            self._forecast_wanted = True
        if self._state is State.FINISHED and not self.trainer.done:
            self._state = State.PAUSED

    def _burst(self) -> None:
        began, made = time.perf_counter(), 0
        try:
            while self.active and not self._changes and not self._stopping:
                self._undisturbed.wait(COURTESY)
                if next(self.trainer, None) is None:
                    break
                made += 1
                with self._asked:
                    self._steps_left = max(0, self._steps_left - 1)
                if time.perf_counter() - began > BURST:
                    break
        finally:
            if made:
                self._forecast_wanted = True
                self._speed.add(made, time.perf_counter() - began)

    def _picture(self) -> None:
        """Work on a forecast, and publish it when it is done, unless something else is asked meanwhile.

        While training, it is made in helpings between the bursts, as far as the time that they earned goes; it belongs
        to the step at which it was begun.
        """
        now = time.perf_counter()
        running = self._state is State.RUNNING
        if self._making is None:
            # Time is not saved up for the next one.
            self._credit = min(self._credit, 0.0)
            if not self._forecast_wanted or (running and (now < self._forecast_after or self._credit < 0)):
                return
            self._making = self.trainer.forecasting()
            self._forecast_wanted = False
            self._forecast_after = now + FORECAST_PAUSE
        breath = now
        for made in self._making:
            before, now = now, time.perf_counter()
            if running:
                self._credit -= now - before
            if made is not None:
                self._forecast = made
                self._making = None
                self.trainer.baselines()
                self._publish()
                return
            if self._stopping or self._changes or self.active != running:
                return
            if running and self._credit < 0:
                return
            self._undisturbed.wait(COURTESY)
            if now - breath > BREATH:
                # A free run is a great many tiny products, each of which lets go of the interpreter and takes it
                # back at once. A thread that waits is woken by each, always too late, and never gets to insist.
                time.sleep(1e-6)
                breath = now

    def _drop_picture(self) -> None:
        """What is being made belongs to another step, or to other settings."""
        if self._making is not None:
            self._making = None
            self._forecast_wanted = True

    def _publish(self) -> None:
        frame = self.trainer.frame(self._forecast)
        self.latest = Moment(frame, self._state, self._speed.value, self._message, self._details)


class Speed:
    """Steps a second, as a mean that forgets what is more than about a second old."""

    def __init__(self) -> None:
        self._steps = 0.0
        self._seconds = 0.0

    def add(self, steps: int, seconds: float) -> None:
        keep = 1 / (1 + seconds)
        self._steps = self._steps * keep + steps
        self._seconds = self._seconds * keep + seconds

    @property
    def value(self) -> float:
        return self._steps / self._seconds if self._seconds else 0.0
