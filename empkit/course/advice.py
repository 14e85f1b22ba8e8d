"""Which protocol fits: the comparison table of the kit's first description, with measurements in
its cells, and a recommendation that follows from the needs of a sender.

    measure(lab) --> Measured --advise(needs)--> Advice: the needs that each protocol meets
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from empkit.clients import connect
from empkit.experiment.workload import Workload
from empkit.faults.records import Duplicates
from empkit.faults.server import ServerCrash
from empkit.faults.timeline import At
from empkit.results.recovery import felt
from empkit.results.runs import Runs
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.lab import Lab

CLAIMS = {
    "Connection Type": ("Stateless", "Persistent", "Decoupled"),
    "Communication": ("Request-Response", "Bidirectional", "Asynchronous"),
    "Best For": ("Standard operations", "Real-time updates", "High-volume, resilient delivery"),
    "Error Handling": ("Immediate feedback", "Real-time feedback", "Eventual consistency"),
    "Implementation Complexity": ("Low", "Medium", "High"),
}
"""The table as it was written, for HTTP, WebSocket and Kafka; none of it is measured."""

MANY = 64  # records in flight when throughput is measured
ROUNDS = 3  # of what is ranked: fewer allow no ranking


@dataclass(frozen=True)
class Measured:
    """The measurements for the table, each experiment over the same protocols.

    Attributes:
        calm: one record in flight, in several rounds.
        refusals: the same, with some records whose id exists already.
        busy: many in flight, in several rounds.
        crash: the server is killed and restarted, at a steady rate.
    """

    calm: Runs
    refusals: Runs
    busy: Runs
    crash: Runs

    @property
    def facts(self) -> pd.DataFrame:
        """One row per protocol; `_CHECKS` says which column decides which of the `Needs`."""
        calm, busy = self.calm.summary(), self.busy.summary()
        shares = {name: _told_share(self.refusals, name) for name in self.calm.protocols}
        return pd.DataFrame(
            {
                "knows_stored": [_acked_after_stored(self.calm, name) for name in calm.index],
                "told_of_refusals": [shares[str(name)] for name in calm.index],
                "sends_while_server_away": ~felt(self.crash)["tried_again"].reindex(calm.index),
                "without_broker": [not self._through_kafka(str(name)) for name in calm.index],
                "ack_p50_ms": calm["ack_p50_ms"],
                "ack_p99_ms": busy["ack_p99_ms"],
                "stored_p50_ms": calm["stored_p50_ms"],
                "records_per_s": busy["records_per_s"],
                "client_lines": [client_lines(str(name)) for name in calm.index],
            },
            index=calm.index,
        )

    def _through_kafka(self, protocol: str) -> bool:
        return any(run.through_kafka for run in self.calm.of(protocol).runs)

    def table(self) -> pd.DataFrame:
        """Return the rows of the original table, with measurements of this machine in the cells."""
        rows: dict[str, list[str]] = {name: [] for name in CLAIMS}
        for _, fact in self.facts.iterrows():
            away = "its senders go on" if fact["sends_while_server_away"] else "its senders wait"
            when = "after" if fact["knows_stored"] else "before"
            rows["Connection Type"].append(f"server away: {away}")
            rows["Communication"].append(
                f"acked after {fact['ack_p50_ms']:.2f} ms, {when} it is stored"
            )
            rows["Best For"].append(
                f"{fact['records_per_s']:,.0f} records/s; one alone is stored after "
                f"{fact['stored_p50_ms']:.2f} ms"
            )
            rows["Error Handling"].append(f"told of {fact['told_of_refusals']:.0%} of refusals")
            parts = "server" if fact["without_broker"] else "server and broker"
            rows["Implementation Complexity"].append(
                f"{fact['client_lines']} statements; needs {parts}"
            )
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(self.facts.index))


def measure(lab: Lab, records: int = 300, rate: float = 200.0, **options: Any) -> Measured:
    """Carry out the four experiments behind the table.

    Args:
        lab: a running lab, with a server of its own.
        records: how many per protocol and round with one in flight, in three rounds; a third as
            many, in one round, where some are refused; ten times as many, in three rounds, with
            many in flight.
        rate: the offered rate while the server crashes, in records per second.
        options: for `Lab.compare`, such as `progress`.

    Raises:
        LabError, BrokenPromiseError: see `Lab.compare`.

    Example:
        >>> measured = measure(lab)  # doctest: +SKIP
    """
    calm = Workload(records, in_flight=1, warm_up=20)
    fewer = Workload(max(50, records // 3), in_flight=1, warm_up=0)
    crash = [At(0.3, ServerCrash(), until=0.6)]
    return Measured(
        calm=lab.compare(workload=calm, rounds=ROUNDS, **options),
        # a separate experiment: a consumer that writes dead letters delays the valid records
        refusals=lab.compare(workload=fewer, faults=[Duplicates(share=0.2)], **options),
        busy=lab.compare(workload=Workload(10 * records, in_flight=MANY), rounds=ROUNDS, **options),
        crash=lab.compare(
            workload=Workload(int(rate), rate=rate, warm_up=20), faults=crash, **options
        ),
    )


def _acked_after_stored(runs: Runs, protocol: str) -> bool:
    """Return whether each ack came after the record was durable."""
    timings = runs.of(protocol).timings.dropna(subset=["stored_ns", "acked_ns"])
    return bool((timings["acked_ns"] >= timings["stored_ns"]).all())


def _told_share(runs: Runs, protocol: str) -> float:
    """Return for which share of the records that could not be stored the sender was told."""
    timings = runs.of(protocol).timings
    refused = timings[timings["verdict"].isin(["refused", "dead_lettered"])]
    return float((refused["outcome"] == "refused").mean()) if len(refused) else float("nan")


def client_lines(protocol: str) -> int:
    """Return how many statements the kit's client of a protocol has, without docstrings and without
    the library that it uses.

    Raises:
        ValueError: there is no such protocol.
    """
    kind = type(connect(protocol, Settings()))
    tree = ast.parse(inspect.getsource(kind))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    return sum(
        not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in statements
    )


@dataclass(frozen=True)
class Needs:
    """The needs of a sender; a need that is not set does not matter.

    Args:
        know_stored: an ack means that the record is durable.
        be_told: the sender is told when a record is refused.
        send_while_server_away: the sender can go on while the server is down.
        no_broker: no broker has to run.
        ack_p99_ms: the maximum p99 of the ack with 64 records in flight, in milliseconds; each
            protocol is then at a load of its own.
        records_per_s: the minimum of records stored per second.

    Example:
        >>> Needs(ack_p99_ms=20.0).ack_p99_ms
        20.0
    """

    know_stored: bool = False
    be_told: bool = False
    send_while_server_away: bool = False
    no_broker: bool = False
    ack_p99_ms: float | None = None
    records_per_s: float | None = None


_Meets = Callable[[Any, Any], bool]
_CHECKS: dict[str, tuple[str, _Meets, str]] = {
    "know_stored": ("knows_stored", lambda fact, _: bool(fact), "an ack means that it is stored"),
    "be_told": ("told_of_refusals", lambda fact, _: fact == 1, "the sender is told of refusals"),
    "send_while_server_away": (
        "sends_while_server_away", lambda fact, _: bool(fact), "goes on while the server is away",
    ),
    "no_broker": ("without_broker", lambda fact, _: bool(fact), "needs no broker"),
    "ack_p99_ms": ("ack_p99_ms", lambda fact, most: fact <= most,
                   "p99 of the ack, 64 in flight: at most {:,g}\N{NO-BREAK SPACE}ms"),
    "records_per_s": (
        "records_per_s", lambda fact, least: fact >= least, "at least {:,g} records per second",
    ),
}  # fmt: skip


def in_words(need: str) -> str:
    """Return the label of a need, such as `know_stored`, in an `Advice`."""
    return _CHECKS[need][2]


@dataclass(frozen=True)
class Advice:
    """The comparison of needs with measurements.

    Attributes:
        met: one row per need, one column per protocol: whether it is met.
        measured: the same with the measured values.
    """

    met: pd.DataFrame
    measured: pd.DataFrame

    @property
    def recommended(self) -> list[str]:
        """The protocols that meet all needs."""
        return [str(name) for name in self.met.columns if self.met[name].all()]

    def __str__(self) -> str:
        if self.met.empty:
            return "There are no particular needs: choose the protocol that you know."
        if self.recommended:
            return f"All needs are met by: {', '.join(self.recommended)}."
        unmet = {
            str(name): [str(need) for need in self.met.index if not self.met.loc[need, name]]
            for name in self.met.columns
        }
        lines = [f"  {name} lacks: {'; '.join(needs)}" for name, needs in unmet.items()]
        return "\n".join(["No protocol meets all of it. Give up one thing:", *lines])


def advise(needs: Needs, measured: Measured) -> Advice:
    """Compare needs with measurements.

    Args:
        needs: of a sender.
        measured: from `measure`.

    Example:
        >>> print(advise(Needs(ack_p99_ms=20.0), measured))  # doctest: +SKIP
    """
    facts = measured.facts
    met, values = {}, {}
    for name, (column, meets, words) in _CHECKS.items():
        wanted = getattr(needs, name)
        if wanted is None or wanted is False:
            continue
        label = words.format(wanted)
        met[label] = [meets(fact, wanted) for fact in facts[column]]
        values[label] = met[label] if wanted is True else list(facts[column])
    names = list(facts.index)
    return Advice(
        pd.DataFrame.from_dict(met, orient="index", columns=names),
        pd.DataFrame.from_dict(values, orient="index", columns=names),
    )
