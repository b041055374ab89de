"""What every test shares: no display is needed, and nothing of the person who runs the tests is read or changed."""

import os

import hypothesis
import pytest

from zen_gui import libraries

# Before Qt is imported by anyone.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# pytest-qt would fail with a traceback that blames the wrong package.
if missing := libraries.missing():
    pytest.exit(missing, returncode=3)

# Examples are the same in every run, and a slow machine is no failure.
hypothesis.settings.register_profile("zen", derandomize=True, deadline=None, max_examples=100)
hypothesis.settings.load_profile("zen")


@pytest.fixture(autouse=True, scope="session")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Qt's settings go to a folder of the test run."""
    QtCore = pytest.importorskip("PySide6.QtCore")
    folder = str(tmp_path_factory.mktemp("settings"))
    for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, folder)
