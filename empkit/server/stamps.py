"""The server's stamps: when it had received each record completely, and when it was durable.

The committing thread appends them to a file, one JSON list per line: they survive a crash of the
server and take no memory, and `GET /timings` pages through them by byte offset.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import orjson

from empkit.platforms import BINARY, read_at

LONGEST_LINE = 2_048
"""In bytes: an id of 135 characters, each up to six bytes in JSON, and the other values."""


class Stamp(NamedTuple):
    """The stamps of one stored record, in nanoseconds of the host's monotonic clock."""

    employee_id: str
    protocol: str
    received_ns: int
    stored_ns: int


class StampLog:
    """An append-only file of stamps.

    Args:
        path: the file, created if it is missing, otherwise continued; None uses a temporary file
            that is removed when the log is closed.
    """

    def __init__(self, path: Path | None) -> None:
        self._one_at_a_time = threading.Lock()
        if path is None:
            self._file, name = tempfile.mkstemp(prefix="empkit-timings-")
            if sys.platform == "win32":  # an open file is removed by closing it
                os.close(self._file)
                self._file = os.open(name, os.O_RDWR | os.O_APPEND | BINARY | os.O_TEMPORARY)
            else:
                Path(name).unlink()  # the open file stays usable and cannot be left behind
        else:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | BINARY, 0o600)
            self._end_broken_line()

    def _end_broken_line(self) -> None:
        """Complete a last line that a crash has cut short, so that the next begins on a new one."""
        size = os.fstat(self._file).st_size
        if size and read_at(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def append(self, protocol: str, stored_ns: int, received: Iterable[tuple[str, int]]) -> None:
        """Add the stamps of the records of one commit.

        Args:
            protocol: the protocol of the records.
            stored_ns: when their transaction was durable.
            received: pairs of employee_id and `received_ns`.
        """
        dumps = orjson.dumps
        lines = b"".join(
            dumps((employee_id, protocol, received_ns, stored_ns)) + b"\n"
            for employee_id, received_ns in received
        )
        with self._one_at_a_time:
            while lines:
                lines = lines[os.write(self._file, lines) :]

    def page(self, after: int, limit: int) -> tuple[list[Stamp], int]:
        """Return a page of stamps, oldest first.

        Args:
            after: the byte offset to begin at: 0, or the offset that the previous call returned.
            limit: the maximum number of stamps.

        Returns:
            The stamps, and the offset of the next page; no stamps means that there are no more yet.
        """
        with self._one_at_a_time:
            chunk = read_at(self._file, max(limit * 128, LONGEST_LINE), after)
        *lines, _ = chunk.split(b"\n")
        stamps: list[Stamp] = []
        for line in lines[:limit]:
            after += len(line) + 1
            try:
                stamps.append(Stamp(*orjson.loads(line)))
            except (orjson.JSONDecodeError, TypeError):
                continue  # cut short by a crash
        return stamps, after

    def end(self) -> int:
        """Return the byte offset at which future stamps will begin."""
        return os.fstat(self._file).st_size

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
