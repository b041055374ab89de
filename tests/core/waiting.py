"""Waiting for another thread: for a condition, never for a time."""

import threading
import time
from collections.abc import Callable

GENEROUS = 20.0


def wait_until(condition: Callable[[], object], seconds: float = GENEROUS) -> None:
    """Return as soon as the condition holds; fail where it does not hold for `seconds`."""
    pause, last = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last, "the condition never came true"
        pause.wait(0.002)
