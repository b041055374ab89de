"""The wheel holds everything: it is built, installed in a fresh environment, and finds its assets there."""

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest
from hatchling.build import build_wheel

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def fresh_python(tmp_path_factory: pytest.TempPathFactory, module_monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Python of a fresh environment in which only the wheel is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    module_monkeypatch.chdir(ROOT)
    wheel = folder / build_wheel(str(folder))
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, cwd=folder)
    return python


@pytest.fixture(scope="module")
def module_monkeypatch() -> pytest.MonkeyPatch:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def run(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # What the wheel depends on is taken from the environment of the tests, as a plain path: its own link to the
    # checkout is a .pth file, and those are only followed in a site folder.
    environment = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}
    return subprocess.run(
        [python, *words], capture_output=True, text=True, check=False, env=environment, cwd=python.parent
    )


def test_the_wheel_is_what_runs(fresh_python: Path) -> None:
    where = run(fresh_python, "-c", "import zen_core, zen_gui; print(zen_core.__file__, zen_gui.__file__)")
    assert where.stdout.count(str(fresh_python.parent.parent)) == 2, where.stdout + where.stderr


def test_icons_and_examples_are_found(fresh_python: Path) -> None:
    listing = "from zen_gui import ASSETS; print(*sorted(p.name for p in ASSETS.glob('*/*')), sep='\\n')"
    found = run(fresh_python, "-c", listing).stdout.split()
    folders = ("icons", "examples")
    assert set(found) == {path.name for folder in folders for path in (ROOT / "assets" / folder).iterdir()}


def test_the_installed_program_takes_a_picture(fresh_python: Path, tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    program = fresh_python.parent / "zen-playground"
    ran = run(fresh_python, str(program), "--screenshot", str(picture), "--after", "0.5", "epochs=3")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_installed_library_trains(fresh_python: Path) -> None:
    ran = run(fresh_python, "-m", "zen_core", "train", "epochs=2", "--json")
    assert ran.returncode == 0, ran.stderr
    assert '"losses"' in ran.stdout
