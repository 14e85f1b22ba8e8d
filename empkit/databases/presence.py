"""Whether the files that a connection commits to are still those at their paths.

before a commit   the log may not have become shorter: SQLite writes on where it was, after a hole
after it          the same files as before, and the database no shorter

An open file that was removed, replaced or cut short takes every commit without an error.
"""

from __future__ import annotations

import os

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

    # in the measured path: os.stat takes a third of the time of Path.stat
    def holds_before(self) -> bool:
        """Return whether the log is as long as it was."""
        try:
            return os.stat(self._log).st_size >= self._log_size  # noqa: PTH116
        except FileNotFoundError:
            return not self._log_size

    def holds_after(self) -> bool:
        """Return whether both are the files that were opened, and the database as long as it was;
        note how long they are now."""
        log, log_size = _look(self._log)
        if not self._is_there() or log != self._opened_log:
            return False
        self._log_size = log_size
        return True

    def holds(self) -> bool:
        """Return whether both are the files that were opened, and the database as long as it was.
        Of the log only a commit tells: other programs may empty it in order."""
        return self._is_there() and _look(self._log)[0] == self._opened_log

    def _is_there(self) -> bool:
        least = self._size
        identity, size = _look(self._file)
        if identity is None or identity != self._opened or size < least:
            return False
        self._size = size
        return True


def identity_of(path: str) -> Identity | None:
    """Return the file at a path; None if there is none."""
    return _look(path)[0]


def _look(path: str) -> tuple[Identity | None, int]:
    """Return the file at a path and its size in bytes."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size
