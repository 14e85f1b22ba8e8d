"""Whether the files that a connection commits to are still those at their paths.

before a commit   the same log, and no shorter: SQLite writes on where it was, after a hole
after it          the same database, and no shorter

An open file that was removed, replaced or cut short takes every commit without an error.
"""

from __future__ import annotations

import os
import sys

_FRAMES = slice(16, 20)
"""Where a log's index has the number of its frames."""

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

    SQLite follows a link to the file, and its log is beside the file. So a link that takes the
    place of the file leads the next connection to another log, though to the same file.

    Args:
        file: the path of the database.
        opened: the file that the connection has open; None if it was taken away meanwhile.
    """

    def __init__(self, file: str, opened: Identity | None) -> None:
        self._file = os.path.realpath(file)
        self._link = file if os.path.abspath(file) != self._file else ""  # noqa: PTH100
        self._log, self._index = f"{self._file}-wal", f"{self._file}-shm"
        self._opened = opened
        self._opened_log, self._log_size = _look(self._log)
        _, self._size = _look(self._file)
        self._descriptor = _opened(self._log)

    # in the measured path, so written out: os.stat takes a third of the time of Path.stat, and a
    # seek a fifth of that of os.stat
    def holds_before(self) -> bool:
        """Return whether the log is the one that was opened, and as long as it was, or was emptied
        in order."""
        try:
            log = os.lstat(self._log)
        except OSError:
            return self._opened_log is None
        if (log.st_dev, log.st_ino) != self._opened_log:
            return False
        if log.st_size < self._log_size:
            if log.st_size or not self._is_empty():
                return False
            self._log_size = 0
        return True

    def holds_after(self) -> bool:
        """Return whether the database is the file that was opened, and as long as it was; note how
        long both are now. A log that was removed during the commit is noticed before the next one,
        and is open, so that nothing of it is lost."""
        try:
            file = os.lstat(self._file)
        except OSError:
            return False
        if self._leads_elsewhere():
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

    def _is_empty(self) -> bool:
        """Return whether the index says that the log holds nothing: then another program has copied
        it into the database and emptied it (https://www.sqlite.org/walformat.html, mxFrame)."""
        try:
            with open(self._index, "rb") as index:  # noqa: PTH123
                begin = index.read(_FRAMES.stop)
        except OSError:
            return False
        return len(begin) == _FRAMES.stop and not any(begin[_FRAMES])

    def _leads_elsewhere(self) -> bool:
        """Return whether the path was a link to the file, and is another one now."""
        return bool(self._link) and identity_of(self._link) != self._opened

    def _is_there(self) -> bool:
        if self._leads_elsewhere():
            return False
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
    """Return the file at a path, or to which a link there leads; None if there is none."""
    return _look(os.path.realpath(path))[0]


def _look(path: str) -> tuple[Identity | None, int]:
    """Return what is at a path, if it is a link itself, and its size in bytes."""
    try:
        found = os.lstat(path)
    except OSError:  # it is not there, or its folder is not, or cannot be looked into any more
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size
