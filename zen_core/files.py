"""Files: content that is on disk whole, or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Put the content into a file. The file is replaced whole or not at all; raises OSError where it cannot be.

    Whatever ends the program meanwhile, the old content or the new is there; at worst a file of another name is too.
    """
    temporary = Path(f"{path}.{secrets.token_hex(4)}.part")
    file = temporary.open("xb")
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
