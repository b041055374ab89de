"""The program from outside: its arguments, its exit codes, its pictures, and what it says where it cannot start."""

from __future__ import annotations

import argparse
import builtins
import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from acting import tear_down
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from zen_core.experiment import Experiment, save
from zen_gui import __main__ as program
from zen_gui import libraries, theme
from zen_gui.window import Window

ROOT = Path(__file__).parents[2]
SHORT = ["samples=100", "window=10", "layers.0.hidden_dim=4", "beyond=10"]


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment of its own: no display, nobody's settings."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment.pop("QT_QPA_PLATFORM", None)
    return environment | {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": str(tmp_path)}


def started(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zen_gui", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# ── Pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_screenshot_is_a_picture_of_that_size_and_nothing_is_said(tmp_path: Path, home: dict[str, str]) -> None:
    file = tmp_path / "window.png"
    done = started(
        ["--screenshot", str(file), "--after", "1", "--size", "1280x720", "--theme", "light", "epochs=3"], home
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = QImage(str(file))
    assert (picture.width(), picture.height()) == (1280, 720)
    assert picture.pixelColor(700, 708).name().upper() == theme.LIGHT.panel
    # Something is drawn where the losses stand: the training has begun.
    colors = {picture.pixelColor(x, y).name().upper() for x in range(340, 1200, 3) for y in range(520, 660)}
    assert theme.LIGHT.train.color.upper() in colors


def test_a_picture_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, home: dict[str, str]) -> None:
    file = tmp_path / "nowhere" / "window.png"
    done = started(["--screenshot", str(file), "--after", "0", *SHORT], home)
    assert done.returncode == 1
    assert done.stderr == (
        f"zen-playground: cannot write a picture to {file}. Use a .png file in a folder that exists.\n"
    )


def test_a_picture_does_not_count_as_the_first_start(tmp_path: Path, home: dict[str, str]) -> None:
    done = started(["--screenshot", str(tmp_path / "window.png"), "--after", "0", *SHORT], home)
    assert done.returncode == 0
    assert not list((tmp_path / "config").rglob("*.ini"))


def test_the_program_starts_from_a_saved_experiment(tmp_path: Path, home: dict[str, str]) -> None:
    save(Experiment(window=7), tmp_path / "seven.json")
    file = tmp_path / "window.png"
    done = started([str(tmp_path / "seven.json"), "samples=90", "--screenshot", str(file), "--after", "0"], home)
    assert (done.returncode, done.stderr) == (0, "")
    assert not QImage(str(file)).isNull()


# ── Arguments ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", ["1440", "big", "1440x", "1440*900", "99999x1", ""])
def test_a_bad_size_is_told_in_a_sentence(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["--size", size])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"{size!r} is not a size. Write it as 1440x900." in said
    assert "Traceback" not in said


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan", "inf", "4000"])
def test_bad_seconds_are_told_in_a_sentence(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["--after", seconds])
    assert ended.value.code == 2
    assert "is not a time. Give seconds from 0 to 3600." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["optimiser=SGD"], "has no setting 'optimiser'. Did you mean 'optimizer'?"),
        (["optimizer=Sgd"], "Did you mean 'SGD'?"),
        (["window=0"], "cannot be 0"),
        (["window=900"], "does not fit the training part (600 samples). Use a window of at most 599."),
        (["layers=RNN"], "the forecast needs one"),
        (["curve.expression=sine(x)"], "Did you mean 'sin'?"),
        (["loss=CategoricalCrossentropy"], "Use MSE."),
        (["window=5", "other.json"], "Give one file, then settings as key=value."),
        (["nowhere.json"], "nowhere.json"),
        ([str(ROOT)], "directory"),
    ],
)
def test_what_does_not_fit_ends_with_2_and_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], qapp: QApplication
) -> None:
    assert program.main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.startswith("zen-playground: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_a_file_that_is_no_experiment_is_told_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], qapp: QApplication
) -> None:
    file = tmp_path / "broken.json"
    for content in ("{", "[1, 2]", '{"windw": 3}', '"x"', "\x00\x01"):
        file.write_text(content)
        assert program.main([str(file)]) == 2
        said = capsys.readouterr().err
        assert said.startswith("zen-playground: ")
        assert said.count("\n") == 1
    file.write_bytes(b"\xff\xfe\x00")
    assert program.main([str(file)]) == 2


@pytest.mark.parametrize("size", ["1440x900", "1100x640"])
def test_sizes_are_read(size: str) -> None:
    assert program._size(size) == tuple(int(side) for side in size.split("x"))
    with pytest.raises(argparse.ArgumentTypeError):
        program._size(size + "x")


# ── Starting, without a subprocess ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def start(qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Starts the program in this process, looks at its window with `look`, and quits."""
    scope = QSettings.Scope.UserScope
    before = QSettings(QSettings.Format.IniFormat, scope, "zen-playground", "zen-playground").fileName()
    QSettings.setPath(QSettings.Format.IniFormat, scope, str(tmp_path))
    interval, hooks = sys.getswitchinterval(), (sys.excepthook,)
    import gc
    import threading

    thread_hook = threading.excepthook

    def start(arguments: list[str], look: Callable[[Window], object]) -> int:
        seen: list[Window] = []
        wrong: list[BaseException] = []

        def visit() -> None:
            windows = [widget for widget in qapp.topLevelWidgets() if isinstance(widget, Window) and widget.isVisible()]
            if not windows:
                QTimer.singleShot(1, visit)
                return
            seen.append(windows[0])
            try:
                look(windows[0])
            except BaseException as error:
                # Raised here, it would only be shown in the window.
                wrong.append(error)
            finally:
                tear_down(windows[0])
                qapp.quit()

        QTimer.singleShot(0, visit)
        code = program.main(arguments)
        assert seen
        if wrong:
            raise wrong[0]
        return code

    yield start
    gc.unfreeze()
    sys.setswitchinterval(interval)
    (sys.excepthook,) = hooks
    threading.excepthook = thread_hook
    from PySide6.QtCore import qInstallMessageHandler

    qInstallMessageHandler(None)
    QSettings.setPath(QSettings.Format.IniFormat, scope, str(Path(before).parents[1]))


def test_the_first_start_runs_at_once_and_the_second_waits(start: Any, qtbot: QtBot) -> None:
    def moves(window: Window) -> None:
        qtbot.waitUntil(lambda: window.session.latest.frame.step > 0)

    def rests(window: Window) -> None:
        window.grab()
        assert not window.session.active
        assert window.session.latest.frame.step == 0

    assert start(SHORT, moves) == 0
    assert start(SHORT, rests) == 0
    assert start([*SHORT, "--run"], moves) == 0


def test_the_theme_asked_for_is_worn_and_the_one_chosen_in_the_window_is_remembered(start: Any) -> None:
    worn = []

    def look(window: Window) -> None:
        worn.append(theme.current())
        window.choose_theme("light")

    start([*SHORT, "--theme", "dark"], look)
    start(SHORT, look)
    start([*SHORT, "--theme", "dark"], look)
    assert worn == [theme.DARK, theme.LIGHT, theme.DARK]


def test_a_picture_looks_the_same_whoever_takes_it(start: Any, tmp_path: Path) -> None:
    worn = []
    picture = ["--screenshot", str(tmp_path / "window.png"), "--after", "60"]
    start(SHORT, lambda window: window.choose_theme("light"))
    for arguments in (picture, [*picture, "--theme", "light"], []):
        start([*SHORT, *arguments], lambda window: worn.append(theme.current()))
    assert worn == [theme.DARK, theme.LIGHT, theme.LIGHT]


def test_the_window_has_the_size_asked_for(start: Any) -> None:
    sizes = []
    start([*SHORT, "--size", "1280x720"], lambda window: sizes.append((window.width(), window.height())))
    start(SHORT, lambda window: sizes.append((window.width(), window.height())))
    assert sizes == [(1280, 720), (1440, 900)]


def test_a_fault_anywhere_is_shown_in_the_window_and_told_on_the_terminal(
    start: Any, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    def look(window: Window) -> None:
        error = KeyError("eel")
        sys.excepthook(KeyError, error, None)
        qtbot.waitUntil(window.banner.isVisible)

    assert start(SHORT, look) == 0
    assert "KeyError" in capsys.readouterr().err


def test_presets_are_all_good_experiments() -> None:
    presets = program._presets()
    assert len(presets) > 5
    for name, preset in presets.items():
        assert name[0].isupper()
        preset.series()
        preset.layout()


# ── Where Qt cannot start ────────────────────────────────────────────────────────────────────────────────────────────


def test_here_nothing_is_missing() -> None:
    assert libraries.missing() == ""


def test_a_library_that_qt_needs_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("PySide6"):
            raise ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    told = libraries.missing()
    assert "libEGL.so.1" in told
    assert "apt" in told
    assert libraries.PACKAGES in told
    assert program.main([]) == 1
    said = capsys.readouterr().err
    assert said.strip() == told.strip()
    assert "Traceback" not in said


def test_an_x_library_is_looked_for_only_where_x_will_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", without)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert libraries.missing() == ""
    monkeypatch.setenv("QT_QPA_PLATFORM", "")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    told = libraries.missing()
    assert "libxcb-cursor.so.0" in told
    assert libraries.X_PACKAGES in told
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert libraries.missing() == ""
