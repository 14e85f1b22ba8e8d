"""Conducts one run: starts the process that carries it out, strikes the faults, follows it to its
end, and describes it."""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from empkit import plugins, shortage
from empkit.clients import client_class, looks, plugin
from empkit.clients.look import Look
from empkit.clock import now_ns
from empkit.experiment import generators, strikes, validity
from empkit.experiment.environment import hashed
from empkit.experiment.guarantees import Guarantees, why_loss
from empkit.experiment.held import is_of_run
from empkit.experiment.machine import Readings
from empkit.experiment.payloads import line_of
from empkit.experiment.progress import Progress
from empkit.experiment.run import OUTSIDE_FILE, Plan
from empkit.experiment.workload import Workload
from empkit.faults.base import Fault, Offer, Scene, WholeRunFault
from empkit.faults.timeline import At, Timeline
from empkit.processes import interrupts
from empkit.processes.child import Child, ChildError
from empkit.proxy import ProxyProcess
from empkit.records import ledger
from empkit.records.encoded import EncodedRecords
from empkit.results.folders import read_timings
from empkit.results.info import AS_SET, FaultSpan, RunInfo
from empkit.results.runs import Runs
from empkit.results.strikes import untouched
from empkit.results.verdicts import named
from empkit.rig.control import LabError
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.rig.rig import Rig

POLL_S = 0.2
"""The longest that a signal waits while a report of a run is read, in seconds."""
AUDIT_TIMEOUT_S = 60.0
"""The timeout for the audit of a run whose load generator was killed."""


class RunError(LabError):
    """A run could not be carried out.

    Args:
        message: why.
        runs: those that were carried out before it.
    """

    def __init__(self, message: str, runs: Runs | None = None) -> None:
        super().__init__(message)
        self.runs = runs


@dataclass(frozen=True)
class Setup:
    """What several runs have in common.

    Attributes:
        workload: the workload, which sets the pace.
        records: the file that its records were written to; the folders of the runs are beside it.
        count: the number of records.
        sha256: the hash of their source (`environment.hashed`); None for made-up records.
        faults: the faults, with their times.
        looks: how each protocol is shown.
        changed: the places of the records that a fault of the whole run changed, by the fault's
            place in `faults`.
        token_lifetime_s: the lifetime of the client's token, in seconds; None: it does not expire
            during the run.
    """

    workload: Workload
    records: Path
    count: int
    sha256: str | None
    faults: Sequence[At | Fault]
    looks: Mapping[str, Look]
    changed: Mapping[int, Sequence[int]]
    token_lifetime_s: float | None = None

    @property
    def events(self) -> list[At]:
        """The faults that go on the timeline."""
        return [fault for fault in self.faults if isinstance(fault, At)]

    @property
    def ends_sending(self) -> bool:
        """Whether a fault ends the load generator."""
        return any(event.fault.ends_sending for event in self.events)


@contextlib.contextmanager
def _own_errors(fault: Fault, failed: str) -> Iterator[None]:
    """Turn an error of a fault's own code into a sentence."""
    try:
        yield
    except ValueError:
        raise  # it has its sentence
    except Exception as error:
        raise RunError(f"{fault} {failed}: {plugins.said(error)}.") from error


@contextlib.contextmanager
def full_folder_said(folder: Path) -> Iterator[None]:
    """Turn the error of a system without space or descriptors into a sentence.

    Args:
        folder: where files are written.

    Raises:
        RunError: the folder is full, or no file can be opened.
    """
    try:
        yield
    except OSError as error:
        if not shortage.is_one(error):
            raise
        raise RunError(shortage.said(error, folder)) from error


def prepare(
    folder: Path,
    protocols: Sequence[str],
    workload: Workload,
    faults: Sequence[At | Fault],
) -> Setup:
    """Write the records, with the faults of the whole run applied, to a file for the runs.

    Args:
        folder: of this file and of the folders of the runs.
        protocols: the protocols of the runs.
        workload: what is offered, before the faults.
        faults: of the runs.

    Raises:
        ValueError: there is no record to send, or a fault cannot strike as it is given.
    """
    workload = workload.read()
    records, sha256 = hashed(workload)
    offer = Offer(records, workload.seed, workload.rate)
    changed = {}
    for place, fault in enumerate(faults):
        if isinstance(fault, WholeRunFault):
            with _own_errors(fault, "cannot change what is offered"):
                changed[place] = fault.change(offer)
        elif not isinstance(fault, At):
            raise ValueError(
                f"{fault} strikes at a moment of a run: say when, such as "
                f"At(2.0, {type(fault).__name__}(), until=5.0)."
            )
    if offer.surges:
        workload = replace(workload, surges=(*workload.surges, *offer.surges))
    lines: Iterator[bytes] = map(line_of, offer.records)
    unchanged = offer.records is records and workload.origin is not None
    if unchanged and isinstance(workload.records, EncodedRecords):
        # no hash has to be taken on the way, so that they need not be decoded
        lines = (payload + b"\n" for payload in workload.records.payloads())
    path = folder / "records.jsonl"
    count = 0
    with full_folder_said(folder), path.open("wb") as file:
        for line in lines:
            file.write(line)
            count += 1
    if not count:
        raise ValueError("There is no record to send.")
    return Setup(
        workload, path, count, sha256(), faults, looks(protocols), changed,
        offer.token_lifetime_s,
    )  # fmt: skip


class Turn(NamedTuple):
    """One run to carry out: with which guarantees, over which protocol, in which round."""

    guarantees: Guarantees
    protocol: str
    number: int

    def __str__(self) -> str:
        choice = "" if str(self.guarantees) == AS_SET else f" {self.guarantees}"
        return f"{self.protocol} {self.number}{choice}"


class Conductor:
    """Conducts one run."""

    def __init__(self, rig: Rig, setup: Setup, turn: Turn) -> None:
        self._rig = rig
        self._setup = setup
        self._name = str(turn)
        self._guarantees, self._protocol, self._number = turn
        self._run_id = secrets.token_hex(3)
        self._folder = setup.records.with_name(f"run-{self._run_id}")
        self._scene = Scene(rig)
        self._timeline = Timeline(self._scene, setup.events)
        self._started_ns = 0
        self._readings = Readings(rig)
        self._settings = self._guarantees.applied(rig.settings)
        self._through_kafka = client_class(self._protocol).through_kafka
        self.interrupted = False
        self.result: tuple[RunInfo, Path] | None = None

    def run(self, show: Progress) -> None:
        """Carry the run out; `result` is then its description and its folder."""
        with full_folder_said(self._folder.parent):
            self._carry_out(show)

    def _carry_out(self, show: Progress) -> None:
        self._folder.mkdir()
        if self._through_kafka:
            self._rig.ensure(self._settings)
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        finished: dict[str, Any] | None = None
        try:
            with self._reached() as settings:
                self._plan(settings).save(self._folder)
                with self._at_work("run") as child:
                    self._scene.generators = (child,)
                    try:
                        finished = self._follow(child, show)
                    finally:
                        self._timeline.finish(abort=True)
                        self._scene.generators = ()
            if self._timeline.failure is not None:
                raise RunError(f"A fault failed: {self._timeline.failure}") from (
                    self._timeline.failure
                )
        finally:
            # a signal that arrives while the parts are released does not discard a finished run
            if finished is not None and self._timeline.failure is None:
                with interrupts.held():
                    self.result = self._described(started_at, finished), self._folder

    def _at_work(self, order: Literal["run", "audit"]) -> AbstractContextManager[Child]:
        processes = self._rig.processes
        return generators.at_work(processes, self._protocol, order, self._folder, self._settings)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[Settings]:
        """Yield the client's settings: through the proxy, if a fault needs it."""
        rig = self._rig
        if not any(event.fault.needs_proxy(rig) for event in self._setup.events):
            yield self._settings
            return
        proxy = ProxyProcess(rig.processes, self._setup.workload.seed)
        proxy.start()
        try:
            server = urlsplit(rig.server_url)
            port = proxy.listen("server", server.hostname, server.port)
            changes = {"server_url": f"{server.scheme}://127.0.0.1:{port}", "ws_url": None}
            self._scene.proxy = proxy
            with contextlib.ExitStack() as cleanup:
                if self._through_kafka and rig.broker is not None:
                    behind = cleanup.enter_context(rig.broker.behind(proxy))
                    changes["kafka_bootstrap_servers"] = behind
                yield self._settings.model_copy(update=changes)
        finally:
            self._scene.proxy = None
            proxy.stop()

    def _plan(self, settings: Settings) -> Plan:
        workload = self._setup.workload
        pace = {
            name: getattr(workload, name)
            for name in ("in_flight", "rate", "arrivals", "warm_up", "seed", "surges")
        }
        rig, lifetime_s = self._rig, self._setup.token_lifetime_s
        takes_token = plugin.takes_token(client_class(self._protocol))
        if lifetime_s is None and rig.has_own_server and takes_token:
            # as new as one of a log-in, without its 0.15 s
            lifetime_s = rig.settings.token_lifetime_s
        return Plan(
            self._protocol,
            self._number,
            self._run_id,
            str(self._setup.records),
            pace,
            self._rig.database_url,
            wait_for_faults=bool(self._setup.events),
            server_url=settings.server_url,
            ws_url=settings.ws_url,
            bootstrap_servers=settings.kafka_bootstrap_servers,
            token=None if lifetime_s is None else rig.make_token(lifetime_s),
            through_kafka=self._through_kafka,
            audit_token=self._rig.token,
            run_ids=self._rig.own_run_ids(self._run_id),
            search=_search_path() if plugin.is_own(self._protocol) else [],
        )

    def _follow(self, child: Child, show: Progress) -> dict[str, Any]:
        """Pass on the run's progress until it has finished; Ctrl-C asks it to end early."""
        waiting = True
        report: dict[str, Any] | None = None
        while True:
            try:
                if waiting:
                    # signals wait, so that a report that was read is always acted on
                    with interrupts.held(), contextlib.suppress(TimeoutError):
                        report = child.report(POLL_S)
                        waiting = False
                if waiting:
                    continue
                if report is None:
                    return self._autopsy(child)
                finished = self._heard(child, report, show)
                if finished is not None:
                    return finished
                waiting = True
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted = True
                with contextlib.suppress(ChildError):  # the child has ended: its reports say how
                    child.order(stop=True)
                self._timeline.finish(abort=True)

    def _heard(self, child: Child, report: dict[str, Any], show: Progress) -> dict[str, Any] | None:
        """Act on one report; the last one is returned."""
        if "done" in report:
            show(self._name, report["done"], self._setup.count)
        elif "begins" in report or "decided" in report:
            self._readings.take()
        elif "started_ns" in report:
            if not self._started_ns:
                self._started_ns = report["started_ns"]
                self._timeline.start(self._started_ns)
        elif "sent_ns" in report:
            self._timeline.finish()
            if self._setup.events:
                child.order(settled=True)
        elif "failed" in report:
            raise RunError(report["failed"])
        return report.get("finished")

    def _autopsy(self, child: Child) -> dict[str, Any]:
        """Audit a run whose load generator was killed, from the columns that it left."""
        self._timeline.finish()
        if not self._setup.ends_sending or not self._started_ns:
            child.expect("finished", 1.0)  # raises, with how it ended
        end_ns = now_ns()
        self._readings.take()
        with self._at_work("audit") as auditor:
            finished: dict[str, Any] = auditor.expect("finished", AUDIT_TIMEOUT_S)["finished"]
        return finished | {
            "start_ns": self._started_ns,
            "end_ns": end_ns,
            "cut_short": True,
            "generator_late_ms": 0.0,
            "reconnections": 0,
            "held_back": 0,
            "gave_up": False,
        }

    def _described(self, started_at: str, finished: dict[str, Any]) -> RunInfo:
        count = self._setup.count
        info = RunInfo(
            self._protocol,
            self._number,
            self._run_id,
            started_at=started_at,
            workload=self._setup.workload.described(count) | {"sha256": self._setup.sha256},
            guarantees=str(self._guarantees),
            through_kafka=self._through_kafka,
            loss_allowed=self._loss_allowed(),
            look=self._setup.looks[self._protocol]._asdict(),
            **finished,
        )
        info.faults = self._spans(info)
        info.notes += self._timeline.notes
        info.broken += self._outside()
        info.notes += [untouched(span, info) for span in info.faults if span.struck == 0]
        info.faults += self._timeline.missed
        info.processor = self._readings.processor()
        info.not_valid = validity.judged(info, read_timings([self._folder / "timings.parquet"]))
        info.valid = not info.not_valid
        info.notes += info.not_valid.values()
        if not info.one_clock:
            info.notes.append(
                "The server's clock is not this machine's: when a record was received and stored "
                "is left out; how long until it was acked stands."
            )
        if info.held_back:
            info.notes.append(
                f"{info.held_back} records were due while {Workload.MOST_IN_FLIGHT} were in "
                "flight, and waited for their turn: more was offered than the system took."
            )
        if info.cut_short and not info.gave_up:
            info.notes.append(f"Interrupted after {info.offered} of {count} records.")
        return info

    def _loss_allowed(self) -> str:
        """Return why acked records may be lost in this run; empty if they may not."""
        if not self._through_kafka:
            return ""
        struck = {span.label for span in self._timeline.spans}
        reasons = [why_loss(self._settings)]
        reasons += [
            str(event.fault)
            for event in self._setup.events
            if event.fault.loses and str(event.fault) in struck
        ]
        return " and ".join(filter(None, reasons))

    def _outside(self) -> list[str]:
        """Return, in words, the records stored meanwhile that no run and no client of ours sent."""
        ids = json.loads((self._folder / OUTSIDE_FILE).read_text())
        # the records of this run are judged already
        known = set(self._rig.own_run_ids() or ()) - {self._run_id}
        ids = [
            employee_id
            for employee_id in ids
            if not ledger.has(employee_id) and not is_of_run(employee_id, known)
        ]
        if not ids:
            return []
        return [
            f"{len(ids)} stored during the run, under no run's ids, and sent by no client of the "
            f"kit: {named((employee_id, 0) for employee_id in ids[:11])}"
        ]

    def _spans(self, info: RunInfo) -> list[FaultSpan]:
        """Return every fault of the run, with its actual times and what it struck."""
        evidence = strikes.RunEvidence(self._folder, info)
        spans = list(self._timeline.spans)
        strikes.count_in_flight(spans, evidence, self._setup.count)
        for place, places in self._setup.changed.items():
            fault = self._setup.faults[place]
            assert isinstance(fault, WholeRunFault)
            with _own_errors(fault, "cannot count what it struck"):
                spans.append(strikes.of_whole_run(fault, places, evidence))
        return spans


def _search_path() -> list[str]:
    """Return the module search path of this process, as absolute paths for another process."""
    return [str(Path(folder).resolve()) for folder in sys.path]
