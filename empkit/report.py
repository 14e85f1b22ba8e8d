"""The pictures of a folder of results, and its report: one page that needs nothing else, not even a
network, and in which whatever came from outside is shown and never run."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from empkit.results import conclusion, strikes
from empkit.results.verdicts import BROKEN_PROMISES, KINDS, name_of

if TYPE_CHECKING:
    from empkit.plots.style import Picture
    from empkit.results.info import RunInfo
    from empkit.results.runs import Runs

MOST_BROKEN = 50

HOW_TO_READ = {
    "latency": "Each line says which share of the records took at most so long: above until their "
    "sender knew, below until they were durable. Further left is faster; from 90 to 99 % is the "
    "tail. Marks are p50, p90 and p99, with their 95 % intervals. Both axes of time are alike, "
    "so that the two can be compared.",
    "stages": "The median time of each stage of a record's way; in brackets, in their order, where "
    "there is no room for the numbers. Medians do not add up, so the "
    "median of the whole has a mark of its own. Kafka has two ways: its ack does not wait for the "
    "store.",
    "verdicts": "What became of the records; the parts of one bar add up to those offered. Counts "
    "too small to be seen in the bar stand below it.",
    "rates": "Stored records per second, from the start to the last one stored. A dashed line is "
    "the rate that was offered: more than that cannot be stored, whatever the protocol could do.",
    "timeline": "Every record is a mark, placed at the time at which it was wanted sent, and as "
    "high as its sender had to wait. What happened to the system at one moment shows as a column. "
    "In the row 'never' are those whose sender had no answer until it gave up.",
    "throughput": "Where the line lies at 0, nothing was stored; a peak after it is what had "
    "waited. The dotted line is where the last record was stored that the fault had held up.",
    "percentiles": "The latencies until acked in slices of time: how long a disturbance lasts. A "
    "slice with too few acked records has no mark.",
}

STYLE = """
:root { color-scheme: light dark; --text: #1b1b1b; --back: #ffffff; --line: #cccccc;
  --soft: #f3f3f3; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --back: #16181b; --line: #44484d; --soft: #22262b; } }
@media print {
  :root { color-scheme: light; --text: #000000; --back: #ffffff; --line: #999999;
    --soft: #ffffff; }
  body { max-width: none !important; margin: 0 !important; font-size: 11pt !important; }
  h2 { break-after: avoid; } figure, tr { break-inside: avoid; }
  .wide { overflow: visible !important; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { border-bottom: 1px solid var(--line); padding: 0.3rem 0.7rem; text-align: right;
  vertical-align: top; }
th:first-child, .text { text-align: left; } td.text { overflow-wrap: anywhere; }
tbody th { font-weight: normal; }
figure { margin: 1.5rem 0; } img { max-width: 100%; background: #fff; border-radius: 4px; }
figcaption { font-size: 0.9rem; max-width: 55rem; }
.note { background: var(--soft); border-left: 4px solid #E69F00; padding: 0.5rem 1rem;
  margin: 1rem 0; }
.broken { border-left-color: #D55E00; }
"""


def write_figures(runs: Runs, folder: Path) -> tuple[dict[str, Picture], dict[str, str]]:
    """Draw the figures and write each as PNG; one that cannot be drawn takes nothing else with it.

    Args:
        runs: what to draw.
        folder: where to, and it is there.

    Returns:
        The figures by name, for the report; and the reason for each that could not be drawn. The
        name `figures` stands for all, where matplotlib itself cannot be used.
    """
    drawn: dict[str, Picture] = {}
    missing: dict[str, str] = {}
    try:
        from empkit.plots.register import drawers

        todo = drawers(runs)
    except Exception as error:  # noqa: BLE001 - whatever matplotlib or its settings do
        return drawn, {"figures": _reason(error)}
    for name, draw in todo.items():
        try:
            picture = draw()
            picture.savefig(folder / f"{name}.png", dpi=150)
            drawn[name] = picture
        except Exception as error:  # noqa: BLE001 - see above
            (folder / f"{name}.png").unlink(missing_ok=True)
            missing[name] = _reason(error)
    return drawn, missing


def _reason(error: Exception) -> str:
    """Why, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"


def write_report(
    runs: Runs,
    path: str | Path,
    drawn: Mapping[str, Picture] | None = None,
    missing: Mapping[str, str] | None = None,
) -> Path:
    """Write the report as one HTML file with everything in it.

    Args:
        runs: what to report.
        path: the file.
        drawn: figures that are drawn already.
        missing: those that could not be drawn, with the reason.

    Returns:
        The file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if drawn is None:
        from empkit.plots.register import figures

        drawn = figures(runs)
    parts = [
        _head(runs),
        _told(runs),
        _notes(runs),
        "<h2>Latency and throughput</h2>",
        _summary(runs),
        "<h2>What became of the records</h2>",
        _verdicts(runs),
        _broken(runs),
        "<h2>Figures</h2>",
        *(_figure(name, picture) for name, picture in drawn.items()),
        *(_missing_figure(name, reason) for name, reason in (missing or {}).items()),
        "<h2>What was run</h2>",
        _runs(runs),
        "<h2>Measured on</h2>",
        _environment(runs.environment),
        "</main></body></html>",
    ]
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _head(runs: Runs) -> str:
    offered = int(runs.verdicts()["offered"].sum())
    title = f"{offered:,} employee records: {conclusion.headline(runs)}"
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        # nothing is loaded and nothing runs, even if something should slip through unescaped
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; "
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1><p>{escape(str(runs.environment.get('date', '')))}</p>"
    )


def _told(runs: Runs) -> str:
    """Broken promises, what was not measured, and findings: the words of the terminal."""
    boxes = {
        "Broken promises:": (runs.broken, " broken"),
        "Not measured:": (runs.unmeasured, ""),
        "Found, and allowed by the guarantees or the fault:": (runs.findings, ""),
    }
    return "".join(
        f"<div class='note{kind}'>{heading}<ul>"
        f"{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul></div>"
        for heading, (sentences, kind) in boxes.items()
        if sentences
    )


def _notes(runs: Runs) -> str:
    """What a reader must know before believing a number."""
    notes = []
    for run in runs.runs:
        name = f"{escape(run.protocol)}, round {run.round}"
        if not run.valid:
            notes.append(f"<li><strong>{name}: do not use its numbers.</strong></li>")
        notes += [f"<li>{name}: {escape(note)}</li>" for note in run.notes]
    return f"<div class='note'>Mind this:<ul>{''.join(notes)}</ul></div>" if notes else ""


def _table(header: list[str], rows: list[list[Any]], text: tuple[int, ...] = ()) -> str:
    """A table whose first column names the rows.

    Args:
        header: of the columns.
        rows: their cells, as they are: they are escaped here.
        text: the places of columns of words, which stand on the left.
    """

    def cell(place: int, value: Any, scope: str = "") -> str:
        tag = "th" if scope else "td"
        scoped = f" scope='{scope}'" if scope else ""
        words = " class='text'" if place in text else ""
        return f"<{tag}{scoped}{words}>{escape(str(value))}</{tag}>"

    lines = [[cell(place, value, "col") for place, value in enumerate(header)]]
    lines += [
        [cell(place, value, "" if place else "row") for place, value in enumerate(row)]
        for row in rows
    ]
    head, *body = (f"<tr>{''.join(line)}</tr>" for line in lines)
    return (
        f"<div class='wide'><table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
        "</div>"
    )


def _runs(runs: Runs) -> str:
    """One row a run: what was offered, what was broken, and whether its numbers can be used."""

    def faults(run: RunInfo) -> str:
        return "; ".join(strikes.in_words(fault, run) for fault in run.faults)

    def workload(run: RunInfo) -> str:
        return ", ".join(f"{name} {value}" for name, value in run.workload.items() if value)

    def state(run: RunInfo) -> str:
        found = {
            "valid": run.valid,
            "not valid": not run.valid,
            "cut short": run.cut_short,
            "not drained": not run.drained,
        }
        return ", ".join(word for word, holds in found.items() if holds)

    rows: list[list[Any]] = [
        [
            f"{run.protocol}, round {run.round}",
            run.started_at,
            f"{run.offered:,}",
            f"{(run.end_ns - run.start_ns) / 1e9:,.2f}",
            f"{run.generator_late_ms:,.1f}",
            state(run),
            workload(run),
            run.guarantees,
            faults(run) or "-",
        ]
        for run in runs.runs
    ]
    header = ["run", "started", "records", "seconds", "generator late, ms", "state", "workload",
              "guarantees", "faults"]  # fmt: skip
    return _table(header, rows, (1, 5, 6, 7, 8)) + (
        "<p>How late the load generator ran is the 99th percentile of its own event loop.</p>"
    )


def _summary(runs: Runs) -> str:
    summary = runs.summary()

    def value(row: pd.Series[Any], name: str) -> str:
        if pd.isna(row[name]):
            return "-"
        text = f"{row[name]:,.2f}"
        low = f"{name}_low"
        if low in row and not pd.isna(row[low]):
            text += f" ({row[low]:,.2f} to {row[f'{name}_high']:,.2f})"
        return text

    rows = [
        [
            f"{kind} {level}, ms",
            *(value(row, f"{kind}_{level}_ms") for _, row in summary.iterrows()),
        ]
        for kind in ("ack", "stored")
        for level in ("p50", "p90", "p99", "max")
    ]
    rows.append(["records per s", *(f"{rate:,.0f}" for rate in summary["records_per_s"])])
    invalid = {run.protocol for run in runs.runs if not run.valid}
    names = [
        f"{protocol} (not valid)" if protocol in invalid else str(protocol)
        for protocol in summary.index
    ]
    return _table(["", *names], rows) + (
        "<p>In brackets: 95 % intervals. Latencies count from when the schedule wanted the record "
        "sent. A percentile of too few records is left out; of fewer than 1,000 records the "
        "interval of p99 is too narrow, since it cannot reach beyond the slowest one.</p>"
    )


def _verdicts(runs: Runs) -> str:
    counts = runs.verdicts()
    rows: list[list[Any]] = [["offered", *(f"{count:,}" for count in counts["offered"]), ""]]
    rows += [
        [verdict.replace("_", "-"), *(f"{count:,}" for count in counts[verdict]), kind.meaning]
        for verdict, kind in KINDS.items()
    ]
    return _table(["", *map(str, counts.index), "meaning"], rows, (len(counts) + 1,))


def _broken(runs: Runs) -> str:
    """The records behind the broken promises; what was allowed to be lost is not among them."""
    allowed = {(run.protocol, run.round) for run in runs.runs if run.loss_allowed}
    timings = runs.timings[runs.timings["verdict"].isin(BROKEN_PROMISES)]
    broken = [
        [name_of(employee_id, seq), protocol, number, verdict, error]
        for employee_id, seq, protocol, number, verdict, error in zip(
            *(timings[name] for name in ("employee_id", "seq", "protocol", "round", "verdict",
                                         "error")), strict=True
        )
        if verdict not in conclusion.ALLOWED or (protocol, number) not in allowed
    ]  # fmt: skip
    if not broken:
        return ""
    count = f"{len(broken):,} record{'s' if len(broken) > 1 else ''}"
    return (
        f"<div class='note broken'><p>Promises were broken for {count}"
        f"{f'; the first {MOST_BROKEN}' if len(broken) > MOST_BROKEN else ''}:</p>"
        + _table(
            ["employee_id", "protocol", "round", "verdict", "error"],
            broken[:MOST_BROKEN],
            (1, 3, 4),
        )
        + "</div>"
    )


def _missing_figure(name: str, reason: str) -> str:
    return f"<p class='note'>{escape(name)} could not be drawn: {escape(reason)}</p>"


def _figure(name: str, picture: Picture) -> str:
    data = io.BytesIO()
    picture.savefig(data, format="png", dpi=110)
    source = base64.b64encode(data.getvalue()).decode()
    caption = HOW_TO_READ.get(name.partition("-")[0], "")
    return (
        f"<figure><img alt='{escape(picture.alt)}' src='data:image/png;base64,{source}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _environment(environment: Mapping[str, Any]) -> str:
    rows: list[list[Any]] = []
    for name, value in environment.items():
        if isinstance(value, Mapping):
            rows += [[f"{name}: {key}", each] for key, each in value.items()]
        else:
            rows.append([name, value])
    return _table(["", "value"], rows, (1,))
