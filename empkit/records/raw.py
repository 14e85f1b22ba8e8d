"""What is sent in place of a record, as it is."""

from __future__ import annotations


class Raw(bytes):
    """Bytes that are sent unchanged in place of a record, whether they are JSON or not.

    Example:
        >>> next(Workload(records=[Raw(b"no record at all")]).load())
        b'no record at all'
    """
