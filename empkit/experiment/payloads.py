"""The records of a run as they are sent, in a file, so that a million of them need no memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from empkit.platforms import read_at
from empkit.records.raw import Raw

Encoded = tuple[str | None, bytes]
"""A record's employee_id, where it has one, and its JSON."""

BATCH = 10_000


def line_of(record: Mapping[str, Any] | Raw) -> bytes:
    """Return a record as a line of the file that `write_payloads` reads.

    Args:
        record: the fields; or bytes that are sent unchanged, which become a text of one character
            a byte.
    """
    content = record.decode("latin-1") if isinstance(record, Raw) else dict(record)
    return orjson.dumps(content) + b"\n"


def write_payloads(source: Path, folder: Path, run_id: str) -> None:
    """Encode the records of a run, each with the run's id as the prefix of its own.

    Args:
        source: the lines that `line_of` makes.
        folder: of the run.
        run_id: makes the ids of the run different from those of any other run.
    """
    sizes: list[tuple[int, int]] = []
    with source.open("rb") as lines, (folder / "payloads.bin").open("wb") as file:
        for line in lines:
            employee_id, payload = _encoded(orjson.loads(line), run_id)
            name = b"" if employee_id is None else employee_id.encode()
            file.write(name + payload)
            sizes.append((-1 if employee_id is None else len(name), len(payload)))
    np.save(folder / "payloads.npy", np.array(sizes, np.int32).reshape(-1, 2))


def _encoded(record: object, run_id: str) -> Encoded:
    if isinstance(record, str):
        return None, record.encode("latin-1")
    assert isinstance(record, dict)
    employee_id = record.get("employee_id")
    if not isinstance(employee_id, str):
        return None, orjson.dumps(record)
    record["employee_id"] = employee_id = f"{run_id}-{employee_id}"
    return employee_id, orjson.dumps(record)


class Payloads:
    """The records that `write_payloads` wrote, by number; each is read from the file on access.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        sizes = np.load(folder / "payloads.npy")
        self._ids = sizes[:, 0]
        self._ends = np.cumsum(np.maximum(sizes[:, 0], 0) + sizes[:, 1], dtype=np.int64)
        self._file = (folder / "payloads.bin").open("rb")
        self._reader = (folder / "payloads.bin").open("rb", buffering=0)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, seq: int) -> Encoded:
        begin = int(self._ends[seq - 1]) if seq else 0
        data = read_at(self._reader.fileno(), int(self._ends[seq]) - begin, begin)
        return _parted(data, int(self._ids[seq]))

    def __iter__(self) -> Iterator[Encoded]:
        self._file.seek(0)
        begin = 0
        for start in range(0, len(self), BATCH):
            stop = start + BATCH
            ends, ids = self._ends[start:stop].tolist(), self._ids[start:stop].tolist()
            for end, id_size in zip(ends, ids, strict=True):
                yield _parted(self._file.read(end - begin), id_size)
                begin = end

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._reader.close()


def _parted(data: bytes, id_size: int) -> Encoded:
    return (None, data) if id_size < 0 else (data[:id_size].decode(), data[id_size:])
