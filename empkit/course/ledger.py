"""What a reader has guessed and solved, in one file beside the notebooks.

    predict, compared, check, show_solution --> changing() --> empkit-progress.json --> reading()

The file is in the working folder, which for a notebook is its own. Nothing of it is sent anywhere.
It is written as a whole, so that nobody ever reads half of it, and by one process at a time, so
that two notebooks do not undo each other's changes. With EMPKIT_GUESS=none, where nobody is there
to guess, and in a folder that cannot be written to, all of it stays in the memory of the process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from empkit.settings import Settings

NAME = "empkit-progress.json"
VERSION: Literal[1] = 1
MEND = f"Rename or delete {NAME}, and a new one is begun."
MOST_BYTES = 1_000_000  # a whole course is below 30,000

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ProgressError(ValueError):
    """A file of progress cannot be read; the message says why."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the sentence and what to do, without the traceback."""
        return [f"{self} {MEND}"]


class Guess(BaseModel):
    """A guess that is locked.

    Attributes:
        guess: the values by their names; a single value has the name "".
        locked: when.
        sure: how sure the reader was of each value; None if nothing was said.
        right: whether each value was right, once it has been compared; None where the measurement
            gave no value.
    """

    model_config = ConfigDict(extra="forbid")

    guess: dict[str, Any]
    locked: datetime
    sure: Share | None = None
    right: dict[str, bool | None] | None = None


class Exercise(BaseModel):
    """What was done about an exercise.

    Attributes:
        tries: how many answers were checked, up to the first right one.
        right: when an answer was right for the first time.
        steps: how many steps of its solution were shown; the last is the solution itself.
    """

    model_config = ConfigDict(extra="forbid")

    tries: Annotated[int, Field(ge=0)] = 0
    right: datetime | None = None
    steps: Annotated[int, Field(ge=0)] = 0


class Ledger(BaseModel):
    """The content of the file: guesses and exercises by their numbers, such as 06.a and 06.1."""

    model_config = ConfigDict(extra="forbid")

    empkit_progress: Literal[1]  # the version of the file
    guesses: dict[str, Guess] = {}
    exercises: dict[str, Exercise] = {}


def new() -> Ledger:
    """Return an empty ledger."""
    return Ledger(empkit_progress=VERSION)


_in_memory: dict[Path | None, Ledger] = {}
"""The ledgers that no file holds: of folders that cannot be written to, and under None that of a
run without a reader."""


def unattended() -> bool:
    """Return whether nobody is there to guess (EMPKIT_GUESS=none)."""
    return Settings().guess == "none"


def now() -> datetime:
    """Return the time, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def load(path: Path) -> Ledger:
    """Return the content of a file; a file that does not exist is an empty ledger.

    Args:
        path: of the file.

    Raises:
        ProgressError: it cannot be read, or is not such a file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return new()
    except OSError as error:
        raise ProgressError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not content.strip():
        raise ProgressError(f"{path} is empty.")
    if len(content) > MOST_BYTES:
        raise ProgressError(f"{path} is larger than {MOST_BYTES:,} bytes: no file of progress.")
    try:
        return Ledger.model_validate_json(content)
    except ValidationError as error:
        raise ProgressError(f"{path} {_fault(error)}.") from None


def _fault(error: ValidationError) -> str:
    """Return what is wrong with the content of a file."""
    errors = {".".join(map(str, each["loc"])): each for each in error.errors()}
    if version := errors.get("empkit_progress"):
        newer = isinstance(version["input"], int) and version["input"] > VERSION
        return "was written by a newer empkit" if newer else "is not a file of progress"
    place, first = next(iter(errors.items()))
    return f"is damaged: {f'{place}: ' if place else ''}{first['msg'].rstrip('.')}"


def reading() -> Ledger:
    """Return the ledger of the working folder.

    Raises:
        ProgressError: see `load`.
    """
    if unattended():
        return _in_memory.setdefault(None, new())
    folder = _working_folder()
    return _in_memory.get(folder) or load(folder / NAME)


@contextlib.contextmanager
def changing() -> Iterator[Ledger]:
    """Yield the ledger of the working folder, and keep what it is in the end.

    When the block raises, nothing is kept. A folder that cannot be written to is reported once.

    Raises:
        ProgressError: see `load`.
    """
    if unattended():
        yield reading()
        return
    folder = _working_folder()
    if folder in _in_memory:
        yield _in_memory[folder]
        return
    with alone(folder):
        ledger = load(folder / NAME)
        before = ledger.model_copy(deep=True)
        yield ledger
        if ledger == before:
            return
        try:
            write(ledger, folder / NAME)
        except OSError as error:
            _in_memory[folder] = ledger
            print(
                f"(Your progress cannot be written to {folder / NAME}: {error.strerror or error}. "
                "It is kept until the kernel ends.)"
            )


def note_try(number: str, *, right: bool) -> None:
    """Note that an answer was checked; a file that cannot be read keeps nobody from checking.

    Args:
        number: of the exercise.
        right: whether the answer was right.
    """
    try:
        with changing() as kept:
            exercise = kept.exercises.setdefault(number, Exercise())
            if exercise.right is None:
                exercise.tries += 1
                exercise.right = now() if right else None
    except ProgressError as error:
        print(f"(Not noted: {error} {MEND})")


def write(ledger: Ledger, path: Path) -> None:
    """Replace the file by a new one, which is on the disk as a whole before it takes its place.

    Args:
        ledger: the content.
        path: of the file.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(ledger.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ProgressError("The working folder was removed: restart the kernel.") from None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process changes the file in this folder.

    Windows and some network file systems lock no folder: there, of two notebooks that write at the
    same moment, the last one counts.

    Args:
        folder: with the file.
    """
    with contextlib.ExitStack() as stack:
        if sys.platform != "win32":
            import fcntl  # noqa: PLC0415 - not on Windows

            with contextlib.suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
