"""Whether the files that a connection commits to are still those at their paths.

before a commit   the same log, and no shorter: SQLite writes on where it was, after a hole
after it          the same database, and no shorter

An open file that was removed, replaced or cut short takes every commit without an error.
"""

from __future__ import annotations

import os
import sys

Identity = tuple[int, int]
"""A file, whatever its name: its device and inode."""


class Presence:
    """What a commit goes to, where it cannot be taken away unnoticed, as over a network."""

    def holds_before(self) -> bool:
        """Return whether a commit may begin."""
        return True

    def holds_after(self) -> bool:
        """Return whether what was committed is where it will be looked for."""
        return True

    def holds(self) -> bool:
        """Return whether all is as after the last commit; any thread may ask."""
        return True

    def close(self) -> None:
        """Close what it has open."""


class FilePresence(Presence):
    """The file of a database and its write-ahead log.

    Args:
        file: the path of the database.
        log: the path of its write-ahead log.
        opened: the file that the connection has open; None if it was taken away meanwhile.
    """

    def __init__(self, file: str, log: str, opened: Identity | None) -> None:
        self._file, self._log = file, log
        self._opened = opened
        self._opened_log, self._log_size = _look(log)
        _, self._size = _look(file)
        self._descriptor = _opened(log)

    # in the measured path, so written out: os.stat takes a third of the time of Path.stat, and a
    # seek a fifth of that of os.stat
    def holds_before(self) -> bool:
        """Return whether the log is the one that was opened, and as long as it was."""
        try:
            log = os.stat(self._log)  # noqa: PTH116
        except OSError:
            return self._opened_log is None
        return log.st_size >= self._log_size and (log.st_dev, log.st_ino) == self._opened_log

    def holds_after(self) -> bool:
        """Return whether the database is the file that was opened, and as long as it was; note how
        long both are now. A log that was removed during the commit is noticed before the next one,
        and is open, so that nothing of it is lost."""
        try:
            file = os.stat(self._file)  # noqa: PTH116
        except OSError:
            return False
        if file.st_size < self._size or (file.st_dev, file.st_ino) != self._opened:
            return False
        self._size = file.st_size
        if self._descriptor >= 0:
            self._log_size = os.lseek(self._descriptor, 0, os.SEEK_END)
        else:
            self._log_size = _look(self._log)[1]
        return True

    def holds(self) -> bool:
        """Return whether both are the files that were opened, and the database as long as it was.
        Of the log only a commit tells: other programs may empty it in order."""
        return self._is_there() and _look(self._log)[0] == self._opened_log

    def close(self) -> None:
        """Close the descriptor of the log."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_there(self) -> bool:
        least = self._size
        identity, size = _look(self._file)
        if identity is None or identity != self._opened or size < least:
            return False
        self._size = size
        return True


def _opened(log: str) -> int:
    """Return a descriptor of a log, by which SQLite has no locks that closing it would release; -1
    if there is none, and on Windows, where it would keep the log from being removed."""
    if sys.platform == "win32":
        return -1
    try:
        return os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def identity_of(path: str) -> Identity | None:
    """Return the file at a path; None if there is none."""
    return _look(path)[0]


def _look(path: str) -> tuple[Identity | None, int]:
    """Return the file at a path and its size in bytes."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:  # it is not there, or its folder is not, or cannot be looked into any more
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size
