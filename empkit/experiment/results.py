"""What runs leave behind: the raw timings, what is computed from them, and a folder of it all."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from empkit.clients import PROTOCOLS
from empkit.experiment import conclusion, strikes
from empkit.experiment.recovery import recovery
from empkit.experiment.statistics import bootstrap_interval, percentiles
from empkit.experiment.status import ExitStatus
from empkit.experiment.verdicts import BROKEN_PROMISES, VERDICTS

STAMPS = ("intended_ns", "sent_ns", "received_ns", "stored_ns", "acked_ns")
LEVELS = (50, 90, 99, 99.9)

PACKAGES = ("empkit", "fastapi", "uvicorn", "websockets", "aiokafka", "confluent-kafka",
            "sqlalchemy", "pydantic", "pandas")  # fmt: skip


@dataclass
class FaultSpan:
    """A fault as it really was: from when to when, on the clock of the stamps, and what it struck.

    Attributes:
        label: the fault, as `parse_fault` takes it.
        part: what of the system it strikes.
        start_ns: when it began; of a fault without a span of time, when the run did.
        end_ns: when it was undone; None when it lasted to the end of the run.
        asked_start_s: when it was to begin, in seconds after the start of the run.
        asked_end_s: when it was to end; None for the end of the run, or at once.
        struck: how often it touched something; None where that cannot be counted.
        unit: what was counted.
        whole_run: whether it has no span of time, as record faults and token expiry.
        takes_away: whether it takes records away; None in a folder of 0.1.0, which does not say.
    """

    label: str
    part: str
    start_ns: int
    end_ns: int | None = None
    asked_start_s: float | None = None
    asked_end_s: float | None = None
    struck: int | None = None
    unit: str = ""
    whole_run: bool = False
    takes_away: bool | None = None


@dataclass
class RunInfo:
    """One protocol's one round.

    Attributes:
        protocol: over which protocol.
        round: which round, from 1.
        run_id: what goes before each employee_id of this run.
        offered: how many records were offered.
        started_at: wall-clock time, ISO 8601, UTC.
        start_ns: the moment that the schedule counts from.
        end_ns: when the client knew the last outcome.
        drained: whether the server had decided on everything before the audit.
        cut_short: whether it was ended before everything was offered.
        gave_up: whether that was because nobody answered any more.
        valid: whether the numbers can be used; `notes` says why not.
        notes: what a reader must know.
        generator_late_ms: how late the load generator's loop ran, 99th percentile.
        server_late_ms: the same of the server's loop.
        reconnections: how often the client had to connect again; over HTTP, how many connections it
            opened.
        held_back: open loop: how many records were due while the client had as many in flight as it
            may, and so waited for their turn.
        appended: how many records Kafka's log got; more than were sent means duplicates in the log.
        broken: promises that were broken and are no record's verdict, in words.
        one_clock: whether the server's clock is ours, so that its stamps can be used.
        workload: what was offered, and how.
        faults: what was broken, and when.
        guarantees: what was asked for (`Guarantees`), in words.
        through_kafka: whether acks came from a broker.
        loss_allowed: why records that were acked may be lost in this run, in words such as
            `acks=0`; empty when they may not.
    """

    protocol: str
    round: int
    run_id: str
    offered: int
    started_at: str
    start_ns: int
    end_ns: int
    drained: bool = True
    cut_short: bool = False
    gave_up: bool = False
    valid: bool = True
    notes: list[str] = field(default_factory=list)
    generator_late_ms: float = 0.0
    server_late_ms: float = 0.0
    reconnections: int = 0
    held_back: int = 0
    appended: int | None = None
    broken: list[str] = field(default_factory=list)
    one_clock: bool = True
    workload: dict[str, Any] = field(default_factory=dict)
    faults: list[FaultSpan] = field(default_factory=list)
    guarantees: str = "as set"
    through_kafka: bool = False
    loss_allowed: str = ""

    @property
    def timed_faults(self) -> list[FaultSpan]:
        """The faults that have a span of time."""
        return [fault for fault in self.faults if not fault.whole_run]


class Runs:
    """Runs and their timings; one run is a `Runs` of length one.

    Args:
        runs: what is known of each.
        timings: one row a record: protocol, round, seq, employee_id, the five stamps
            (nanoseconds, missing where a thing did not happen), attempts, outcome, verdict, error.
        attempts: one row an attempt, of the records that needed several: protocol, round, seq,
            attempt, sent_ns, answered_ns, answer.
        environment: what it was measured on.
        asked: protocol and round of each run that was asked for; None when that is not known.
        interrupted: the signal that ended them early, such as `SIGINT`; empty when none did.
        failure: why the rest could not be carried out, in words; empty when it could.
    """

    def __init__(
        self,
        runs: Sequence[RunInfo],
        timings: pd.DataFrame,
        attempts: pd.DataFrame,
        environment: Mapping[str, Any],
        *,
        asked: Sequence[tuple[str, int]] | None = None,
        interrupted: str = "",
        failure: str = "",
    ) -> None:
        self.runs = list(runs)
        self.timings = timings
        self.attempts = attempts
        self.environment = dict(environment)
        self.asked = None if asked is None else [(protocol, number) for protocol, number in asked]
        self.interrupted = interrupted
        self.failure = failure

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in self._counts().items() if count)
        said = {"broken promises": self.broken, "not measured": self.unmeasured}
        words = "".join(f"; {name}: {'; '.join(each)}" for name, each in said.items() if each)
        return f"<Runs: {len(self.runs)} of {', '.join(self.protocols)}; {counts or 'none'}{words}>"

    @property
    def protocols(self) -> list[str]:
        """The protocols, always in the same order; the kit's own first."""
        present = {run.protocol for run in self.runs}
        own = [protocol for protocol in PROTOCOLS if protocol in present]
        return own + sorted(present.difference(own))

    @property
    def broken_promises(self) -> pd.DataFrame:
        """The records whose verdict is a broken promise."""
        return self.timings[self.timings["verdict"].isin(BROKEN_PROMISES)]

    @property
    def broken(self) -> list[str]:
        """Each promise that was broken, by name, with how often and the first ids. Loss that the
        guarantees or a fault allow is none; see `findings`."""
        return conclusion.broken(self)

    @property
    def findings(self) -> list[str]:
        """Loss that the guarantees (acks, commit before the store) or a fault allow, in words."""
        return conclusion.findings(self)

    @property
    def unmeasured(self) -> list[str]:
        """What was asked for and not measured: runs that are missing or ended early.

        What a planned fault of client or load takes away is the experiment, and not missing.
        """
        return conclusion.unmeasured(self)

    @property
    def status(self) -> ExitStatus:
        """The exit status that these runs ask for."""
        return conclusion.status(self)

    def of(self, protocol: str, number: int | None = None) -> Runs:
        """Only the runs of one protocol, and of one round if asked for.

        Raises:
            KeyError: there is none.
        """

        def fits(protocols: Any, rounds: Any) -> Any:
            return (protocols == protocol) & (number is None or rounds == number)

        runs = [run for run in self.runs if fits(run.protocol, run.round)]
        if not runs:
            raise KeyError(f"No run over {protocol!r}; there are {', '.join(self.protocols)}.")
        timings, attempts = (
            frame[fits(frame["protocol"], frame["round"])].reset_index(drop=True)
            for frame in (self.timings, self.attempts)
        )
        asked = None if self.asked is None else [each for each in self.asked if fits(*each)]
        return Runs(
            runs, timings, attempts, self.environment,
            asked=asked, interrupted=self.interrupted, failure=self.failure,
        )  # fmt: skip

    def verdicts(self) -> pd.DataFrame:
        """How many records of each protocol got each verdict; they add up to those offered."""
        counts = pd.crosstab(self.timings["protocol"], self.timings["verdict"])
        counts = counts.reindex(index=self.protocols, columns=list(VERDICTS), fill_value=0)
        counts.insert(0, "offered", counts.sum(axis=1))
        counts.columns.name = None
        return counts

    def summary(self) -> pd.DataFrame:
        """One row a protocol: counts, percentiles with 95 % intervals, records per second.

        Columns: rounds, offered, acked, one a verdict; `ack_p50_ms` and so on from `intended_ns`
        to `acked_ns`, `stored_p50_ms` and so on to `stored_ns`, each percentile with `_low` and
        `_high`; `records_per_s`, the median of the rounds. A percentile of too few records is
        missing.
        """
        rows = []
        verdicts = {str(name): counts for name, counts in self.verdicts().to_dict("index").items()}
        for protocol in self.protocols:
            own = self.timings[self.timings["protocol"] == protocol]
            rates = [self._rate(run) for run in self.runs if run.protocol == protocol]
            row: dict[str, Any] = {"protocol": protocol, "rounds": len(rates)}
            row |= {str(name): int(count) for name, count in verdicts[protocol].items()}
            row["acked"] = int((own["outcome"] == "acked").sum())
            row |= self._latencies(own, "ack") | self._latencies(own, "stored")
            row["records_per_s"] = float(np.median(rates))
            rows.append(row)
        return pd.DataFrame(rows).set_index("protocol")

    def recovery(self) -> pd.DataFrame:
        """What the faults did, one row a run; see `empkit.experiment.recovery`."""
        return recovery(self)

    def lasted(self) -> list[str]:
        """How long each fault was to last, and really did; see `empkit.experiment.strikes`."""
        return strikes.lasted(self)

    def to_json(self) -> dict[str, Any]:
        """The summary of each run as plain values: what `--json` prints."""
        return {
            "runs": [self._run_to_json(run) for run in self.runs],
            "environment": self.environment,
            "broken": self.broken,
            "findings": self.findings,
            "unmeasured": self.unmeasured,
            "status": int(self.status),
        }

    def save(self, folder: str | Path) -> Path:
        """Write everything from which each figure can be drawn again; see `load`.

        Args:
            folder: made when it is missing.

        Returns:
            The folder.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.timings.to_parquet(folder / "timings.parquet", index=False)
        self.attempts.to_parquet(folder / "attempts.parquet", index=False)
        self.summary().to_csv(folder / "summary.csv")
        content = {
            "runs": [asdict(run) for run in self.runs],
            "environment": self.environment,
            "asked": self.asked,
            "interrupted": self.interrupted,
            "failure": self.failure,
        }
        (folder / "runs.json").write_text(json.dumps(content, indent=2) + "\n")
        return folder

    def _counts(self) -> dict[str, int]:
        counts = self.timings["verdict"].value_counts()
        return {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}

    def _rate(self, run: RunInfo) -> float:
        """Records stored per second, from the start to the last one stored (or acked)."""
        own = self.timings[
            (self.timings["protocol"] == run.protocol) & (self.timings["round"] == run.round)
        ]
        stored = int((own["verdict"] == "stored").sum())
        last = own["stored_ns"].max() if own["stored_ns"].notna().any() else own["acked_ns"].max()
        if pd.isna(last) or last <= run.start_ns:
            return 0.0
        return stored / (int(last) - run.start_ns) * 1e9

    def _latencies(self, own: pd.DataFrame, kind: str) -> dict[str, float]:
        values = latencies_ms(own, kind)
        found: dict[str, float] = {}
        for level, value in percentiles(values["ms"].to_numpy(), LEVELS).items():
            name = f"{kind}_p{level:g}"
            low, high = (
                bootstrap_interval(
                    values["ms"].to_numpy(), level, rounds=values["round"].to_numpy()
                )
                if not np.isnan(value)
                else (np.nan, np.nan)
            )
            found |= {f"{name}_ms": value, f"{name}_ms_low": low, f"{name}_ms_high": high}
        found[f"{kind}_max_ms"] = float(values["ms"].max()) if len(values) else np.nan
        return found

    def _run_to_json(self, run: RunInfo) -> dict[str, Any]:
        one = self.of(run.protocol, run.round)
        row: dict[str, Any] = one.summary().loc[run.protocol].to_dict()  # type: ignore[assignment]

        def number(name: str) -> float | None:
            return None if pd.isna(row[name]) else round(float(row[name]), 4)

        return {
            "protocol": run.protocol,
            "round": run.round,
            "offered": run.offered,
            "acked": int(row["acked"]),
            "verdicts": {verdict: int(row[verdict]) for verdict in VERDICTS},
            **{
                f"{kind}_ms": {
                    name: number(f"{kind}_{name}_ms") for name in ("p50", "p90", "p99", "max")
                }
                for kind in ("ack", "stored")
            },
            "records_per_s": round(float(row["records_per_s"]), 1),
            "guarantees": run.guarantees,
            "faults": [strikes.to_json(fault, run) for fault in run.faults],
            "valid": run.valid,
            "cut_short": run.cut_short,
            "notes": run.notes,
        }


def latencies_ms(timings: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Response times in milliseconds, counted from `intended_ns`, with the round of each.

    Args:
        timings: as in `Runs`.
        kind: `ack`, of the records that were acked, or `stored`, of those whose stamp we have.
    """
    if kind == "ack":
        own = timings[(timings["outcome"] == "acked") & timings["acked_ns"].notna()]
        end = own["acked_ns"]
    else:
        own = timings[timings["stored_ns"].notna()]
        end = own["stored_ns"]
    milliseconds = (end - own["intended_ns"]).astype("float64") / 1e6
    return pd.DataFrame({"round": own["round"], "ms": milliseconds})


def load(folder: str | Path) -> Runs:
    """Read what `Runs.save` wrote.

    Raises:
        FileNotFoundError: the folder holds no runs.
    """
    folder = Path(folder)
    content = json.loads((folder / "runs.json").read_text())
    runs = [
        RunInfo(**{**run, "faults": [FaultSpan(**fault) for fault in run["faults"]]})
        for run in content["runs"]
    ]
    return Runs(
        runs,
        read_timings([folder / "timings.parquet"]),
        pd.read_parquet(folder / "attempts.parquet"),
        content["environment"],
        # a folder of 0.1.0 does not know these
        asked=content.get("asked"),
        interrupted=content.get("interrupted", ""),
        failure=content.get("failure", ""),
    )


def read_timings(paths: Iterable[Path]) -> pd.DataFrame:
    """Files of timings as one frame.

    Stamps may be missing and are whole numbers all the same: as floating-point numbers they would
    be rounded on a machine that has been up for 104 days (2**53 ns). Files are put together before
    they are converted, so that millions of rows are not held twice.
    """
    table = pa.concat_tables([pq.read_table(path) for path in paths])
    whole = {pa.int64(): pd.Int64Dtype()}
    timings: pd.DataFrame = table.to_pandas(types_mapper=whole.get, split_blocks=True)
    never_missing = [name for name in timings.select_dtypes("Int64") if name not in STAMPS]
    return timings.astype(dict.fromkeys(never_missing, "int64"))


def environment(**more: Any) -> dict[str, Any]:
    """What is measured on: time, machine and versions, and what the caller adds."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in PACKAGES},
        **more,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
