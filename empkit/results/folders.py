"""The folder of a comparison: written so that each figure can be drawn again, read back, and
pointed to by `latest`.

    timings.parquet    one row per record
    attempts.parquet   one row per attempt, for the records that needed several
    runs.json          the description of each run, and of the machine
    summary.csv        the table of the terminal
    logs/              of each part, when a run was not clean
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError, field_validator

from empkit.results.info import STAMPS, RunInfo

FORMAT = 2
"""The format of `runs.json`. Format 1, that of empkit 0.1.0, has no number."""
LATEST = "latest"


class ResultError(FileNotFoundError, ValueError):
    """A folder of results cannot be read; the message says why and what to do."""

    def __str__(self) -> str:
        return str(self.args[0])


class _Workload(BaseModel):
    """What is used again of the description of a workload; its other words are only shown."""

    rate: float | None = None
    in_flight: int | None = None
    records: int | None = None


class _Saved(BaseModel):
    """The contents of `runs.json`; what a later empkit has added to the format is passed over, and
    what an earlier one did not have is missing."""

    runs: list[RunInfo]
    environment: dict[str, Any]
    asked: list[tuple[str, int]] | None = None
    interrupted: str = ""
    failure: str = ""

    @field_validator("runs")
    @classmethod
    def _with_workloads(cls, runs: list[RunInfo]) -> list[RunInfo]:
        for run in runs:
            _Workload.model_validate(run.workload)
        return runs


_OF_TIMINGS = frozenset({"protocol", "round", "seq", "employee_id", "outcome", "verdict", *STAMPS})
_OF_ATTEMPTS = frozenset({"protocol", "round", "seq"})


class Parts(NamedTuple):
    """The contents of a folder; see `empkit.results.runs.Runs`."""

    runs: list[RunInfo]
    timings: pd.DataFrame
    attempts: pd.DataFrame
    environment: dict[str, Any]
    asked: Sequence[tuple[str, int]] | None = None
    interrupted: str = ""
    failure: str = ""


def write(folder: Path, parts: Parts, summary: pd.DataFrame, logs: Mapping[str, str]) -> None:
    """Write a folder of results.

    Args:
        folder: created when it is missing.
        parts: its contents.
        summary: the table for a spreadsheet.
        logs: the text of each part's log, by name.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # with checksums, so that a damaged page is noticed and not read as other numbers
    parts.timings.to_parquet(folder / "timings.parquet", index=False, write_page_checksum=True)
    parts.attempts.to_parquet(folder / "attempts.parquet", index=False, write_page_checksum=True)
    summary.to_csv(folder / "summary.csv")
    content = {
        "format": FORMAT,
        "runs": [asdict(run) for run in parts.runs],
        "environment": parts.environment,
        "asked": parts.asked,
        "interrupted": parts.interrupted,
        "failure": parts.failure,
    }
    (folder / "runs.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if logs:
        (folder / "logs").mkdir(exist_ok=True)
    for name, text in logs.items():
        (folder / "logs" / f"{name}.log").write_text(text, encoding="utf-8")


def read(folder: Path) -> Parts:
    """Read a folder that `write` wrote, also one of empkit 0.1.0.

    Raises:
        ResultError: the folder is missing, holds no results, is damaged, or is of a newer empkit.
    """
    try:
        content = json.loads((folder / "runs.json").read_text(encoding="utf-8"))
        number = content.get("format", 1)
        if number > FORMAT:
            raise ResultError(
                f"{folder / 'runs.json'} has the format {number}, and this empkit reads up to "
                f"{FORMAT}: read it with a newer empkit."
            )
        saved = _Saved.model_validate(content)
        timings = read_timings([_file(folder / "timings.parquet")])
        attempts = pq.read_table(
            _file(folder / "attempts.parquet"), page_checksum_verification=True
        ).to_pandas()
        for frame, columns in ((timings, _OF_TIMINGS), (attempts, _OF_ATTEMPTS)):
            if missing := columns - set(frame):
                raise ValueError(f"no column {', '.join(sorted(missing))}")
        return Parts(
            saved.runs, timings, attempts, saved.environment, saved.asked, saved.interrupted,
            saved.failure,
        )  # fmt: skip
    except FileNotFoundError as error:
        if isinstance(error, ResultError):
            raise
        raise ResultError(_what_is_missing(folder)) from None
    except NotADirectoryError:
        raise ResultError(
            f"{folder} is a file: give the folder of results that it is in."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        if isinstance(error, ResultError):
            raise
        cause = str(error).splitlines()[0] if str(error) else "empty"
        if isinstance(error, ValidationError):
            wrong = error.errors()[0]
            cause = f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"
        raise ResultError(
            f"The results in {folder} are damaged ({type(error).__name__}: {cause}): use an "
            "undamaged copy, or run the comparison again."
        ) from error


def _file(path: Path) -> Path:
    """Return a path that is a file; pyarrow reads a folder in its place as many files, or none."""
    if path.is_dir():
        raise ValueError(f"{path.name} is a folder")
    return path


def _what_is_missing(folder: Path) -> str:
    if not folder.is_dir():
        return f"There is no folder {folder}: give one that `empkit compare` or `Runs.save` wrote."
    if choices := sorted(path.parent.name for path in folder.glob("*/runs.json")):
        return (
            f"{folder} holds the results of several choices: give one of its folders, "
            f"{', '.join(choices[:10])}."
        )
    wanted = ("runs.json", "timings.parquet", "attempts.parquet")
    missing = ", ".join(name for name in wanted if not (folder / name).exists())
    return (
        f"{folder} has no {missing}, and so holds no complete results: give a folder that "
        "`empkit compare` or `Runs.save` wrote."
    )


def read_timings(paths: Iterable[Path]) -> pd.DataFrame:
    """Read files of timings into one frame.

    Stamps may be missing and are integers nevertheless: floating-point numbers would round them on
    a machine that has been up for 104 days (2**53 ns). The files are concatenated before they are
    converted, so that millions of rows are not in memory twice.
    """
    table = pa.concat_tables(
        [pq.read_table(path, page_checksum_verification=True) for path in paths]
    )
    whole = {pa.int64(): pd.Int64Dtype()}
    timings: pd.DataFrame = table.to_pandas(types_mapper=whole.get, split_blocks=True)
    never_missing = [name for name in timings.select_dtypes("Int64") if name not in STAMPS]
    return timings.astype(dict.fromkeys(never_missing, "int64"))


def point_to(folder: Path) -> Path | None:
    """Point `latest`, beside a folder of results, to that folder.

    `latest` is a symbolic link, replaced atomically; where links are not possible, a file
    `latest.txt` with the folder's name.

    Returns:
        The link or the file; None when something else has the name `latest`, or nothing can be
        written there.
    """
    link = folder.parent / LATEST
    with contextlib.suppress(OSError):
        if link.exists() and not link.is_symlink():
            return None
        made = link.with_name(f".{LATEST}-{secrets.token_hex(4)}")
        try:
            made.symlink_to(folder.name, target_is_directory=True)
        except (OSError, NotImplementedError):
            file = link.with_suffix(".txt")
            file.write_text(folder.name + "\n", encoding="utf-8")
            return file
        made.replace(link)
        return link
    return None
