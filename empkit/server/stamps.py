"""The server's stamps: when it had received each record completely, and when it was durable.

The committing thread appends them to a file, one JSON list per line: they survive a crash of the
server and take no memory, and `GET /timings` pages through them by their offset in bytes.
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
    """The stamps of one stored record, in nanoseconds of the host's monotonic clock; `stored_ns` is
    `NOT_STORED_NS` for one that the consumer read and the database held already."""

    employee_id: str
    protocol: str
    received_ns: int
    stored_ns: int


class _Segment(NamedTuple):
    """One file of the log.

    Attributes:
        begin: the offset in the log of its first byte.
        file: its descriptor, open for reading and appending.
        path: where it is; None if it has no name.
    """

    begin: int
    file: int
    path: Path | None

    @property
    def end(self) -> int:
        """The offset in the log after its last byte."""
        return self.begin + os.lseek(self.file, 0, os.SEEK_END)  # half the time of os.fstat


class StampLog:
    """An append-only log of stamps, of which the oldest are dropped when it is too large.

    It is kept in two files of half its size each; the names of later ones end in the offset at
    which they begin.

    Args:
        path: the first file, created if it is missing, otherwise continued; None uses temporary
            files that are removed when the log is closed.
        max_bytes: the most that is kept, in bytes.
    """

    def __init__(self, path: Path | None, max_bytes: int = 2**30) -> None:
        self._one_at_a_time = threading.Lock()
        self._path = path
        self._most = max_bytes // 2
        begins = [] if path is None else _begins(path)
        self._segments = [self._open(begin) for begin in begins or [0]]
        if path is not None:
            _end_broken_line(self._segments[-1].file)

    def _open(self, begin: int) -> _Segment:
        """Return the file that begins at an offset of the log."""
        if self._path is not None:
            path = self._path.with_name(f"{self._path.name}.{begin}") if begin else self._path
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | BINARY
            return _Segment(begin, os.open(path, flags, 0o600), path)
        file, name = tempfile.mkstemp(prefix="empkit-timings-")
        if sys.platform == "win32":  # an open file is removed by closing it
            os.close(file)
            file = os.open(name, os.O_RDWR | os.O_APPEND | BINARY | os.O_TEMPORARY)
        else:
            Path(name).unlink()  # the open file stays usable and cannot be left behind
        return _Segment(begin, file, None)

    def append(self, protocol: str, stored_ns: int, received: Iterable[tuple[str, int]]) -> None:
        """Add the stamps of the records of one commit.

        Args:
            protocol: the protocol of the records.
            stored_ns: when their transaction was durable; `NOT_STORED_NS`, see `Stamp`.
            received: pairs of employee_id and `received_ns`.
        """
        dumps = orjson.dumps
        lines = b"".join(
            dumps((employee_id, protocol, received_ns, stored_ns)) + b"\n"
            for employee_id, received_ns in received
        )
        with self._one_at_a_time:
            last = self._segments[-1]
            if (end := last.end) - last.begin >= self._most:
                self._segments.append(last := self._open(end))
                self._drop_the_oldest()
            while lines:
                lines = lines[os.write(last.file, lines) :]

    def _drop_the_oldest(self) -> None:
        while len(self._segments) > 2:
            oldest = self._segments.pop(0)
            os.close(oldest.file)
            if oldest.path is not None:
                oldest.path.unlink(missing_ok=True)

    def page(self, after: int, limit: int) -> tuple[list[Stamp], int]:
        """Return a page of stamps, oldest first.

        Args:
            after: the offset to begin at: 0, or the offset that the previous call returned. What
                was dropped is passed over; see `begin`.
            limit: the maximum number of stamps.

        Returns:
            The stamps, and the offset of the next page; no stamps means that there are no more yet.
        """
        with self._one_at_a_time:
            after = max(after, self._segments[0].begin)
            segment = next(each for each in reversed(self._segments) if after >= each.begin)
            chunk = read_at(segment.file, max(limit * 128, LONGEST_LINE), after - segment.begin)
        *lines, _ = chunk.split(b"\n")
        stamps: list[Stamp] = []
        for line in lines[:limit]:
            after += len(line) + 1
            try:
                stamps.append(Stamp(*orjson.loads(line)))
            except (orjson.JSONDecodeError, TypeError):
                continue  # cut short by a crash
        return stamps, after

    def begin(self) -> int:
        """Return the offset of the oldest stamp that is kept."""
        return self._segments[0].begin

    def end(self) -> int:
        """Return the offset at which future stamps will begin."""
        with self._one_at_a_time:  # reading moves the place in the file on Windows
            return self._segments[-1].end

    def close(self) -> None:
        """Close the files."""
        for segment in self._segments:
            os.close(segment.file)


def _begins(path: Path) -> list[int]:
    """Return the offsets at which the files of an earlier log begin."""
    ends = (file.name.removeprefix(f"{path.name}.") for file in path.parent.glob(f"{path.name}.*"))
    later = sorted(int(end) for end in ends if end.isdecimal())
    return [0, *later] if path.exists() else later


def _end_broken_line(file: int) -> None:
    """Complete a last line that a crash has cut short, so that the next begins on a new one."""
    size = os.fstat(file).st_size
    if size and read_at(file, 1, size - 1) != b"\n":
        os.write(file, b"\n")
