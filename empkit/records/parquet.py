"""Reads rows from a Parquet file, some at a time."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from empkit.records.employee import RecordError
from empkit.records.header import header_among
from empkit.records.reading import Reading
from empkit.records.rows import Row, Source
from empkit.records.values import of_decimal

_MARK = b"PAR1"

BATCH_ROWS = 4096


def is_parquet(data: bytes) -> bool:
    """Return whether a file begins like one of Parquet."""
    return data.startswith(_MARK)


def parquet(data: bytes, name: str, reading: Reading, most: int) -> Source:
    """Return the rows of a file.

    Args:
        data: the file.
        name: of the file, for messages.
        reading: what the user says of it.
        most: how much it may take in memory, in bytes.

    Raises:
        RecordError: the file cannot be read, is too large, or lacks columns that are needed.
    """
    for option, given in (
        ("--delimiter", reading.delimiter),
        ("--encoding", reading.encoding),
        ("--sheet", reading.sheet),
    ):
        if given is not None:
            raise RecordError(f"{name} is a Parquet file: leave out {option}.")
    file = _opened(data, name)
    size = sum(
        file.metadata.row_group(number).total_byte_size
        for number in range(file.metadata.num_row_groups)
    )
    if max(size, file.metadata.num_rows) > most:
        raise RecordError(
            f"{name} is larger than {most // 2**20} MiB when it is unpacked: split it into smaller "
            "files."
        )
    columns = file.schema_arrow.names
    header = header_among([columns], [0], "\t", name, reading)
    rows = partial(_rows, data, name, tuple(header.columns))
    return Source(rows, [], header.chosen, "", {}, file.metadata.num_rows)


def _opened(data: bytes, name: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - start-up time
    import pyarrow.parquet as pq  # noqa: PLC0415 - start-up time

    try:
        return pq.ParquetFile(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> RecordError:
    first = str(error).partition("\n")[0].rstrip(".")
    return RecordError(f"{name} begins like a Parquet file, but cannot be read ({first}).")


def _rows(data: bytes, name: str, names: tuple[str, ...]) -> Iterator[Row]:
    import pyarrow as pa  # noqa: PLC0415 - start-up time

    number = 0
    try:
        for batch in _opened(data, name).iter_batches(batch_size=BATCH_ROWS):
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, names, list(map(_plain, values))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _damaged(name, error) from None


def _plain(value: Any) -> Any:
    """Return a value as one of JSON, where Arrow has others."""
    kind = type(value)
    if kind is str:
        return value
    if kind is bytes:
        return value.decode(errors="surrogateescape")  # refused like other text that is not UTF-8
    if kind is datetime.timedelta:
        return value.total_seconds()
    if kind is Decimal:
        return of_decimal(value)
    return value
