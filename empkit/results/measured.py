"""What the modules beside it know of `Runs`, which uses each of them: so there is no circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from empkit.results.info import RunInfo
from empkit.results.status import ExitStatus


class Measured(Protocol):
    """Runs and their timings; see `empkit.results.runs.Runs`."""

    runs: list[RunInfo]
    timings: pd.DataFrame
    interrupted: str
    failure: str

    @property
    def asked(self) -> Sequence[tuple[str, int]] | None:
        """Protocol and round of each run that was asked for; None when that is not known."""

    @property
    def environment(self) -> Mapping[str, Any]:
        """What it was measured on."""

    @property
    def protocols(self) -> list[str]:
        """The protocols, always in the same order."""

    @property
    def broken(self) -> list[str]:
        """Each promise that was broken, in words."""

    @property
    def findings(self) -> list[str]:
        """Loss that the guarantees or a fault allow, in words."""

    @property
    def unmeasured(self) -> list[str]:
        """What was asked for and not measured, in words."""

    @property
    def status(self) -> ExitStatus:
        """The exit status that these runs ask for."""

    def of(self, protocol: str, number: int | None = None) -> Measured:
        """Only the runs of one protocol, and of one round if asked for."""

    def summary(self) -> pd.DataFrame:
        """One row a protocol: how many, how fast, what became of them."""
