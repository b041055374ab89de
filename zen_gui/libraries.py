"""Whether Qt can start on this machine, and what to install where it cannot."""

from __future__ import annotations

import ctypes
import os
import sys

PACKAGES = "libgl1 libegl1 libxkbcommon0 libfontconfig1 libdbus-1-3 libglib2.0-0 fonts-dejavu-core"
X_PACKAGES = (
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 "
    "libxkbcommon-x11-0 libxcb-randr0 libxcb-xfixes0 libxcb-sync1 libx11-xcb1"
)
X_LIBRARIES = (
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1",
    "libxcb-image.so.0",
    "libxcb-render-util.so.0",
    "libxkbcommon-x11.so.0",
)


def missing() -> str:
    """Return what is missing and the line that installs it, or an empty text where Qt can start."""
    try:
        import PySide6.QtWidgets  # noqa: F401  # the import is the question
    except ImportError as error:
        return _told(str(error), PACKAGES)
    for library in X_LIBRARIES if _needs_x() else ():
        try:
            ctypes.CDLL(library)
        except OSError as error:
            return _told(str(error), f"{PACKAGES} {X_PACKAGES}")
    return ""


def _needs_x() -> bool:
    """Whether Qt will open an X window, whose missing libraries would end the program without a word of their names."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    wayland = bool(os.environ.get("WAYLAND_DISPLAY")) and not platform
    return sys.platform == "linux" and platform in ("", "xcb") and bool(os.environ.get("DISPLAY")) and not wayland


def _told(cause: str, packages: str) -> str:
    remedy = f"On Debian or Ubuntu: sudo apt-get install {packages}" if sys.platform == "linux" else ""
    return f"Qt cannot start on this machine: {cause}\n{remedy}".rstrip()


if __name__ == "__main__":
    told = missing()
    sys.stdout.write(f"{told}\n" if told else "")
    sys.exit(bool(told))
