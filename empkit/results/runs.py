"""The results of runs: the raw timings, the numbers computed from them, and the folder of both."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from empkit.clients import looks
from empkit.clients.look import Look, coloured
from empkit.clients.names import HOMES
from empkit.results import comparison, conclusion, folders, strikes
from empkit.results.as_json import as_json
from empkit.results.info import AS_SET, RunInfo
from empkit.results.recovery import recovery
from empkit.results.statistics import Floats, percentiles
from empkit.results.status import ExitStatus
from empkit.results.verdicts import BROKEN_PROMISES, VERDICTS

LEVELS = (50, 90, 99, 99.9)
FIRST = (
    "rounds", "interval", "offered", "acked", "ack_p50_ms", "ack_p99_ms", "stored_p50_ms",
    "stored_p99_ms", "records_per_s",
)  # fmt: skip
"""The first columns of a summary: pandas shows the first and last ten of a table so wide."""


class Runs:
    """Runs and their timings; one run is a `Runs` of length one.

    Args:
        runs: the description of each run.
        timings: one row per record: protocol, round, seq, employee_id, the five stamps
            (nanoseconds, missing for what did not happen), attempts, outcome, verdict, error.
        attempts: one row per attempt, for the records that needed several: protocol, round, seq,
            attempt, sent_ns, answered_ns, answer.
        environment: the machine and the versions that were measured.
        asked: protocol and round of each run that was asked for; None when that is not known.
        interrupted: the signal that ended them early, such as `SIGINT`; empty when none did.
        failure: why the remaining runs could not be carried out; empty when they could.
        logs: the end of each part's log, by name, when a run was not clean; `save` writes them.
        looks: how each protocol is shown; by default as its runs say, or else its class. Those
            without a colour get one in the order of their names, so that the same results have the
            same colours wherever they are drawn.

    Example:
        >>> runs
        <Runs: 2 of http, kafka; stored 200>
        >>> runs.of("kafka").verdicts()["stored"].to_dict()
        {'kafka': 100}
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
        logs: Mapping[str, str] | None = None,
        looks: Mapping[str, Look] | None = None,
    ) -> None:
        self.runs = list(runs)
        self.looks = dict(looks or _looks(self.runs))
        self.timings = timings
        self.attempts = attempts
        self.environment = dict(environment)
        self.asked = None if asked is None else [(protocol, number) for protocol, number in asked]
        self.interrupted = interrupted
        self.failure = failure
        self.logs = dict(logs or {})

    def label(self, protocol: str) -> str:
        """Return the name for people of a protocol of these runs, with "not valid" if it is not."""
        mark = self.mark(protocol)
        return f"{self.looks[protocol].label} ({mark})" if mark else self.looks[protocol].label

    def mark(self, protocol: str) -> str:
        """Return `not valid`, or how many rounds are not, if the numbers of a protocol cannot be
        used; empty if they can."""
        return conclusion.mark(self, protocol)

    def __repr__(self) -> str:
        words = "".join(
            f"; {name}: {'; '.join(sentences)}" for name, sentences in self._sentences().items()
        )
        return f"<Runs: {self._said()}{words}>"

    def _repr_html_(self) -> str:
        parts = [f"<p><b>Runs</b>: {html.escape(self._said())}</p>"]
        if self.runs:
            table = self._table()[list(FIRST)]
            table.index = pd.Index([_marked(name, self.mark(name)) for name in self.protocols])
            forms = {name: "{:,.2f}".format for name in FIRST if name.endswith("_ms")}
            forms |= {"records_per_s": "{:,.0f}".format}
            parts.append(table.to_html(border=0, na_rep="-", formatters=forms))
        parts += [
            f"<p>{name}: {html.escape(sentence)}</p>"
            for name, sentences in self._sentences().items()
            for sentence in sentences
        ]
        return "\n".join(parts)

    def _said(self) -> str:
        """Return how many runs there are, of which protocols, and the verdicts."""
        counts = ", ".join(f"{name} {count}" for name, count in self._counts().items() if count)
        return f"{len(self.runs)} of {', '.join(self.protocols)}; {counts or 'none'}"

    def _sentences(self) -> dict[str, list[str]]:
        """Return what is wrong with the runs, in words, by what it is."""
        parts = {
            "broken promises": self.broken,
            "not measured": self.unmeasured,
            "not valid": self.not_valid,
        }
        return {name: sentences for name, sentences in parts.items() if sentences}

    @property
    def protocols(self) -> list[str]:
        """The protocols, always in the same order; the kit's own first."""
        present = {run.protocol for run in self.runs}
        kits = [protocol for protocol in HOMES if protocol in present]
        return kits + sorted(present.difference(kits))

    @property
    def guarantees(self) -> str:
        """The choice of guarantees of these runs."""
        return self.runs[0].guarantees if self.runs else AS_SET

    @property
    def usable(self) -> pd.DataFrame:
        """The timings that numbers are taken from: those of the valid rounds of each protocol; of a
        protocol without a valid round, all."""
        some = {run.protocol for run in self.runs if run.valid}
        unused = [(run.protocol, run.round) for run in self.runs
                  if not run.valid and run.protocol in some]  # fmt: skip
        if not unused:
            return self.timings
        places = pd.MultiIndex.from_frame(self.timings[["protocol", "round"]])
        return self.timings[~places.isin(unused)]

    @property
    def broken_promises(self) -> pd.DataFrame:
        """The records whose verdict is a broken promise, also those whose loss is allowed, which
        are not in `broken`."""
        return self.timings[self.timings["verdict"].isin(BROKEN_PROMISES)]

    @property
    def broken(self) -> list[str]:
        """A sentence for each broken promise: its name, how many records, and the first ids. A loss
        that the guarantees or a fault allow is not a broken promise; see `findings`."""
        return conclusion.broken(self)

    @property
    def findings(self) -> list[str]:
        """A sentence for each loss that the guarantees (acks, early commit) or a fault allow."""
        return conclusion.findings(self)

    @property
    def unmeasured(self) -> list[str]:
        """A sentence for each run that was asked for and is missing or ended early.

        Records that are missing because of a planned fault of client or load are part of the
        experiment and do not count.
        """
        return conclusion.unmeasured(self)

    @property
    def not_valid(self) -> list[str]:
        """A sentence for each reason why the numbers of a run cannot be used: they may be those of
        the load generator or of a busy machine. See `empkit.experiment.validity`."""
        return conclusion.not_valid(self)

    @property
    def status(self) -> ExitStatus:
        """The exit status for these runs."""
        return conclusion.status(self)

    def of(self, protocol: str, number: int | None = None) -> Runs:
        """Return only the runs of one protocol, and of one round if `number` is given.

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
        asked = None if self.asked is None else [run for run in self.asked if fits(*run)]
        return Runs(
            runs, timings, attempts, self.environment,
            asked=asked, interrupted=self.interrupted, failure=self.failure, looks=self.looks,
        )  # fmt: skip

    def verdicts(self) -> pd.DataFrame:
        """Return how many records of each protocol got each verdict; they add up to `offered`."""
        counts = pd.crosstab(self.timings["protocol"], self.timings["verdict"])
        counts = counts.reindex(index=self.protocols, columns=list(VERDICTS), fill_value=0)
        counts.insert(0, "offered", counts.sum(axis=1))
        counts.columns.name = None
        return counts

    def summary(self) -> pd.DataFrame:
        """Return one row per protocol: counts, percentiles with their intervals between rounds, and
        records per second.

        The first columns are those of a first look: rounds, `interval`, offered, acked,
        `ack_p50_ms` and `ack_p99_ms` from `intended_ns` to `acked_ns`, `stored_p50_ms` and
        `stored_p99_ms` to `stored_ns`, and `records_per_s`, the median of the rounds. Then follow
        one column per verdict, the other percentiles, the maxima, and for each percentile `_low`
        and `_high`.

        A percentile is computed in each round, where it is missing when the records are too few;
        shown is the geometric mean of the rounds. `interval` says what `_low` and `_high` are: "95
        %" from three rounds on (`empkit.results.between_rounds`), "range of 2 rounds", or nothing:
        "one round". Latencies and records per second are those of the valid rounds of a
        protocol; without one, of all its rounds, and then they have no interval: "no valid round".
        """
        table = self._table()
        return table[[*FIRST, *(name for name in table.columns if name not in FIRST)]]

    def per_round(self, kind: str, level: float = 50) -> pd.DataFrame:
        """Return a percentile of the latency in each round, in milliseconds: what protocols are
        compared by (`empkit.results.paired`).

        Args:
            kind: `ack` or `stored`.
            level: which percentile, between 0 and 100.

        Returns:
            One row per round, one column per protocol; missing where a round is not valid, was not
            run, or has too few records.
        """
        return self._frame(
            {
                place: percentiles(values, [level])[level]
                for place, values in _by_round(self.timings, kind).items()
            }
        )

    def rates(self, protocol: str) -> list[float]:
        """Return the records stored per second in each valid round of a protocol; of a protocol
        without a valid round, in all."""
        runs = [run for run in self.runs if run.protocol == protocol]
        return [self._rate(run) for run in [run for run in runs if run.valid] or runs]

    def rates_per_round(self) -> pd.DataFrame:
        """Return the records stored per second in each round, as a table like `per_round`'s."""
        return self._frame({(run.protocol, run.round): self._rate(run) for run in self.runs})

    def recovery(self) -> pd.DataFrame:
        """Return the effects of the faults, one row per run; see `empkit.results.recovery`."""
        return recovery(self)

    def lasted(self) -> list[str]:
        """Return when each fault was to last and when it did; see `empkit.results.strikes`."""
        return strikes.lasted(self)

    def to_json(self) -> dict[str, Any]:
        """Return the sentences and numbers as plain values, as `--json` prints them."""
        return as_json([self])

    def save(self, folder: str | Path) -> Path:
        """Write a folder from which each figure can be drawn again; see `load`.

        Args:
            folder: created when it is missing.

        Returns:
            The folder.
        """
        folder = Path(folder)
        parts = folders.Parts(
            self.runs, self.timings, self.attempts, self.environment,
            self.asked, self.interrupted, self.failure,
        )  # fmt: skip
        folders.write(folder, parts, self.summary(), self.logs)
        return folder

    def _table(self) -> pd.DataFrame:
        """Return one row per protocol, its columns as they are computed."""
        rows = []
        verdicts = {str(name): counts for name, counts in self.verdicts().to_dict("index").items()}
        acked = self.timings.loc[self.timings["outcome"] == "acked", "protocol"].value_counts()
        usable = {kind: _by_round(self.usable, kind) for kind in ("ack", "stored")}
        for protocol in self.protocols:
            runs = [run for run in self.runs if run.protocol == protocol]
            valid = [run for run in runs if run.valid]
            interval = comparison.of_interval(len(valid), len(runs))
            row: dict[str, Any] = {"protocol": protocol, "rounds": len(runs), "interval": interval}
            row |= {str(name): int(count) for name, count in verdicts[protocol].items()}
            row["acked"] = int(acked.get(protocol, 0))
            for kind, by_round in usable.items():
                of_rounds = [values for (name, _), values in by_round.items() if name == protocol]
                row |= _latencies(of_rounds, kind, intervals=bool(valid))
            row["records_per_s"] = float(np.median(self.rates(protocol)))
            rows.append(row)
        return pd.DataFrame(rows).set_index("protocol")

    def _frame(self, values: Mapping[tuple[str, int], float]) -> pd.DataFrame:
        """Return values by protocol and round as a table, without those of rounds that are not
        valid."""
        numbers = sorted({run.round for run in self.runs})
        frame = pd.DataFrame(np.nan, index=numbers, columns=self.protocols)
        for run in self.runs:
            if run.valid and (run.protocol, run.round) in values:
                frame.loc[run.round, run.protocol] = values[run.protocol, run.round]
        return frame

    def _counts(self) -> dict[str, int]:
        counts = self.timings["verdict"].value_counts()
        return {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}

    def _rate(self, run: RunInfo) -> float:
        """Return records stored per second, from the start to the last one stored (or acked)."""
        rows = self.timings[
            (self.timings["protocol"] == run.protocol) & (self.timings["round"] == run.round)
        ]
        stored = int((rows["verdict"] == "stored").sum())
        stamp = "stored_ns" if rows["stored_ns"].notna().any() else "acked_ns"
        last = rows[stamp].max()
        if pd.isna(last) or last <= run.start_ns:
            return 0.0
        return stored / (int(last) - run.start_ns) * 1e9


def _marked(protocol: str, mark: str) -> str:
    return f"{protocol} ({mark})" if mark else protocol


def latencies_ms(timings: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return response times in milliseconds, counted from `intended_ns`, by protocol and round.

    Args:
        timings: as in `Runs`.
        kind: `ack`, of the records that were acked, or `stored`, of those with that stamp.
    """
    if kind == "ack":
        rows = timings[(timings["outcome"] == "acked") & timings["acked_ns"].notna()]
        end = rows["acked_ns"]
    else:
        rows = timings[timings["stored_ns"].notna()]
        end = rows["stored_ns"]
    milliseconds = (end - rows["intended_ns"]).astype("float64") / 1e6
    return pd.DataFrame({"protocol": rows["protocol"], "round": rows["round"], "ms": milliseconds})


def _by_round(timings: pd.DataFrame, kind: str) -> dict[tuple[str, int], Floats]:
    """Return the response times in milliseconds by protocol and round, where there are any."""
    groups: Any = latencies_ms(timings, kind).groupby(["protocol", "round"])["ms"]
    return {(str(name), int(number)): values.to_numpy() for (name, number), values in groups}


def _latencies(of_rounds: Sequence[Floats], kind: str, *, intervals: bool) -> dict[str, float]:
    """Return the columns of one kind of latency for one protocol.

    Args:
        of_rounds: the response times of each round that has any.
        kind: `ack` or `stored`.
        intervals: whether the rounds are valid, so that their percentiles have an interval.
    """
    columns: dict[str, float] = {}
    for level in LEVELS:
        found = np.array([percentiles(values, [level])[level] for values in of_rounds])
        value, low, high = comparison.between_rounds(found)
        name = f"{kind}_p{level:g}_ms"
        columns[name] = value
        columns[f"{name}_low"] = low if intervals else np.nan
        columns[f"{name}_high"] = high if intervals else np.nan
    columns[f"{kind}_max_ms"] = max((float(values.max()) for values in of_rounds), default=np.nan)
    return columns


def load(folder: str | Path) -> Runs:
    """Read a folder that `Runs.save` wrote, also one of empkit 0.1.0.

    Raises:
        ResultError: the folder is missing (it is a FileNotFoundError, too), holds no results, is
            damaged, or is of a newer empkit.

    Example:
        >>> load(runs.save("results")).protocols
        ['http', 'kafka']
    """
    parts = folders.read(Path(folder))
    return Runs(
        parts.runs, parts.timings, parts.attempts, parts.environment,
        asked=parts.asked, interrupted=parts.interrupted, failure=parts.failure,
    )  # fmt: skip


def _looks(runs: Sequence[RunInfo]) -> dict[str, Look]:
    """How each protocol is shown; a folder from before there were looks does not say."""
    stored = {run.protocol: run.look for run in runs}
    missing = [protocol for protocol, look in stored.items() if not look]
    known = looks(missing, load=False)
    return coloured(
        {protocol: Look(**look) if look else known[protocol] for protocol, look in stored.items()}
    )
