"""Backends: whether compiled kernels are to be had, and the child process that compiles them.

Compiling takes half a minute for each precision, once for each machine and version. It happens in a process of its own,
into a folder that later starts read from; loading from there takes about a second. Until then networks run on numpy.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from zen_core.component import SpecError, shown

COMPILED, NUMPY = "compiled", "numpy"


class Kernels(NamedTuple):
    """The compiled functions; see `zen_core.compiled.stack`."""

    forward: Any
    backward: Any
    free_run: Any


class Compiler:
    """Where this machine's kernels for one precision stand: loaded, being compiled, or why there are none.

    Its methods may be called from any thread. `load` is quick where nothing is to be done.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self._lock = threading.Lock()
        self._kernels: Kernels | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._trouble = ""

    @property
    def loaded(self) -> Kernels | None:
        """The kernels, where they have been loaded."""
        return self._kernels

    @property
    def compiling(self) -> bool:
        """Whether a child process is at work."""
        return self._child is not None and self._child.poll() is None

    @property
    def trouble(self) -> str:
        """Why there are no compiled kernels, as a sentence; empty where there are, or may be soon."""
        failed = self._child is not None and bool(self._child.poll())
        return self._trouble or (f"Compiling the kernels failed; {self._log} says why." if failed else "")

    @property
    def _log(self) -> Path:
        """What the child process said."""
        return _folder() / f"{self.dtype}.log"

    def load(self, wait: bool = False) -> Kernels | None:
        """Return the kernels; where they are not compiled yet, begin to, and return None, or `wait` for the end."""
        with self._lock:
            if self._kernels is None and not self._trouble:
                try:
                    self._advance()
                except Exception as error:
                    # Whatever goes wrong here must not keep anybody from training, on numpy.
                    self._trouble = f"Compiled kernels cannot be used: {type(error).__name__}: {error}"
            if not wait or self._kernels is not None or self._trouble or self._child is None:
                return self._kernels
        # Others, who do not wait, find the lock free meanwhile.
        self._child.wait()
        return self.load()

    def _advance(self) -> None:
        if importlib.util.find_spec("numba") is None:
            self._trouble = "numba is not installed. For faster training: pip install numba."
            return
        folder = _folder()
        # This file stands in the folder when all kernels have been compiled.
        ready = folder / self.dtype
        if not ready.exists():
            if self._child is None:
                self._child = _start(folder, self.dtype, self._log)
            if self._child.poll() is None:
                return
            if self._child.returncode or not ready.exists():
                self._trouble = f"Compiling the kernels failed; {self._log} says why."
                return
        self._kernels = _loaded(folder, self.dtype)


@lru_cache(maxsize=1)
def _folder() -> Path:
    """Where the kernels of this version are, or will be."""
    return _writable() / _digest()


def _writable() -> Path:
    """The user's cache folder, or, where that cannot be written to, one that is made for this process."""
    folder = Path(platformdirs.user_cache_dir("zen-playground", appauthor=False)) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="zen-playground-kernels-"))


def _digest() -> str:
    """A name for these kernels on this kind of machine: it changes with their source, numba, Python and processor."""
    told = hashlib.sha256()
    here = Path(__file__).parent
    for source in sorted([*(here / "compiled").glob("*.py"), here / "program.py"]):
        told.update(source.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        told.update(importlib.metadata.version(package).encode())
    told.update(f"{sys.version} {platform.machine()} {platform.processor()} {here}".encode())
    told.update(_processor().encode())
    return told.hexdigest()[:20]


def _processor() -> str:
    """What the processor can do, where the system tells: a home folder may be shared by different machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _start(folder: Path, dtype: str, log: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    # The child must find this very package, wherever it was started from.
    path = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "zen_core.compiled", str(folder), dtype],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


_importing = threading.Lock()


def _loaded(folder: Path, dtype: str) -> Kernels:
    import numba

    with _importing:
        # It is read while the modules are imported, and stands for all that is compiled in them.
        known, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
        try:
            from zen_core.compiled.entry import compiled
        finally:
            numba.config.CACHE_DIR = known
        return Kernels(*compiled(dtype))


PRECISIONS = ("float32", "float64")

compilers = {dtype: Compiler(dtype) for dtype in PRECISIONS}
"""The kernels of this process, by precision."""


def kernels(backend: str, dtype: str) -> Kernels | None:
    """Return the kernels of a backend, None for numpy; waits where they must be compiled first.

    Raises SpecError where compiled kernels are asked for and are not to be had.
    """
    if backend == NUMPY:
        return None
    if backend != COMPILED:
        raise SpecError(f"There is no backend {shown(backend)}. Use {COMPILED} or {NUMPY}.")
    found = compilers[dtype].load(wait=True)
    if found is None:
        raise SpecError(f"{compilers[dtype].trouble} Or use the backend {NUMPY}.")
    return found
