"""The employee record: its fields, its files, and its forms as JSON and as a row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from empkit.lazy import lazily

if TYPE_CHECKING:
    from empkit.records.files import RecordFile, read_records

__all__ = ["RecordFile", "read_records"]

__getattr__ = lazily(
    __name__, {"RecordFile": "empkit.records.files", "read_records": "empkit.records.files"}
)
