"""The real window for tests: its settings in a folder of the test, closed at the end, and no fault left unseen."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from acting import GENEROUS, SMALL, Person, tear_down
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from threadpoolctl import threadpool_limits

from zen_core.experiment import Experiment
from zen_gui import theme
from zen_gui.__main__ import SWITCH_INTERVAL
from zen_gui.window import Window

OpenWindow = Callable[..., Window]
SitDown = Callable[..., Person]


@pytest.fixture(autouse=True, scope="session")
def as_the_program() -> Iterator[None]:
    """Python hands the interpreter on, and matrices are multiplied, as in the program."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    with threadpool_limits(1):
        yield
    sys.setswitchinterval(before)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What nobody caught, in any thread."""
    seen: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: seen.append(f"{kind.__name__}: {error}"))
    monkeypatch.setattr(
        threading, "excepthook", lambda fault: seen.append(f"{fault.exc_type.__name__}: {fault.exc_value}")
    )
    return seen


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, tmp_path: Path, faults: list[str]) -> Iterator[OpenWindow]:
    """Opens windows: `window(experiment, presets={…}, size=(1440, 900), dress="dark")`."""
    opened: list[Window] = []

    def open_window(
        experiment: Experiment = SMALL,
        presets: Mapping[str, Experiment] | None = None,
        size: tuple[int, int] = (1440, 900),
        dress: str = "dark",
    ) -> Window:
        theme.apply(qapp, theme.named(dress))
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        opened.append(Window(experiment, presets or {}, settings))
        opened[-1].resize(*size)
        with qtbot.waitExposed(opened[-1]):
            opened[-1].show()
        opened[-1].activateWindow()
        qtbot.waitUntil(opened[-1].isActiveWindow, timeout=GENEROUS)
        return opened[-1]

    yield open_window
    for one in opened:
        tear_down(one)
    qapp.processEvents()
    assert faults == []


@pytest.fixture
def sit_down(qtbot: QtBot, window: OpenWindow) -> SitDown:
    """Opens a window, like `window`, and puts a person before it."""
    return lambda *args, **kwargs: Person(qtbot, window(*args, **kwargs))
