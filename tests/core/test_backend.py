"""Backends: where compiled kernels come from, and that training goes on wherever they do not."""

import importlib.metadata
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import platformdirs
import pytest

from zen_core import backend
from zen_core.backend import COMPILED, NUMPY, PRECISIONS, Compiler, Kernels, compilers
from zen_core.component import SpecError
from zen_core.edits import edited
from zen_core.nn import Model
from zen_core.trainer import Trainer

from .waiting import GENEROUS

ROOT = Path(__file__).resolve().parents[2]
SOME = Kernels("forward", "backward", "free run")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The person's folder for caches: one of the test, which is not there yet."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *names, **more: str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    backend._folder.cache_clear()
    yield folder
    backend._folder.cache_clear()


class Child:
    """Stands in for a process that compiles: it ends when it is told to."""

    def __init__(self, command, *, cwd, env, stdout, **more):
        self.command, self.cwd, self.env = command, Path(cwd), env
        self.returncode = None
        self.waited_for, self.may_end = threading.Event(), threading.Event()
        stdout.write(b"words of the child")

    @property
    def ready(self):
        return self.cwd / self.command[-1]

    def end(self, returncode=0, ready=True):
        if ready:
            self.ready.touch()
        self.returncode = returncode
        self.may_end.set()

    def poll(self):
        return self.returncode

    def wait(self):
        self.waited_for.set()
        assert self.may_end.wait(GENEROUS)
        return self.returncode


@pytest.fixture
def starts(monkeypatch):
    """Replaces what starts processes for compiling, and for that alone."""
    return lambda popen: monkeypatch.setattr(
        backend, "subprocess", SimpleNamespace(Popen=popen, DEVNULL=subprocess.DEVNULL)
    )


@pytest.fixture
def children(cache, starts, monkeypatch):
    """The processes that were begun; what they compile loads as SOME."""
    begun = []
    starts(lambda *args, **more: begun.append(Child(*args, **more)) or begun[-1])
    monkeypatch.setattr(backend, "_loaded", lambda folder, dtype: SOME)
    return begun


@pytest.fixture
def in_use(monkeypatch):
    """Makes a compiler the one of the process."""
    return lambda compiler: monkeypatch.setitem(compilers, compiler.dtype, compiler)


@pytest.fixture
def no_numba(monkeypatch):
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)


# The child


def test_the_first_load_begins_to_compile_and_does_not_wait(children):
    compiler = Compiler("float32")
    assert not compiler.compiling
    assert compiler.load() is None
    assert (compiler.compiling, compiler.trouble, compiler.loaded) == (True, "", None)
    (child,) = children
    assert not child.waited_for.is_set()


def test_while_the_child_runs_there_are_no_kernels_and_no_second_child(children):
    compiler = Compiler("float32")
    assert [compiler.load() for _ in range(5)] == [None] * 5
    assert len(children) == 1
    assert (compiler.compiling, compiler.trouble) == (True, "")


def test_when_the_child_is_done_the_kernels_are_there_and_stay(children):
    compiler = Compiler("float64")
    compiler.load()
    children[0].end()
    assert compiler.loaded is None
    assert compiler.load() is SOME
    assert compiler.load() is SOME
    assert (compiler.loaded, compiler.compiling, compiler.trouble) == (SOME, False, "")
    assert len(children) == 1


def test_what_is_compiled_already_needs_no_child(children):
    Compiler("float32").load()
    children.pop().end()
    assert Compiler("float32").load() is SOME
    assert children == []


def test_each_precision_is_compiled_by_itself(children):
    for dtype in PRECISIONS:
        Compiler(dtype).load()
    assert [child.command[-1] for child in children] == list(PRECISIONS)
    children[0].end()
    assert Compiler(PRECISIONS[1]).load() is None


def test_the_child_is_this_python_with_this_package_wherever_it_was_started(children, cache, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    Compiler("float32").load()
    (child,) = children
    assert child.command[:3] == [sys.executable, "-m", "zen_core.compiled"]
    assert child.command[3:] == [str(child.cwd), "float32"]
    assert child.env["PYTHONPATH"].split(backend.os.pathsep) == [str(ROOT), "elsewhere"]
    assert cache in child.cwd.parents


def waiting(compiler):
    """A thread that waits for the kernels, and the list in which it leaves them."""
    found = []
    thread = threading.Thread(target=lambda: found.append(compiler.load(wait=True)))
    thread.start()
    return thread, found


def test_waiting_waits_for_the_child(children):
    compiler = Compiler("float32")
    compiler.load()
    thread, found = waiting(compiler)
    assert children[0].waited_for.wait(GENEROUS)
    assert found == []
    children[0].end()
    thread.join(GENEROUS)
    assert found == [SOME]


def test_who_does_not_wait_is_not_held_up_by_one_who_does(children):
    compiler = Compiler("float32")
    compiler.load()
    thread, found = waiting(compiler)
    assert children[0].waited_for.wait(GENEROUS)
    other = []
    asking = threading.Thread(target=lambda: other.append(compiler.load()))
    asking.start()
    asking.join(GENEROUS)
    assert (other, found) == ([None], [])
    children[0].end()
    thread.join(GENEROUS)
    assert found == [SOME]


def test_many_threads_begin_one_child(children):
    compiler, gate = Compiler("float32"), threading.Barrier(8)
    threads = [threading.Thread(target=lambda: gate.wait(GENEROUS) is None or compiler.load()) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GENEROUS)
    assert len(children) == 1


# Trouble


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("returncode", [1, -9, 0])
def test_a_child_that_fails_is_told_with_its_log_and_not_tried_again(children, returncode, wait):
    compiler = Compiler("float32")
    compiler.load()
    (child,) = children
    child.end(returncode, ready=False)
    for _ in range(2):
        assert compiler.load(wait) is None
    log = child.cwd / "float32.log"
    assert compiler.trouble == f"Compiling the kernels failed; {log} says why."
    assert log.read_text() == "words of the child"
    assert (len(children), compiler.compiling) == (1, False)


def test_whoever_has_compiled_them_they_are_used(children):
    compiler = Compiler("float32")
    compiler.load()
    # Another program of the person has been quicker.
    children[0].ready.touch()
    assert compiler.load() is SOME


def test_without_numba_nothing_is_begun_and_a_sentence_says_what_to_do(children, cache, no_numba):
    compiler = Compiler("float32")
    assert compiler.load() is None
    assert compiler.load(wait=True) is None
    assert compiler.trouble == "numba is not installed. For faster training: pip install numba."
    assert (children, cache.exists(), compiler.compiling) == ([], False, False)


def test_kernels_that_do_not_load_are_told_and_nothing_is_raised(children, monkeypatch):
    def broken(folder, dtype):
        raise ImportError("llvmlite is too old")

    monkeypatch.setattr(backend, "_loaded", broken)
    compiler = Compiler("float32")
    compiler.load()
    children[0].end()
    assert compiler.load() is None
    assert compiler.trouble == "Compiled kernels cannot be used: ImportError: llvmlite is too old"


def test_a_child_that_cannot_be_started_is_told_and_nothing_is_raised(cache, starts):
    def none_left(*arguments, **settings):
        raise BlockingIOError("no more processes")

    starts(none_left)
    compiler = Compiler("float32")
    assert compiler.load(wait=True) is None
    assert "BlockingIOError: no more processes" in compiler.trouble


def test_a_package_whose_version_is_unknown_is_told_and_nothing_is_raised(children, monkeypatch):
    def unknown(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", unknown)
    compiler = Compiler("float32")
    assert compiler.load() is None
    assert "PackageNotFoundError" in compiler.trouble
    assert children == []


# Where there are none, numpy goes on.


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_a_run_goes_on_with_numpy_where_there_is_no_numba(tiny, in_use, no_numba, dtype):
    in_use(Compiler(dtype))
    trainer = Trainer(edited(tiny, "dtype", dtype))
    assert len(list(trainer)) == 20
    assert trainer.backend == trainer.frame().backend == NUMPY
    assert np.isfinite(trainer.forecast().free_run).all()


def test_a_run_goes_on_with_numpy_while_they_are_compiled(tiny, in_use, children):
    in_use(Compiler("float32"))
    trainer = Trainer(tiny)
    next(trainer)
    assert (trainer.backend, len(children)) == (NUMPY, 1)
    assert not children[0].waited_for.is_set()


def test_asking_for_compiled_kernels_that_are_not_to_be_had_is_an_error_with_a_remedy(tiny, in_use, no_numba):
    in_use(Compiler("float32"))
    words = "numba is not installed. For faster training: pip install numba. Or use the backend numpy."
    for ask in (
        lambda: backend.kernels(COMPILED, "float32"),
        lambda: Trainer(tiny, backend=COMPILED),
        lambda: Model(tiny.layers, backend=COMPILED)(np.zeros((1, 5, 1))),
    ):
        with pytest.raises(SpecError) as caught:
            ask()
        assert str(caught.value) == words


def test_asking_for_compiled_kernels_waits_for_them(in_use, children):
    compiler = Compiler("float32")
    in_use(compiler)
    found = []
    thread = threading.Thread(target=lambda: found.append(backend.kernels(COMPILED, "float32")))
    compiler.load()
    thread.start()
    assert children[0].waited_for.wait(GENEROUS)
    children[0].end()
    thread.join(GENEROUS)
    assert found == [SOME]


def test_numpy_needs_no_kernels_and_begins_no_child(tiny, in_use, children):
    in_use(Compiler("float32"))
    assert backend.kernels(NUMPY, "float32") is None
    trainer = Trainer(tiny, backend=NUMPY)
    list(trainer)
    trainer.forecast()
    assert children == []


@pytest.mark.parametrize("name", ["", "Compiled", "torch", None, 3])
def test_a_backend_that_there_is_not_is_refused_with_those_that_there_are(tiny, name):
    with pytest.raises(SpecError, match="Use compiled or numpy"):
        backend.kernels(name, "float32")
    if name:
        with pytest.raises(SpecError, match="There is no backend"):
            Trainer(tiny, backend=name)


# The folder


def test_kernels_are_kept_in_the_persons_cache_folder(cache):
    folder = backend._folder()
    assert folder.parent == cache / "kernels"
    assert backend._folder() == folder


@pytest.mark.parametrize("obstacle", ["a file", "no room"])
def test_where_the_cache_folder_cannot_be_written_to_this_process_has_its_own(
    cache, starts, monkeypatch, tmp_path, obstacle
):
    if obstacle == "a file":
        cache.write_text("in the way")
    else:

        def full(*arguments, **settings):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tempfile, "TemporaryFile", full)
    folder = backend._folder()
    assert folder.parent.parent == tmp_path
    assert folder.parent.name.startswith("zen-playground-kernels-")
    # All compilers of a process meet there.
    assert backend._folder() == folder
    starts(Child)
    compiler = Compiler("float32")
    compiler.load()
    assert (compiler.compiling, compiler.trouble) == (True, "")


def test_other_versions_and_other_processors_have_other_folders(cache, monkeypatch):
    known = {backend._digest()}
    changes = (
        (importlib.metadata, "version", lambda name: "99"),
        (backend.sys, "version", "9.9"),
        (backend, "_processor", lambda: "flags: one more"),
        (backend.platform, "machine", lambda: "abacus"),
    )
    for owner, name, other in changes:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, other)
            known.add(backend._digest())
    assert len(known) == 1 + len(changes)
    assert backend._digest() in known


def test_another_source_has_another_folder(monkeypatch, tmp_path):
    def digest(text):
        (tmp_path / "compiled").mkdir(exist_ok=True)
        (tmp_path / "compiled" / "stack.py").write_text(text)
        (tmp_path / "program.py").write_text("")
        return backend._digest()

    monkeypatch.setattr(backend, "__file__", str(tmp_path / "backend.py"))
    assert digest("one") == digest("one")
    assert digest("one") != digest("other")


def test_without_a_list_of_processors_there_is_a_folder_all_the_same(monkeypatch):
    def missing(*arguments, **settings):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert backend._processor() == ""


# The marker

COMPILING = """
import runpy, sys, types
from pathlib import Path
folder = Path(sys.argv[1])
entry = types.ModuleType("zen_core.compiled.entry")
def compiled(dtype):
    assert not (folder / dtype).exists()
    (folder / "begun").touch()
    {what}
entry.compiled = compiled
sys.modules["zen_core.compiled.entry"] = entry
sys.argv = ["-m", str(folder), "float32"]
runpy.run_module("zen_core.compiled", run_name="__main__")
"""


@pytest.mark.parametrize(("what", "good"), [("pass", True), ("raise MemoryError", False), ("sys.exit(0)", False)])
def test_the_marker_stands_in_the_folder_only_after_success(tmp_path, kernels, what, good):
    ran = subprocess.run(
        [sys.executable, "-c", COMPILING.format(what=what), str(tmp_path)], cwd=ROOT, capture_output=True, check=False
    )
    assert (tmp_path / "begun").exists(), ran.stderr
    assert (tmp_path / "float32").exists() == good


# The real ones


def test_what_the_child_compiled_is_loaded_and_not_compiled_again(kernels):
    for each in kernels.values():
        for function in each:
            assert function.stats.cache_hits
            # Here it would hold up the whole program.
            assert not function.stats.cache_misses


def test_kernels_refuse_what_does_not_fit_instead_of_compiling_for_it(kernels):
    for function in kernels["float32"]:
        with pytest.raises(TypeError):
            function(np.zeros(3))
        assert not function.stats.cache_misses


def fresh(code):
    """What a new process prints."""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("module", "strangers"),
    [
        ("zen_core", ("numba", "llvmlite", "PySide6", "pyqtgraph", "numpy")),
        ("zen_core.trainer", ("numba", "llvmlite", "PySide6", "pyqtgraph")),
        ("zen_core.session", ("numba", "llvmlite", "PySide6", "pyqtgraph")),
    ],
)
def test_importing_the_library_imports_no_more_than_it_needs(module, strangers):
    loaded = fresh(f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})")
    assert not set(strangers) & set(loaded)


def test_a_run_on_numpy_imports_no_numba():
    code = (
        "import sys; from zen_core.trainer import Trainer; from zen_core.experiment import Experiment;"
        "next(Trainer(Experiment(), backend='numpy')); print('numba' in sys.modules)"
    )
    assert fresh(code) == ["False"]
