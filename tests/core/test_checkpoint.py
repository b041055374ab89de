"""Checkpoints: a run goes on from a file to the same bits, and no file that is not whole is taken for one that is."""

import json
import os
import random
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from zen_core import checkpoint, experiment, files
from zen_core.backend import COMPILED, NUMPY
from zen_core.checkpoint import load, load_experiment, packed, save, unpacked
from zen_core.component import SpecError, to_plain
from zen_core.curve import Formula
from zen_core.edits import edited
from zen_core.experiment import Experiment
from zen_core.loop import Diverged
from zen_core.nn import LSTM, RNN, Dropout, Linear
from zen_core.optim import Adam, Optimizer
from zen_core.schedule import Constant, Cosine, OnPlateau, Schedule
from zen_core.trainer import Change, End, Trainer

ROOT = Path(__file__).resolve().parents[2]

TINY = Experiment(
    curve=Formula(expression="sin(x)", step=0.5),
    samples=60,
    window=5,
    layers=(RNN(hidden_dim=4), Linear(1)),
    highway=0,
    optimizer=Adam(lr=0.003),
    batch_size=7,
    epochs=4,
    beyond=10,
)
"""4 epochs of 5 steps each."""

RICH = edited(
    Experiment(
        curve=Formula(expression="sin(x) + x/50", step=0.5),
        samples=70,
        window=6,
        layers=(LSTM(hidden_dim=3, return_sequences=True), Dropout(rate=0.2), RNN(hidden_dim=4), Linear(1)),
        highway=3,
        optimizer=Adam(lr=0.01, weight_decay=0.01),
        schedule=OnPlateau(warmup=0.1, patience=1),
        batch_size=9,
        epochs=6,
        rollout=3,
        growth=0.6,
        input_noise=0.02,
        patience=5,
        clip=0.5,
    ),
    "noise",
    0.05,
)
"""Whatever a run can remember, it does."""


def whole(trainer):
    """All that a run consists of, but for the seconds it took, as something to compare."""
    arrays, facts = trainer if isinstance(trainer, tuple) else trainer.state()
    arrays = dict(arrays, run=arrays["run"][:1])
    return {name: (each.dtype.str, each.shape, each.tobytes()) for name, each in arrays.items()}, facts


def after(steps, trainer):
    for _ in range(steps):
        next(trainer)
    return trainer


def ended(trainer):
    for _ in trainer:
        pass
    return trainer


def again(trainer):
    """The run, through the content of a file."""
    return Trainer.restored(*unpacked(packed(*trainer.state())))


def half_way():
    """A run in the middle of its second epoch, with changes behind it and before it."""
    trainer = after(6, Trainer(TINY, [Change(9, "optimizer.lr", 0.02)], backend=NUMPY))
    trainer.retune("clip", 0.5)
    return after(1, trainer)


CONTENT = packed(*half_way().state())


@pytest.fixture
def path(tmp_path):
    """A file with a run."""
    path = tmp_path / "run.zen"
    path.write_bytes(CONTENT)
    return path


def refused(content):
    """The sentence with which a file of this content is refused."""
    with pytest.raises(SpecError) as caught:
        unpacked(content)
    assert 20 < len(str(caught.value)) < 400
    return str(caught.value)


# Going on

CHILD = """
import sys
from pathlib import Path
import platformdirs
from zen_core import checkpoint

platformdirs.user_cache_dir = lambda *names, **more: sys.argv[1]
for name in sys.argv[2:]:
    trainer = checkpoint.load(Path(name))
    for _ in trainer:
        pass
    checkpoint.save(trainer, Path(name))
"""


def in_a_new_process(paths, kernel_folder):
    """Let the runs in the files go on to their ends, in a process that has never seen them."""
    command = [sys.executable, "-W", "error", "-c", CHILD, str(kernel_folder), *map(str, paths)]
    subprocess.run(command, check=True, cwd=ROOT)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_goes_on_from_a_file_in_a_new_process_to_the_same_bits(each_backend, dtype, kernel_folder, tmp_path):
    # At the first files these changes are still to come, at the last they are past.
    changes = [Change(5, "batch_size", 7), Change(11, "optimizer.lr", 0.02), Change(14, "schedule", Cosine(warmup=0.2))]
    trainer = Trainer(edited(RICH, "dtype", dtype), changes, backend=each_backend)
    trainer.retune("growth", 0.5)
    assert trainer.total_steps == 24
    paths = [tmp_path / f"{step}.zen" for step in (0, 1, 5, 8, 12, 19, 23)]
    for path in paths:
        save(after(int(path.stem) - trainer.step, trainer), path)
    ended(trainer)
    assert trainer.step > 24
    in_a_new_process(paths, kernel_folder)
    for path in paths:
        assert whole(unpacked(path.read_bytes())) == whole(trainer)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [*Optimizer.kinds.values(), *Schedule.kinds.values()])
def test_every_optimizer_and_schedule_goes_on_from_any_batch(kind, dtype):
    setting = "optimizer" if issubclass(kind, Optimizer) else "schedule"
    trainer = Trainer(edited(edited(TINY, setting, kind()), "dtype", dtype))
    halves = [again(trainer), *(again(trainer) for _ in trainer)]
    assert len(halves) == 21
    for half in halves:
        assert whole(ended(half)) == whole(trainer)


def test_a_run_that_was_ended_early_has_ended_and_can_go_on():
    trainer = ended(Trainer(edited(edited(TINY, "patience", 1), "optimizer.lr", 0.2)))
    restored = again(trainer)
    assert trainer.end is restored.end is End.PATIENCE
    assert next(restored, None) is None
    trainer.go_on()
    restored.go_on()
    assert whole(ended(restored)) == whole(ended(trainer))
    assert again(restored).frame().changes == trainer.frame().changes


def test_the_best_weights_come_back():
    trainer = half_way()
    best, restored = trainer.frame().best, again(trainer).frame().best
    assert restored[:2] == best[:2]
    np.testing.assert_array_equal(restored.weights, best.weights)
    assert not restored.weights.flags.writeable


def test_a_change_inside_a_kind_that_was_changed_later_is_remembered():
    trainer = Trainer(
        edited(TINY, "schedule", OnPlateau()), [Change(5, "schedule", OnPlateau()), Change(6, "clip", 1.0)]
    )
    trainer._replay.append(Change(7, "schedule.drop", 0.25))
    after(1, trainer)
    trainer.retune("schedule.drop", 0.75)
    trainer.retune("schedule", Constant())
    restored = again(trainer)
    assert restored.frame().changes == trainer.frame().changes
    assert whole(ended(restored)) == whole(ended(trainer))


def test_a_run_that_has_not_begun_may_still_choose_its_backend(kernels):
    trainer = after(1, again(Trainer(TINY)))
    assert trainer.backend == COMPILED
    assert again(trainer).backend == COMPILED
    assert after(1, again(Trainer(TINY, backend=NUMPY))).backend == NUMPY


def test_a_run_on_compiled_kernels_can_go_on_without_them(path, kernels):
    save(after(3, Trainer(TINY, backend=COMPILED)), path)
    assert load(path).backend == COMPILED
    trainer = load(path, backend=NUMPY)
    assert next(trainer).number == 4
    assert trainer.backend == NUMPY


def test_where_the_backend_is_not_to_be_had_the_sentence_says_what_to_do(path):
    arrays, facts = unpacked(CONTENT)
    path.write_bytes(packed(arrays, dict(facts, backend=COMPILED)))
    with pytest.raises(SpecError, match=r"^run\.zen: .* use the backend numpy"):
        load(path)
    assert load(path, backend=NUMPY).step == 7


def test_a_history_that_was_thinned_goes_on():
    trainer = half_way()
    for record in (trainer._losses, trainer._rates, trainer._norms):
        for number in range(70_000):
            record.append(float(number))
    arrays, facts = unpacked(packed(*trainer.state()))
    assert arrays["losses.entries"].shape == (3, 35_003)
    facts["step"] = facts["losses"]["count"]
    restored = Trainer.restored(arrays, facts)
    found, wanted = restored.frame().losses, trainer.frame().losses
    for part in ("low", "high", "mean", "rest"):
        np.testing.assert_array_equal(getattr(found, part), getattr(wanted, part))


# The format


def test_what_is_saved_is_loaded_and_the_file_is_not_changed(path):
    known = path.stat().st_mtime_ns
    assert whole(load(path)) == whole(half_way())
    assert load_experiment(path) == half_way().experiment == edited(TINY, "clip", 0.5)
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mtime_ns == known
    assert os.listdir(path.parent) == ["run.zen"]


def test_other_programs_can_read_it(path):
    trainer = half_way()
    save(trainer, path)
    arrays, _ = trainer.state()
    with safetensors.safe_open(path, "numpy") as file:
        assert set(file.keys()) == {*arrays, "sha256"}
        metadata = file.metadata()
        for name, array in arrays.items():
            np.testing.assert_array_equal(file.get_tensor(name), array)
    assert metadata["zen"] == "1.0"
    assert json.loads(metadata["run"])["experiment"] == to_plain(trainer.experiment)


def test_the_same_state_gives_the_same_bytes():
    arrays, facts = unpacked(CONTENT)
    assert packed(arrays, facts) == CONTENT


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3), np.float32),
        np.float64(2.5).reshape(()),
        np.arange(12.0).reshape(3, 4)[:, 1:3],
        np.arange(12.0)[::-2],
        np.arange(12.0, dtype=np.float32).reshape(3, 4).T,
        np.array([-(2**63), 2**63 - 1]),
        np.array([np.nan, -np.inf, -0.0, 5e-324]),
    ],
)
def test_arrays_of_any_shape_and_value_come_back(array):
    arrays, _ = unpacked(packed({"odd": np.zeros(3, np.float32), "array": array}, {}))
    assert arrays["array"].dtype == array.dtype
    assert arrays["array"].shape == array.shape
    assert arrays["array"].tobytes() == array.tobytes()


def test_great_numbers_and_foreign_letters_among_the_facts_come_back():
    facts = {"state": 2**127 + 1, "π": 'a "quoted" \\ one', "deep": [[{"list": [None, True, 0.1]}]]}
    assert unpacked(packed({}, facts))[1] == facts


def test_what_a_newer_minor_version_adds_is_passed_over(path, monkeypatch):
    arrays, facts = half_way().state()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "VERSION", (1, 7))
        added = packed(arrays | {"picture": np.arange(9, dtype=np.uint8)}, facts | {"lesson": {"hidden": ["clip"]}})
    path.write_bytes(added)
    assert whole(load(path)) == whole(half_way())
    assert unpacked(added)[1]["lesson"] == {"hidden": ["clip"]}


def test_a_newer_major_version_is_refused(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "VERSION", (2, 0))
        newer = packed(*half_way().state())
    assert "version 2.0" in refused(newer)


# Damage


def test_every_truncation_is_refused():
    for length in range(len(CONTENT)):
        refused(CONTENT[:length])


def test_every_flipped_bit_is_refused():
    content = bytearray(CONTENT)
    for position in range(len(content)):
        for bit in range(8):
            content[position] ^= 1 << bit
            with pytest.raises(SpecError, match=r"damaged|no run"):
                unpacked(bytes(content))
            content[position] ^= 1 << bit
    assert content == CONTENT


@given(st.binary(max_size=200), st.integers(0, len(CONTENT)), st.integers(0, len(CONTENT)))
def test_other_bytes_anywhere_are_refused(other, start, end):
    changed = CONTENT[:start] + other + CONTENT[end:]
    if changed != CONTENT:
        refused(changed)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(content):
    refused(content)


def test_files_of_other_kinds_are_refused_and_named(path):
    experiment.save(TINY, path)
    foreign = [
        path.read_bytes(),
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        safetensors.numpy.save({"embedding": np.zeros((3, 4), np.float32)}),
        safetensors.numpy.save({"embedding": np.zeros(3)}, {"format": "np"}),
        bytes(1000),
    ]
    for content in foreign:
        path.write_bytes(content)
        for reader in (load, load_experiment):
            with pytest.raises(SpecError, match=r"^run\.zen: The file holds no run"):
                reader(path)
        assert path.read_bytes() == content


def sealed(content):
    """The content with its right checksum: what follows is a forgery, no accident."""
    return content + sha256(content).digest()


def forged(text, body=b""):
    """A file with this header, as JSON or as text."""
    header = (text if isinstance(text, str) else json.dumps(text, separators=(",", ":"))).encode()
    return sealed(len(header).to_bytes(8, "little") + header + body)


def with_arrays(run="{}", zen="1.0", body=b"", **arrays):
    """A file with these entries in its header, beside those that belong there."""
    end = len(body)
    seal = {"dtype": "U8", "shape": [32], "data_offsets": [end, end + 32]}
    return forged({"__metadata__": {"zen": zen, "run": run}, **arrays, "sha256": seal}, body)


def entry(dtype, shape, *offsets):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_a_forgery_with_nothing_wrong_is_read():
    arrays, facts = unpacked(with_arrays('{"a":1}', body=bytes(8), a=entry("F32", [1, 2], 0, 8)))
    assert arrays["a"].shape == (1, 2)
    assert facts == {"a": 1}


BEGINNING = '{"__metadata__":{"zen":"1.0","run":"{}"}'


@pytest.mark.parametrize(
    "content",
    [
        with_arrays(a=entry("F64", [1 << 40], 0, 8 << 40)),
        with_arrays(a=entry("F64", [1 << 40], 0, 8), body=bytes(8)),
        with_arrays(a=entry("F64", [1 << 62, 1 << 62], 0, 8), body=bytes(8)),
        with_arrays(a=entry("F64", [0, 1 << 62, 1 << 62], 0, 0)),
        with_arrays(a=entry("F64", [1] * 70, 0, 8), body=bytes(8)),
        with_arrays(a=entry("F64", [-1], 0, 8), body=bytes(8)),
        with_arrays(a=entry("F64", [1.0], 0, 8), body=bytes(8)),
        with_arrays(a=entry("F64", "1", 0, 8), body=bytes(8)),
        with_arrays(a=entry("F64", [1], 8, 0), body=bytes(8)),
        with_arrays(a=entry("F64", [1], 8, 16), body=bytes(16)),
        with_arrays(a=entry("F64", [1], 0, 8), b=entry("F64", [1], 0, 8), body=bytes(8)),
        with_arrays(a=entry("F64", [1], 0, 8), body=bytes(16)),
        with_arrays(a=entry("F16", [4], 0, 8), body=bytes(8)),
        with_arrays(a=entry("BF16", [4], 0, 8), body=bytes(8)),
        with_arrays(a=entry("I32", [2], 0, 8), body=bytes(8)),
        with_arrays(a=entry("BOOL", [8], 0, 8), body=bytes(8)),
        with_arrays(a=entry("C64", [1], 0, 8), body=bytes(8)),
        with_arrays(a=entry(["F64"], [1], 0, 8), body=bytes(8)),
        with_arrays(a=entry("F" * 10_000, [1], 0, 8), body=bytes(8)),
        with_arrays(a=[]),
        with_arrays(a=None),
        with_arrays(zen="one"),
        with_arrays(zen=""),
        with_arrays(zen="9" * 5000),
        with_arrays(run=""),
        with_arrays(run="{"),
        with_arrays(run="[1]"),
        with_arrays(run="null"),
        with_arrays(run="[" * 100_000),
        with_arrays(run='{"a":' + "[" * 32 + "]" * 32 + "}"),
        with_arrays(run="9" * 5000),
        forged({"__metadata__": {"zen": "1.0"}}),
        forged({"__metadata__": {"zen": "1.0", "run": "{}"}}),
        forged({"__metadata__": {"zen": "1.0", "run": {}}}),
        forged(BEGINNING),
        forged(BEGINNING + "," + '"a":[' * 200),
        forged(BEGINNING + "," + '"a":[' * 100_000),
        forged(BEGINNING + ',"sha256":{"dtype":"U8","shape":[32],"data_offsets":[0,32]}} x'),
        sealed((1 << 63).to_bytes(8, "little") + BEGINNING.encode() + b"}"),
        sealed(((1 << 64) - 1).to_bytes(8, "little") + BEGINNING.encode() + b"}"),
        sealed((4).to_bytes(8, "little") + BEGINNING.encode() + b"}"),
    ],
)
def test_a_forgery_is_refused(content):
    assert "damaged" not in refused(content)


def test_lists_may_stand_in_one_another_to_a_limit():
    assert unpacked(with_arrays('{"a":' + "[" * 31 + "]" * 31 + "}"))[1]


ODD = [None, True, -1, 0, 3, 2**70, 10**400, 1.5, "", "a", [], [1], {}, {"a": 1}, "9" * 30]


def places(facts, before=()):
    """The paths of all facts."""
    for name, value in facts.items() if isinstance(facts, dict) else enumerate(facts):
        yield (*before, name)
        if isinstance(value, (dict, list)):
            yield from places(value, (*before, name))


def refused_or_trained(arrays, facts):
    """A forged run is refused with a sentence; or it is one that can be trained, shown and saved again."""
    try:
        trainer = Trainer.restored(*unpacked(packed(arrays, facts)))
    except SpecError:
        return
    try:
        for _ in range(2):
            next(trainer, None)
    except Diverged:
        pass
    trainer.frame()
    assert np.isfinite(trainer.frame().weights).all()
    again(trainer)


@given(st.data())
def test_a_run_with_a_forged_fact_is_refused_or_trained(data):
    arrays, facts = unpacked(CONTENT)
    *before, last = data.draw(st.sampled_from(list(places(facts))))
    inner = facts
    for name in before:
        inner = inner[name]
    if data.draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = data.draw(st.sampled_from(ODD))
    refused_or_trained(arrays, facts)


FORGERIES = {
    "missing": lambda array: None,
    "shorter": lambda array: array[:-1],
    "twice": lambda array: np.concatenate([array, array]),
    "a single number": lambda array: np.array(3.0),
    "float64": lambda array: array.astype(np.float64),
    "float32": lambda array: array.astype(np.float32),
    "bytes": lambda array: np.zeros(array.shape, np.uint8),
    "whole": lambda array: np.ones(array.shape, np.int64),
    "NaN": lambda array: np.full(array.shape, np.nan, array.dtype) if array.dtype.kind == "f" else -array,
    "infinite": lambda array: np.full(array.shape, np.inf, array.dtype) if array.dtype.kind == "f" else array + 1,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_run_with_a_forged_array_is_refused_or_trained(forgery):
    arrays, facts = unpacked(CONTENT)
    for name, array in arrays.items():
        others = {other: each for other, each in arrays.items() if other != name}
        changed = FORGERIES[forgery](array)
        refused_or_trained(others if changed is None else others | {name: changed}, facts)


@pytest.mark.parametrize("name", ["weights", "memory.0", "best.weights"])
@pytest.mark.parametrize("forgery", ["missing", "shorter", "float64", "NaN", "infinite"])
def test_forged_weights_are_refused(name, forgery):
    arrays, facts = unpacked(CONTENT)
    changed = FORGERIES[forgery](arrays.pop(name))
    with pytest.raises(SpecError):
        Trainer.restored(arrays if changed is None else arrays | {name: changed}, facts)


def test_histories_as_long_as_another_run_are_refused():
    arrays, facts = unpacked(CONTENT)
    with pytest.raises(SpecError, match="histor"):
        Trainer.restored(arrays, dict(facts, step=8))


# What is no file, or too large


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(SpecError, match="no file"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="There are no such pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "run.zen")
    with pytest.raises(SpecError, match="no file"):
        load(tmp_path / "run.zen")


def test_where_there_is_no_file_it_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        load(tmp_path / "nothing.zen")


def test_a_file_that_is_too_large_is_not_opened(path, monkeypatch):
    with path.open("r+b") as file:
        file.truncate(checkpoint.MOST_BYTES + 1)
    monkeypatch.setattr(Path, "open", lambda *arguments, **more: pytest.fail("it was opened"))
    with pytest.raises(SpecError, match="larger than 64 MiB"):
        load(path)


def test_a_file_that_grows_while_it_is_opened_is_not_read_on(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "MOST_BYTES", len(CONTENT))
    opened = Path.open

    def grown(self, *arguments, **more):
        with opened(self, "ab") as file:
            file.write(b"more")
        return opened(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", grown)
    with pytest.raises(SpecError, match="larger"):
        load(path)


def test_a_run_that_is_too_large_is_not_saved_and_the_old_file_stays(path, monkeypatch):
    monkeypatch.setattr(checkpoint, "MOST_BYTES", len(CONTENT) - 1)
    with pytest.raises(SpecError, match=r"^run\.zen: The run takes"):
        save(half_way(), path)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["run.zen"]
    monkeypatch.setattr(checkpoint, "MOST_BYTES", len(CONTENT))
    save(half_way(), path)
    assert load(path).step == 7


# Saving


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch, call, error):
    def failing(*arguments):
        raise error

    monkeypatch.setattr(files.os, call, failing)
    with pytest.raises(type(error)):
        save(Trainer(TINY), path)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["run.zen"]


def test_a_disk_that_is_full_in_the_middle_of_a_save_leaves_the_old_file_and_nothing_else(path):
    resource = pytest.importorskip("resource")
    known = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, known[1]))
        with pytest.raises(OSError, match="too large"):
            save(Trainer(TINY), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, known)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["run.zen"]


def test_where_no_file_can_be_made_the_old_one_stays(path, monkeypatch):
    def refusing(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refusing)
        with pytest.raises(PermissionError):
            save(Trainer(TINY), path)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["run.zen"]


@pytest.mark.parametrize("name", ["nowhere/run.zen", ".", "run.zen/run.zen"])
def test_saving_where_no_file_can_be_is_an_os_error(path, monkeypatch, name):
    monkeypatch.chdir(path.parent)
    with pytest.raises(OSError):  # noqa: PT011 - the system's words differ
        save(half_way(), Path(name))
    assert os.listdir(path.parent) == ["run.zen"]


SAVER = """
import itertools, os, sys
from pathlib import Path
from zen_core.files import write

path, *others = map(Path, sys.argv[1:])
contents = [other.read_bytes() for other in others]
for content in itertools.cycle(contents):
    write(path, content)
    os.write(1, b".")
"""


def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_file(path):
    """It saves two runs in turn, as fast as it can; the file is read meanwhile, and after each kill."""
    contents = [CONTENT, packed(*after(3, Trainer(RICH)).state())]
    others = [path.with_name(f"{number}.zen") for number in range(2)]
    for other, content in zip(others, contents, strict=True):
        other.write_bytes(content)
    chance, found = random.Random(0), set()
    for _ in range(8):
        command = [sys.executable, "-c", SAVER, str(path), *map(str, others)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            for _ in range(chance.randrange(1, 40)):
                assert process.stdout.read(1) == b"."
                found.add(path.read_bytes())
            process.kill()
        found.add(path.read_bytes())
        assert whole(load(path))
    assert found == set(contents)


@pytest.mark.skipif(os.name != "posix", reason="The signal is known to POSIX only")
@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_around_each_call_leaves_the_old_file_or_the_new(path, call, moment):
    new = path.with_name("new")
    new.write_bytes(packed(*Trainer(TINY).state()))
    # A process that kills itself at a moment that no one else could hit.
    script = f"""
import os, signal, sys
from pathlib import Path
from zen_core.files import write

real = os.{call}
def fatal(*arguments):
    if {moment == "after"}:
        real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
os.{call} = fatal
write(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes())
"""
    ended = subprocess.run([sys.executable, "-c", script, str(path), str(new)], check=False, cwd=ROOT)
    assert ended.returncode == -9
    old = (call, moment) != ("replace", "after")
    assert path.read_bytes() == (CONTENT if old else new.read_bytes())
