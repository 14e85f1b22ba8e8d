"""The part of `Runs` that its sibling modules use; `Runs` imports them, so this avoids a cycle."""

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
        """The machine and the versions that were measured."""

    @property
    def protocols(self) -> list[str]:
        """The protocols, always in the same order."""

    @property
    def guarantees(self) -> str:
        """The choice of guarantees of these runs."""

    @property
    def broken(self) -> list[str]:
        """A sentence for each broken promise."""

    @property
    def findings(self) -> list[str]:
        """A sentence for each loss that the guarantees or a fault allow."""

    @property
    def unmeasured(self) -> list[str]:
        """A sentence for each run that was asked for and is missing or incomplete."""

    @property
    def not_valid(self) -> list[str]:
        """A sentence for each reason why the numbers of a run cannot be used."""

    @property
    def status(self) -> ExitStatus:
        """The exit status for these runs."""

    def of(self, protocol: str, number: int | None = None) -> Measured:
        """Return only the runs of one protocol, and of one round if `number` is given."""

    def summary(self) -> pd.DataFrame:
        """Return one row per protocol: counts, latencies and verdicts."""
