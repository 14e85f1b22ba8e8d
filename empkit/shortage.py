"""What has run out where the system says only a number: descriptors, or space in a folder."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path

SPACE_LEFT = 16 * 2**10
"""With fewer bytes than this free, a folder is full: a log or a page of a database needs as much
or more."""

_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
_SPACE = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


class DescriptorsError(OSError):
    """A process may not open as many files and connections as its work needs."""


def is_one(error: OSError) -> bool:
    """Return whether an error says that descriptors or space have run out."""
    return error.errno in _DESCRIPTORS | _SPACE


def said(error: Exception, folder: Path | str | None = None) -> str:
    """Return an error as a text: if something of the system has run out, what to do about it.

    Args:
        error: the error.
        folder: where was written, if the error does not name a file; by default the folder for
            temporary files if that is full, else the output.

    Example:
        >>> said(OSError(errno.EMFILE, "Too many open files"))
        'This process has no file descriptors left (Too many open files; ulimit -n is ...
    """
    if not isinstance(error, OSError):
        return str(error)
    if isinstance(error, DescriptorsError):
        return str(error.strerror)
    if error.errno in _DESCRIPTORS:
        return (
            f"This process has no file descriptors left ({error.strerror}; ulimit -n is "
            f"{_limit() or 'not known'}): close files and connections, or raise it, as with "
            "`ulimit -n 1024`."
        )
    if error.errno in _SPACE:
        where = Path(os.fsdecode(error.filename)).parent if error.filename else folder
        if where is None and not of_folder(Path(tempfile.gettempdir())):
            return f"{error.strerror}, where the output goes: free some space there."
        return space(where or tempfile.gettempdir(), str(error.strerror))
    return str(error)


def space(folder: Path | str, reason: str = "No space left on device") -> str:
    """Return the sentence for a folder that is full.

    Args:
        folder: the folder.
        reason: the system's words.
    """
    return (
        f"{reason}: {folder} is full. Free some space, or name another folder for temporary files "
        "in the environment variable TMPDIR."
    )


def of_folder(folder: Path) -> str:
    """Return the sentence for a folder if it is full; empty if it is not, or is not there."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return space(folder) if free < SPACE_LEFT else ""


def descriptors_are_used_up() -> bool:
    """Return whether this process can open no further file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in _DESCRIPTORS
    return False


def _limit() -> int:
    """Return how many descriptors this process may have; 0 if the platform does not say."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 - Windows has none

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def provide_descriptors(least: int, wanted: int, what: str) -> None:
    """Raise this process's limit of descriptors to what it wants, as far as it may.

    Args:
        least: with fewer it cannot work.
        wanted: how many it can use.
        what: what needs them, as the subject of a sentence.

    Raises:
        DescriptorsError: it may not have even the least.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 0 or soft >= wanted:
        return
    raised = wanted if hard < 0 else min(wanted, hard)
    if raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    if max(raised, soft) < least:
        raise DescriptorsError(
            errno.EMFILE,
            f"{what} needs {least} file descriptors, and this process may have only "
            f"{max(raised, soft)}: raise the limit, as with `ulimit -n 1024`.",
        )
