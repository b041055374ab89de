"""Checkpoints: a run in a file, from which it goes on as if it had never stopped.

The file is in safetensors format, which other programs read too: the length of the header in 8 bytes, the header as
JSON, and the bytes of the arrays. The header's metadata come first: `zen`, the version of what follows, and `run`,
which is JSON again: the experiment, and whatever else is no array. The last array, and so the last 32 bytes of the
file, is the SHA-256 of all bytes before it. In files of every version, the metadata stand there and the checksum too:
damage is found before anything is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from zen_core.autodiff import Array
from zen_core.component import SpecError, from_plain
from zen_core.experiment import Experiment
from zen_core.files import write
from zen_core.trainer import Trainer

MOST_BYTES = 1 << 26
"""How long a file may be: 64 MiB."""

DEEPEST = 32
"""How deeply lists and tables may stand in one another."""

VERSION = (1, 0)
"""Of the format. Files of another minor version open; of a newer major version, they do not."""

TYPES = {"float32": "F32", "float64": "F64", "int64": "I64", "uint8": "U8"}
"""What arrays hold, in the words of numpy and of safetensors; bytes are the checksum's."""

SEAL = "sha256"
"""The array that is the checksum."""

_BEGINNING = b'{"__metadata__":{"zen":"'


def save(trainer: Trainer, path: Path) -> None:
    """Write the run as it stands. The file is replaced whole or not at all.

    Raises SpecError where the run is too large for a file, OSError where it cannot be written.
    """
    with _naming(path):
        content = packed(*trainer.state())
    write(path, content)


def load(path: Path, backend: str | None = None) -> Trainer:
    """Return a trainer that goes on, bit for bit, on the backend of then, or another with other roundings.

    Raises SpecError where the file is damaged, incomplete, too large or no run, or the backend is not to be had;
    OSError where it cannot be read. It is never changed.
    """
    with _naming(path):
        return Trainer.restored(*unpacked(_content(path)), backend=backend)


def load_experiment(path: Path) -> Experiment:
    """Return the experiment of a run, with its live changes so far; raises as `load`."""
    with _naming(path):
        return from_plain(Experiment, unpacked(_content(path))[1].get("experiment"))


def packed(arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> bytes:
    """Return a file's content; raises SpecError where it would be too long. The same state gives the same bytes."""
    # What other programs read in place has to begin at a multiple of its size.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0]))
    version = ".".join(map(str, VERSION))
    header: dict[str, Any] = {"__metadata__": {"zen": version, "run": json.dumps(facts, allow_nan=False)}}
    end = 0
    for name, array in [*ordered, (SEAL, np.zeros(32, np.uint8))]:
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": TYPES[array.dtype.name], "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    size = 8 + len(text) + end
    if size > MOST_BYTES:
        raise SpecError(
            f"The run takes {size / (1 << 20):,.1f} MiB, and a file at most {MOST_BYTES >> 20}. "
            "Use a smaller network, or float32."
        )
    content = b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for _, array in ordered)])
    return content + sha256(content).digest()


def unpacked(content: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays, read-only, and the facts that a file's content holds; raises SpecError where it is bad."""
    if not content.startswith(_BEGINNING, 8):
        raise SpecError("The file holds no run of Zen Playground. Choose one that does.")
    if sha256(memoryview(content)[:-32]).digest() != content[-32:]:
        raise SpecError("The file is damaged or incomplete: its checksum does not fit. Use another copy.")
    try:
        header = _parsed(content[8 : 8 + int.from_bytes(content[:8], "little")].decode())
        metadata = header.pop("__metadata__")
        version = str(metadata["zen"])
        if int(version.partition(".")[0]) > VERSION[0]:
            raise SpecError(
                f"The file is of version {version[:20]}, and this program reads up to {VERSION[0]}. Update the program."
            )
        strange = {told["dtype"] for told in header.values()} - set(TYPES.values())
        if strange:
            raise ValueError(f"arrays of type {', '.join(sorted(strange))}")
        # It holds what the header declares against what is there.
        arrays = safetensors.numpy.load(content)
        del arrays[SEAL]
        facts = dict(_parsed(metadata["run"]))
    except SpecError:
        raise
    except (SafetensorError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise SpecError(f"The file is not as a run's must be ({str(error)[:200]}). Use another.") from error
    for array in arrays.values():
        array.flags.writeable = False
    return arrays, facts


def _parsed(text: str) -> Any:
    """What JSON says; raises ValueError, or RecursionError, where it is none or goes too deep."""
    found = json.loads(text)
    level, depth = [found], 0
    while level := [each for each in level if isinstance(each, (dict, list))]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} lists in one another")
        level = [inner for outer in level for inner in _values(outer)]
    return found


def _values(outer: dict[str, Any] | list[Any]) -> Any:
    return outer.values() if isinstance(outer, dict) else outer


def _content(path: Path) -> bytes:
    known = path.stat()
    # Opening what is no file could wait for ever.
    if not S_ISREG(known.st_mode):
        raise SpecError("This is no file. Choose one.")
    if known.st_size <= MOST_BYTES:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        # It may have grown meanwhile.
        if len(content) <= MOST_BYTES:
            return content
    raise SpecError(f"The file is larger than {MOST_BYTES >> 20} MiB, which a run's never is. Choose another.")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except SpecError as error:
        raise SpecError(f"{path.name}: {error}", path=error.path) from error
