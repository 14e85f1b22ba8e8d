"""The folder's pictures and its report: one page that needs nothing else, not even a network."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from empkit.plots import Picture, figures

if TYPE_CHECKING:
    from empkit.experiment.results import Runs

MOST_BROKEN = 50

MEANING = {
    "stored": "acked, and the database holds it once, as sent",
    "refused": "refused with a reason, and the database holds nothing of it",
    "dead_lettered": "acked by the broker, refused by the consumer, kept in the dead-letter topic",
    "failed": "not stored; the sender may send it again",
    "unconfirmed": "the sender got no answer, but it is stored; a retry will not make a second one",
    "lost": "acked, and nowhere to be found: a broken promise",
    "corrupt": "acked, but the database holds other content: a broken promise",
    "phantom": "refused or failed, and stored all the same: a broken promise",
}

HOW_TO_READ = {
    "latency": "Each line says which share of the records took at most so long. Further left is "
    "faster; a long tail to the right is what percentiles above 90 are about. Marks are p50, p90 "
    "and p99, with their 95 % intervals.",
    "stages": "The median time of each stage of a record's way. Kafka has two ways: its ack does "
    "not wait for the store.",
    "verdicts": "What became of the records; the bars of one protocol add up to those offered.",
    "rates": "Stored records per second, from the start to the last one stored.",
    "timeline": "Every record is a dot, placed at the time at which it was wanted sent. What "
    "happened to the system at one moment shows as a column.",
    "throughput": "A gap is a time in which nothing was stored; a peak after it is what waited.",
    "percentiles": "The same latencies in slices of time: how long a disturbance lasts.",
}

STYLE = """
:root { color-scheme: light dark; --text: #1b1b1b; --back: #ffffff; --line: #cccccc;
  --soft: #f3f3f3; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --back: #16181b; --line: #44484d; --soft: #22262b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { border-bottom: 1px solid var(--line); padding: 0.3rem 0.7rem; text-align: right;
  vertical-align: top; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
figure { margin: 1.5rem 0; } img { max-width: 100%; background: #fff; border-radius: 4px; }
figcaption { font-size: 0.9rem; }
.note { background: var(--soft); border-left: 4px solid #E69F00; padding: 0.5rem 1rem; }
.broken { border-left-color: #D55E00; }
@media print { body { max-width: none; } figure { break-inside: avoid; } }
"""


def write_figures(runs: Runs, folder: Path) -> dict[str, Picture]:
    """Draw the figures and write each as PNG.

    Returns:
        The figures by name, for the report.
    """
    drawn = figures(runs)
    for name, picture in drawn.items():
        picture.savefig(folder / f"{name}.png", dpi=150)
    return drawn


def write_report(runs: Runs, path: str | Path, drawn: Mapping[str, Picture] | None = None) -> Path:
    """Write the report as one HTML file with everything in it.

    Args:
        runs: what to report.
        path: the file.
        drawn: figures that are drawn already.
    """
    path = Path(path)
    parts = [
        _head(runs),
        _notes(runs),
        "<h2>Latency and throughput</h2>",
        _summary(runs),
        "<h2>What became of the records</h2>",
        _verdicts(runs),
        _broken(runs),
        "<h2>Figures</h2>",
        *(_figure(name, picture) for name, picture in (drawn or figures(runs)).items()),
        "<h2>Measured on</h2>",
        _environment(runs.environment),
        "</body></html>",
    ]
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _head(runs: Runs) -> str:
    offered = int(runs.verdicts()["offered"].sum())
    broken = len(runs.broken_promises)
    verdict = f"{broken:,} promises broken" if broken else "no promise broken"
    title = f"{offered:,} employee records: {verdict}"
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(str(runs.environment.get('date', '')))}</p>"
    )


def _notes(runs: Runs) -> str:
    notes = [
        f"<li>{escape(run.protocol)}, round {run.round}: {escape(note)}</li>"
        for run in runs.runs
        for note in run.notes
    ]
    return f"<div class='note'>Mind this:<ul>{''.join(notes)}</ul></div>" if notes else ""


def _table(header: list[str], rows: list[list[Any]], text: tuple[int, ...] = ()) -> str:
    def cells(tag: str, values: list[Any]) -> str:
        return "".join(
            f"<{tag}{' class=text' if place in text else ''}>{escape(str(value))}</{tag}>"
            for place, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<div class='wide'><table><tr>{cells('th', header)}</tr>{body}</table></div>"


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
    return _table(["", *map(str, summary.index)], rows) + (
        "<p>In brackets: 95 % intervals. Latencies count from when the schedule wanted the record "
        "sent. A percentile of too few records is left out.</p>"
    )


def _verdicts(runs: Runs) -> str:
    counts = runs.verdicts()
    rows: list[list[Any]] = [["offered", *(f"{count:,}" for count in counts["offered"]), ""]]
    rows += [
        [verdict.replace("_", "-"), *(f"{count:,}" for count in counts[verdict]), meaning]
        for verdict, meaning in MEANING.items()
    ]
    return _table(["", *map(str, counts.index), "meaning"], rows, (len(counts) + 1,))


def _broken(runs: Runs) -> str:
    broken = runs.broken_promises
    if broken.empty:
        return ""
    rows = [
        [row.employee_id, row.protocol, row.round, row.verdict, row.error]
        for row in broken.head(MOST_BROKEN).itertuples()
    ]
    return (
        f"<div class='note broken'><p>{len(broken):,} promises were broken"
        f"{f'; the first {MOST_BROKEN}' if len(broken) > MOST_BROKEN else ''}:</p>"
        + _table(["employee_id", "protocol", "round", "verdict", "error"], rows, (1, 3, 4))
        + "</div>"
    )


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
