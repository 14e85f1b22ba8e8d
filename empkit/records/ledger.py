"""The ids that clients of this process have sent while a lab runs in it.

With them the lab tells a record that was sent by hand from a row that no client sent. The ledger is
off in every other process: it costs a load generator one `is None` per record.
"""

from __future__ import annotations

import json

sent: set[str] | None = None
"""None while no lab runs in this process."""
_labs = 0


def begin() -> None:
    """Begin to note ids: a lab has started in this process."""
    global _labs, sent  # noqa: PLW0603 - one ledger per process
    _labs += 1
    if sent is None:
        sent = set()


def end() -> None:
    """Discard the ids when the last lab of this process has stopped."""
    global _labs, sent  # noqa: PLW0603
    _labs -= 1
    if _labs == 0:
        sent = None


def note(employee_id: str | None, payload: bytes) -> None:
    """Note the id of a record that a client is about to send.

    Args:
        employee_id: its id; None reads it from the payload.
        payload: the record as JSON, or the bytes that are sent in its place.
    """
    if sent is None:
        return
    if employee_id is None:
        try:
            employee_id = json.loads(payload)["employee_id"]
        except (ValueError, RecursionError, TypeError, KeyError):
            return
    if isinstance(employee_id, str):
        sent.add(employee_id)


def has(employee_id: str) -> bool:
    """Return whether a client of this process has sent this id since a lab started in it."""
    return sent is not None and employee_id in sent
