"""The output of `--json`: the sentences and numbers of one comparison or several, as plain values.

`result.schema.json` beside this module is its published JSON Schema; `empkit schema result` prints
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from empkit.results.conclusion import mark
from empkit.results.load import load_of
from empkit.results.verdicts import VERDICTS

if TYPE_CHECKING:
    from empkit.results.info import RunInfo
    from empkit.results.measured import Measured

SCHEMA_FILE = Path(__file__).parent / "result.schema.json"
FORMAT = 2


def as_json(
    crossed: Sequence[Measured], unmeasured: Sequence[str] = (), status: int | None = None
) -> dict[str, Any]:
    """Return all comparisons as one value.

    Args:
        crossed: the comparisons, one for each load and choice of guarantees.
        unmeasured: sentences about missing measurements that no comparison has.
        status: the exit status; None takes that of the first comparison, which is right for one.
    """
    first = crossed[0]
    choices = [
        {
            "load": load_of(runs)._asdict(),
            "guarantees": runs.guarantees,
            "settings": runs.environment.get("settings", {}),
            "protocols": _protocols(runs),
        }
        for runs in crossed
    ]
    sentences = {
        name: [sentence for runs in crossed for sentence in getattr(runs, name)]
        for name in ("broken", "findings", "unmeasured", "not_valid")
    }
    sentences["unmeasured"] += unmeasured
    return {
        "format": FORMAT,
        "status": int(first.status if status is None else status),
        **sentences,
        "protocols": choices[0]["protocols"] if len(choices) == 1 else None,
        "choices": choices,
        "runs": [_run(runs, run) for runs in crossed for run in runs.runs],
        "environment": first.environment,
    }


def _protocols(runs: Measured) -> dict[str, Any]:
    """Return the numbers of each protocol, over all its rounds."""
    if not runs.runs:
        return {}
    return {
        protocol: {
            "rounds": row["rounds"],
            "interval": row["interval"],
            "between_rounds": {f"{kind}_ms": _intervals(row, kind) for kind in ("ack", "stored")},
            "valid": not mark(runs, protocol),
            **_numbers(row),
        }
        for protocol, row in _rows(runs).items()
    }


def _intervals(row: Mapping[str, Any], kind: str) -> dict[str, list[float] | None]:
    """Return the ends of the interval between rounds of each percentile; null where it has none."""
    ends = {
        level: [row[f"{kind}_{level}_ms_{end}"] for end in ("low", "high")]
        for level in ("p50", "p90", "p99")
    }
    return {
        level: None if pd.isna(low) else [round(float(low), 4), round(float(high), 4)]
        for level, (low, high) in ends.items()
    }


def _rows(runs: Measured) -> dict[str, dict[str, Any]]:
    """Return the rows of the summary by protocol."""
    rows = runs.summary().to_dict("index").items()
    return {str(name): {str(column): row[column] for column in row} for name, row in rows}


def _run(runs: Measured, run: RunInfo) -> dict[str, Any]:
    """Return the numbers of one round of one protocol."""
    return {
        "protocol": run.protocol,
        "round": run.round,
        **_numbers(_rows(runs.of(run.protocol, run.round))[run.protocol]),
        "guarantees": run.guarantees,
        "faults": [asdict(fault) for fault in run.faults],
        "workload": run.workload,
        "valid": run.valid,
        "not_valid": run.not_valid,
        "generator_late_ms": run.generator_late_ms,
        "server_late_ms": run.server_late_ms,
        "sending_late_ms": {"p50": run.sending_late_p50_ms, "p99": run.sending_late_p99_ms},
        "processor": asdict(run.processor),
        "drained": run.drained,
        "cut_short": run.cut_short,
        "gave_up": run.gave_up,
        "notes": run.notes,
    }


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers in a row of the summary; a percentile of too few records is null."""

    def number(name: str) -> float | None:
        return None if pd.isna(row[name]) else round(float(row[name]), 4)

    return {
        "offered": int(row["offered"]),
        "acked": int(row["acked"]),
        "verdicts": {verdict: int(row[verdict]) for verdict in VERDICTS},
        **{
            f"{kind}_ms": {
                name: number(f"{kind}_{name}_ms") for name in ("p50", "p90", "p99", "max")
            }
            for kind in ("ack", "stored")
        },
        "records_per_s": round(float(row["records_per_s"]), 1),
    }
