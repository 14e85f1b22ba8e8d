"""The exit status of every command that runs experiments: one number that says what happened."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Self


class ExitStatus(IntEnum):
    """The exit status of a command; each member has its `meaning` in words."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Create a number with its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "no promise was broken, and all that was asked for was measured"
    BROKEN_PROMISE = 1, "a promise was broken"
    WRONG_USE = 2, "wrong use: nothing was run"
    NOT_MEASURED = 3, "not all that was asked for was measured"
    LIMIT_MISSED = 4, "a limit was missed (kept for limits that come later)"
    INTERRUPTED = 130, "interrupted by Ctrl-C (SIGINT)"
    TERMINATED = 143, "ended by SIGTERM"


ORDER = (
    ExitStatus.WRONG_USE,
    ExitStatus.INTERRUPTED,
    ExitStatus.TERMINATED,
    ExitStatus.BROKEN_PROMISE,
    ExitStatus.NOT_MEASURED,
    ExitStatus.LIMIT_MISSED,
    ExitStatus.OK,
)
"""The order of precedence: when several hold, the command ends with the first of them."""


def first_of(holding: Iterable[ExitStatus]) -> ExitStatus:
    """Return the status with the highest precedence; OK when there is none.

    Args:
        holding: every status that holds, in any order.
    """
    return min(holding, key=ORDER.index, default=ExitStatus.OK)


def of_signal(name: str) -> ExitStatus:
    """Return the status after a signal, by its name such as `SIGTERM`; OK for an empty name."""
    if not name:
        return ExitStatus.OK
    return ExitStatus.TERMINATED if name == "SIGTERM" else ExitStatus.INTERRUPTED


def described() -> str:
    """Return all of them in one paragraph, in order of precedence."""
    meanings = "; ".join(f"{int(status)} {status.meaning}" for status in ORDER)
    return f"Exit status, the first that holds: {meanings}."
