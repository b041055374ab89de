"""The program: arguments, the application, the window."""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from zen_core.component import SpecError
from zen_gui import ASSETS, libraries

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from zen_core.experiment import Experiment
    from zen_gui.window import Window

SWITCH_INTERVAL = 0.0005
"""Seconds after which Python hands the interpreter on: the default of 5 ms is felt in the window while it trains."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns 0, 1 where Qt or a file fails, 2 where the arguments do not fit."""
    options = _options(arguments)
    if options.screenshot is not None and not _has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    missing = libraries.missing()
    if missing:
        print(missing, file=sys.stderr)
        return 1
    return _start(options)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="zen-playground",
        description="See, by hand, how a recurrent network learns to continue a curve.",
        epilog="Example: zen-playground 'curve.expression=sin(x)' layers.0.hidden_dim=16",
    )
    parser.add_argument("experiment", nargs="*", metavar="experiment.json | key=value")
    parser.add_argument("--theme", choices=("dark", "light", "system"), help="how the window is dressed")
    parser.add_argument("--size", type=_size, metavar="1440x900", help="size of the window")
    parser.add_argument("--run", action="store_true", help="train at once")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="train, save a picture of the window, and quit")
    parser.add_argument("--after", type=_seconds, default=6.0, metavar="SECONDS", help="seconds before the screenshot")
    return parser.parse_args(arguments)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{3,4})x(\d{3,4})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size. Write it as 1440x900.")
    return int(found[1]), int(found[2])


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time. Give seconds from 0 to 3600.")
    return seconds


def _has_display() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _start(options: argparse.Namespace) -> int:
    # Qt and numpy are imported here, after it is known that Qt can start at all.
    from PySide6.QtCore import QSettings
    from threadpoolctl import threadpool_limits

    from zen_core.experiment import described
    from zen_gui.window import Window

    try:
        experiment = described(options.experiment)
        experiment.series()
        experiment.layout()
        presets = _presets()
    except SpecError as error:
        print(f"zen-playground: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"zen-playground: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    sys.setswitchinterval(SWITCH_INTERVAL)
    settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "zen-playground", "zen-playground")
    # A picture looks the same whoever takes it.
    worn = "dark" if options.screenshot is not None else str(settings.value("theme", "system"))
    app = _application(options.theme or worn)
    # The network's matrices are small: a second thread for each product only takes the window's core away.
    with threadpool_limits(1):
        window = Window(experiment, presets, settings)
        _catch_faults(window)
        window.resize(*(options.size or (1440, 900)))
        window.show()
        if options.run or options.screenshot is not None or settings.value("started") is None:
            window.run_or_pause()
        if options.screenshot is not None:
            return _photograph(app, window, options.screenshot, options.after)
        settings.setValue("started", True)
        # What is there now stays: the collector need not look at it again while a training runs.
        gc.collect()
        gc.freeze()
        return app.exec()


def _presets() -> dict[str, Experiment]:
    from zen_core.experiment import load

    files = sorted((ASSETS / "examples").glob("*.json"))
    return {file.stem.replace("-", " ").capitalize(): load(file) for file in files}


def _application(theme_name: str) -> QApplication:
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication

    from zen_gui import theme

    qInstallMessageHandler(_message)
    app = QApplication.instance() or QApplication(["zen-playground"])
    assert isinstance(app, QApplication)
    app.setApplicationDisplayName("Zen Playground")
    app.setDesktopFileName("zen-playground")
    app.setWindowIcon(QIcon(str(ASSETS / "icons" / "app.svg")))
    theme.apply(app, theme.named(theme_name))
    return app


def _message(kind: object, context: object, text: str) -> None:
    # Qt's platform without a screen says so whenever a window is shown; nobody can do anything about it.
    if "does not support propagateSizeHints" not in text:
        print(text, file=sys.stderr)


def _catch_faults(window: Window) -> None:
    """Show what goes wrong in a slot or a thread in the window, where a person looks, and on the terminal."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        window.fault.emit(f"{kind.__name__}: {error}", "".join(traceback.format_exception(kind, error, trace)))

    sys.excepthook = show
    threading.excepthook = lambda fault: show(fault.exc_type, fault.exc_value or fault.exc_type(), fault.exc_traceback)


def _photograph(app: QApplication, window: Window, file: Path, seconds: float) -> int:
    from PySide6.QtCore import QTimer

    saved: list[bool] = []

    def photograph() -> None:
        saved.append(window.grab().save(str(file)))
        window.close()
        app.quit()

    # Without the window there is nothing to take a picture of.
    QTimer.singleShot(round(1000 * seconds), window, photograph)
    app.exec()
    if not saved:
        print("zen-playground: the window was closed before its picture was taken.", file=sys.stderr)
        return 1
    if not saved[0]:
        print(
            f"zen-playground: cannot write a picture to {file}. Use a .png file in a folder that exists.",
            file=sys.stderr,
        )
    return 0 if saved[0] else 1


if __name__ == "__main__":
    sys.exit(main())
