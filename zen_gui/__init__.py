"""The window of Zen Playground."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

# An installed wheel carries the assets inside the package; a checkout has them beside it.
ASSETS: Path = next(folder for folder in (_PACKAGE / "assets", _PACKAGE.parent / "assets") if folder.is_dir())
