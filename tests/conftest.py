"""What every test shares: no display is needed, and nothing of the person who runs the tests is read or changed.

Runs are computed by numpy, unless a test asks for the fixture `kernels`: then by the compiled kernels. Which it is must
not depend on what this machine happens to have compiled.
"""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

import hypothesis
import platformdirs
import pytest

from zen_core import backend
from zen_core.backend import COMPILED, NUMPY, Compiler, Kernels, compilers
from zen_gui import libraries

# Before Qt is imported by anyone.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# pytest-qt would fail with a traceback that blames the wrong package.
if missing := libraries.missing():
    pytest.exit(missing, returncode=3)

# Examples are the same in every run, and a slow machine is no failure.
hypothesis.settings.register_profile("zen", derandomize=True, deadline=None, max_examples=100)
hypothesis.settings.load_profile("zen")

COMPILERS = dict(compilers)
"""The real ones."""


@pytest.fixture(autouse=True, scope="session")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Qt's settings go to a folder of the test run."""
    QtCore = pytest.importorskip("PySide6.QtCore")
    folder = str(tmp_path_factory.mktemp("settings"))
    for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, folder)


@pytest.fixture(scope="session")
def kernel_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests keep compiled kernels: beside what pytest remembers, because compiling takes a minute."""
    remembered = getattr(request.config, "cache", None)
    return Path(remembered.mkdir("kernels")) if remembered is not None else tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="session")
def kernels(kernel_folder: Path) -> Mapping[str, Kernels]:
    """The compiled kernels by precision; a run of a test that asks for them is computed by them."""
    if importlib.util.find_spec("numba") is None:
        pytest.skip("numba is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platformdirs, "user_cache_dir", lambda *names, **more: str(kernel_folder))
        backend._folder.cache_clear()
        for compiler in COMPILERS.values():
            # Each begins; none waits for another.
            compiler.load()
        loaded = {dtype: compiler.load(wait=True) for dtype, compiler in COMPILERS.items()}
        backend._folder.cache_clear()
    found = {dtype: each for dtype, each in loaded.items() if each is not None}
    assert set(found) == set(COMPILERS), [compiler.trouble for compiler in COMPILERS.values()]
    return found


class Unready(Compiler):
    """A compiler whose kernels never come."""

    def load(self, wait: bool = False) -> Kernels | None:
        if wait:
            self._trouble = "The test has not asked for the fixture kernels."
        return None


@pytest.fixture(autouse=True)
def backend_of_the_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled kernels where the test asks for them, else numpy."""
    if "kernels" not in request.fixturenames:
        for dtype in COMPILERS:
            monkeypatch.setitem(compilers, dtype, Unready(dtype))


@pytest.fixture(params=[NUMPY, COMPILED])
def each_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes a test run once on numpy and once on the compiled kernels; the name of the one that it runs on."""
    if request.param == COMPILED:
        request.getfixturevalue("kernels")
        for dtype, compiler in COMPILERS.items():
            monkeypatch.setitem(compilers, dtype, compiler)
    return str(request.param)
