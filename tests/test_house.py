"""The house keeps its plan: what lies at the top, and which way the arrows point."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOP = {"zen_gui", "zen_core", "tests", "assets", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}


def test_only_the_planned_folders_and_files_lie_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    tops = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert listed.returncode != 0 or {top for top in tops if not top.startswith(".")} <= TOP


def test_the_arrows_point_down() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


def test_the_library_starts_without_qt_or_pyqtgraph() -> None:
    code = (
        "import sys, zen_core.__main__, zen_core.session; "
        "sys.exit(any(name.startswith(('PySide6', 'pyqtgraph')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
