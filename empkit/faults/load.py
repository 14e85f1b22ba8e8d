"""Faults of the load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from empkit.faults.base import Fault

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Overload(Fault):
    """For a time records are offered so many times as fast; open loop only.

    Args:
        times: the offered rate, as a multiple of the workload's.
        from_s: when it begins, in seconds after the start.
        until_s: when it ends.
    """

    name = "overload"
    part = "load"
    takes_away = True
    unit = "records due while it lasted"
    times: float = 3.0
    from_s: float = 2.0
    until_s: float = 12.0
