"""What became of a record: what its sender believes, held against what the database holds.

outcome    held: same       held: other / nothing     dead letter
acked      stored           corrupt / lost            dead_lettered
refused    phantom          refused                   -
failed     phantom          failed                    -
unknown    unconfirmed      failed                    dead_lettered
"""

from __future__ import annotations

from typing import Literal, get_args

Verdict = Literal[
    "stored", "refused", "dead_lettered", "failed", "unconfirmed", "lost", "corrupt", "phantom"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

PROMISES: dict[Verdict, str] = {
    "lost": "acked means stored",
    "corrupt": "what is stored is what was sent",
    "phantom": "refused or failed means not stored",
}
"""What is promised, by the verdict that breaks it."""
BROKEN_PROMISES: tuple[Verdict, ...] = tuple(PROMISES)

Held = Literal["nothing", "same", "other"]


def judge(outcome: str, held: Held, *, dead_lettered: bool = False, twin: bool = False) -> Verdict:
    """The verdict on one record.

    Args:
        outcome: what its sender believes: acked, refused, failed or unknown.
        held: whether the database holds its id, and with its content or other.
        dead_lettered: whether the dead-letter topic holds it.
        twin: another record of the run with the same id and content may be the one that is held,
            so that holding it proves nothing about this one.

    Raises:
        ValueError: there is no such outcome.
    """
    if outcome in ("refused", "failed"):
        return "phantom" if held == "same" and not twin else outcome  # type: ignore[return-value]
    if outcome not in ("acked", "unknown"):
        raise ValueError(f"{outcome!r} is not an outcome.")
    if held == "same":
        return "stored" if outcome == "acked" else "unconfirmed"
    if dead_lettered:
        return "dead_lettered"
    if outcome == "unknown":
        return "failed"
    return "lost" if held == "nothing" else "corrupt"
