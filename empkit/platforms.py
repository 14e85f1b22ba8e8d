"""What the standard library lacks on some platforms."""

from __future__ import annotations

import os
import sys

BINARY: int = getattr(os, "O_BINARY", 0)
"""For `os.open`: without it Windows changes the ends of lines."""


def read_at(file: int, size: int, offset: int) -> bytes:
    """Read from a file at a place of one's own choice.

    Args:
        file: its descriptor. On Windows its position moves: let one thread at a time use it.
        size: how many bytes, at most.
        offset: from where, in bytes from the beginning.
    """
    if sys.platform == "win32":  # there is no pread
        os.lseek(file, offset, os.SEEK_SET)
        return os.read(file, size)
    return os.pread(file, size, offset)
