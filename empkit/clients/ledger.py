"""The ids that clients of this process have sent, while a lab runs here.

So the lab can tell what was sent by hand from what nobody sent. Off in every other process: what a
load generator pays for it is one `is None` a record.
"""

from __future__ import annotations

import json

sent: set[str] | None = None
"""None while no lab runs here."""
_labs = 0


def begin() -> None:
    """A lab has started in this process."""
    global _labs, sent  # noqa: PLW0603 - one ledger a process
    _labs += 1
    if sent is None:
        sent = set()


def end() -> None:
    """A lab has stopped; with the last one everything is forgotten."""
    global _labs, sent  # noqa: PLW0603
    _labs -= 1
    if _labs == 0:
        sent = None


def note(employee_id: str | None, payload: bytes) -> None:
    """A client is about to send a record.

    Args:
        employee_id: its id; None looks for one in the payload.
        payload: the record as JSON, or what is sent in its place.
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
    """Whether a client of this process has sent a record with this id since a lab runs here."""
    return sent is not None and employee_id in sent
