"""The lab, for cells and scripts: the system under test, and the four experiments on it."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from empkit.brokers import BrokerError
from empkit.clients import plugin
from empkit.clients.register import check_look
from empkit.experiment import generators
from empkit.experiment.guarantees import Guarantees
from empkit.experiment.progress import Progress
from empkit.experiment.workload import Workload
from empkit.processes.child import ChildError
from empkit.rig.control import LabError
from empkit.rig.rig import Rig

if TYPE_CHECKING:
    from empkit.experiment.rounds import Conducted
    from empkit.experiment.search import RateSearch
    from empkit.faults.base import Fault
    from empkit.faults.timeline import At
    from empkit.results.info import RunInfo
    from empkit.results.runs import Runs

__all__ = ["BrokenPromiseError", "Lab", "LabError"]


class BrokenPromiseError(LabError):
    """A record broke a promise: lost, corrupt, phantom, misjudged, stored twice or without having
    been sent, or stamped out of order.

    Args:
        runs: with the timings of all records.

    Example:
        >>> issubclass(BrokenPromiseError, LabError)
        True
    """

    runs: Runs

    def __init__(self, runs: Runs) -> None:
        super().__init__("\n".join(runs.broken))
        self.runs = runs


class Lab(Rig):
    """A rig with the four experiments: `run`, `compare`, `cross` and `find_rate`.

    Example:
        >>> with Lab("none") as without_kafka:
        ...     without_kafka.protocols
        ['http', 'websocket']
    """

    def __repr__(self) -> str:
        return f"<Lab: {'; '.join(f'{name} {value}' for name, value in self._said().items())}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>"
            for name, value in self._said().items()
        )
        return f"<p><b>Lab</b></p><table>{rows}</table>"

    def _said(self) -> dict[str, str]:
        """Return its state and parts in words, without user names and passwords."""
        from empkit.experiment.environment import without_secrets  # noqa: PLC0415 - start-up time

        said = {"state": "running" if self.running else "not running"}
        if self.running:
            said["protocols"] = ", ".join(self.protocols)
            said["server"] = without_secrets(self.server_url)
            said["database"] = urlsplit(self.database_url or "").scheme or "as the server has it"
        said["kafka"] = self.broker_name or "none"
        if self.running and self.bootstrap_servers and self.has_own_server:
            said["consumers"] = str(1 + len(self.consumers))
        return said

    def run(
        self,
        protocol: str,
        workload: Workload | None = None,
        rounds: int = 1,
        faults: Sequence[At | Fault] = (),
        guarantees: Guarantees | None = None,
        progress: Progress | None = None,
    ) -> Runs:
        """Send a workload over one protocol; see `compare`."""
        return self.compare([protocol], workload, rounds, faults, guarantees, progress)

    def compare(
        self,
        protocols: Iterable[str] | None = None,
        workload: Workload | None = None,
        rounds: int = 1,
        faults: Sequence[At | Fault] = (),
        guarantees: Guarantees | None = None,
        progress: Progress | None = None,
    ) -> Runs:
        """Send the same workload over several protocols, in rounds, each in a shuffled order.

        Interrupted (Ctrl-C, or Interrupt in a notebook) it ends early with what was measured until
        then; `Runs.unmeasured` says what is missing.

        Args:
            protocols: the protocols; by default all for which the lab has the parts. A protocol of
                your own is named by its class, `module:Class`; see `empkit.clients.base.Client`.
            workload: what to send; by default 2,000 made-up records, 8 in flight.
            rounds: the number of rounds.
            faults: the faults of each run, with their times.
            guarantees: what client and consumer ask for; by default those of the settings.
            progress: called with the progress; by default a progress bar.

        Raises:
            LabError: a run could not be carried out; its `runs` are those before it.
            BrokenPromiseError: a promise was broken (see `Runs.broken`); it carries the runs. A
                loss over Kafka is no error if guarantees or faults allow it (acks other than `all`,
                commit before the store, a fault that loses): see `Runs.findings`.
            KeyboardInterrupt: interrupted before anything was measured.
            ValueError: there is no such protocol, or your own is not a complete client, or there is
                no record to send.
        """
        from empkit.experiment.conduct import RunError  # noqa: PLC0415 - start-up time

        conducted = self._conduct(
            protocols, workload, [guarantees or Guarantees()], rounds, faults, progress
        )
        (runs,) = conducted.runs
        if runs.failure:
            raise RunError(runs.failure, runs) from conducted.error
        if runs.broken:
            raise BrokenPromiseError(runs)
        return runs

    def cross(
        self,
        protocols: Iterable[str] | None = None,
        workload: Workload | None = None,
        grid: Iterable[Guarantees] = (),
        rounds: int = 1,
        faults: Sequence[At | Fault] = (),
        progress: Progress | None = None,
        on_run: Callable[[RunInfo], None] | None = None,
    ) -> list[Runs]:
        """Carry out the same comparison with several choices of guarantees; a loss is a result.

        Each round has every protocol with every choice, in a shuffled order, so that the choices
        can be compared with each other as protocols can.

        Args:
            protocols: as for `compare`.
            workload: as for `compare`.
            grid: the choices; by default those of the settings.
            rounds: as for `compare`.
            faults: as for `compare`.
            progress: as for `compare`.
            on_run: called with the description of each finished run.

        Returns:
            The runs of each choice, in the order of the grid; `pandas.concat` of their `recovery()`
            is one table of all. After an interrupt, or if a run could not be carried out, only what
            was measured before it; `Runs.unmeasured` says what is missing.

        Raises:
            LabError: not even one run could be carried out.
            KeyboardInterrupt: interrupted before anything was measured.
        """
        choices = list(dict.fromkeys(grid)) or [Guarantees()]
        return self._conduct(protocols, workload, choices, rounds, faults, progress, on_run).runs

    def _conduct(
        self,
        protocols: Iterable[str] | None,
        workload: Workload | None,
        grid: Sequence[Guarantees],
        rounds: int,
        faults: Sequence[At | Fault],
        progress: Progress | None,
        on_run: Callable[[RunInfo], None] | None = None,
    ) -> Conducted:
        """Check what was asked for, then carry it out."""
        chosen = list(dict.fromkeys(protocols or self.protocols))
        for protocol in chosen:
            if plugin.is_own(protocol):
                check_look(protocol)
            elif protocol not in self.protocols:
                raise ValueError(
                    f"{protocol!r} cannot be used here; this lab has {', '.join(self.protocols)}."
                )
        generators.get_ready(self.processes, chosen)
        from empkit.experiment import rounds as of_rounds  # noqa: PLC0415 - start-up time

        self.mount(chosen)
        if rounds < 1:
            raise ValueError(f"rounds is {rounds}; at least 1 is needed.")
        try:
            return of_rounds.compare(
                self, chosen, workload or Workload(), rounds, faults, grid, progress, on_run
            )
        except (BrokerError, ChildError) as error:
            raise LabError(str(error)) from error

    def find_rate(
        self,
        protocol: str,
        *,
        p99_ms: float = 100.0,
        first: float = 500.0,
        highest: float = 50_000.0,
        seconds: float = 2.0,
        precision: float = 0.1,
        on_step: Callable[[str], None] = print,
    ) -> RateSearch:
        """Search for the highest offered rate that a protocol keeps up with, in an open loop.

        The protocol keeps up with a rate if every record is stored, at the offered rate (within
        5 %), and the p99 from when it was due until it was stored is within a limit. The
        rate is doubled until it is too high, then the gap is narrowed. Where it was not the system
        that gave out, but the load generator or a machine that others used, the result says so.

        Args:
            protocol: the name of the protocol.
            p99_ms: the limit of the p99, in ms.
            first: the rate to begin with, in records/s.
            highest: where to stop, in records/s.
            seconds: how long each step offers records.
            precision: how narrow the gap becomes, as a share (0.1: a tenth).
            on_step: called with a description of each step.

        Raises:
            LabError: a run could not be carried out.
            ValueError: a number is out of range.
        """
        from empkit.experiment.search import find_rate  # noqa: PLC0415 - start-up time

        return find_rate(
            lambda workload: self.run(protocol, workload, progress=lambda *_: None),
            protocol, p99_ms, first, highest, seconds, precision, on_step,
        )  # fmt: skip
