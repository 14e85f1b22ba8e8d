"""The verdict on a record: what its sender believes, compared with what the database holds.

outcome    held: same       held: other         held: nothing       dead letter
acked      stored           corrupt             lost                dead_lettered
refused    phantom          phantom             refused             -
failed     phantom          phantom             failed              -
unknown    unconfirmed      corrupt             failed              dead_lettered

Other content under an id does not count against a record when another record of the run explains
it; see `judge`. A record that was refused or dead-lettered as invalid although it is valid by the
published schema is `misjudged`.

`KINDS` defines the verdicts: a new verdict is one entry there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = str
"""The name of a verdict, one of `KINDS`."""


@dataclass(frozen=True)
class Kind:
    """A verdict.

    Attributes:
        name: in tables and files.
        meaning: in the report, after the name.
        colour: in figures; from the palette of Okabe and Ito as far as it goes.
        marker: in figures, of matplotlib.
        promise: the promise that it breaks; None when it breaks none.
    """

    name: Verdict
    meaning: str
    colour: str
    marker: str
    promise: str | None = None


def by_name(*kinds: Kind) -> dict[Verdict, Kind]:
    """Return the verdicts by name.

    Raises:
        TypeError: two have the same name.
    """
    by_name: dict[Verdict, Kind] = {}
    for kind in kinds:
        if kind.name in by_name:
            raise TypeError(f"There are two verdicts of the name {kind.name!r}. Rename one.")
        by_name[kind.name] = kind
    return by_name


KINDS: dict[Verdict, Kind] = by_name(
    Kind("stored", "acked, and the database holds it once, as sent", "#009E73", "o"),
    Kind("refused", "refused with a reason, and the database holds nothing of it",
         "#999999", "p"),
    Kind("dead_lettered",
         "acked by the broker, refused by the consumer, kept in the dead-letter topic",
         "#56B4E9", "s"),
    Kind("failed", "not stored; the sender may send it again", "#E69F00", "v"),
    Kind("unconfirmed",
         "the sender got no answer, but it is stored; a retry will not make a second one",
         "#F0E442", "^"),
    Kind("lost", "acked, but neither stored nor dead-lettered: a broken promise",
         "#D55E00", "X", "acked means stored"),
    Kind("misjudged",
         "refused or dead-lettered as invalid, although it is valid by the published schema: "
         "a broken promise", "#8C510A", "*", "a good record is not called invalid"),
    Kind("corrupt",
         "acked, or not answered, but the database holds other content: a broken promise",
         "#000000", "D", "what is stored is what was sent"),
    Kind("phantom",
         "refused or failed, but it or other content under its id is stored: a broken promise",
         "#CC79A7", "P", "refused or failed means not stored"),
)  # fmt: skip
"""Every verdict by name, in the order of tables and figures."""


class _Promises(Mapping[Verdict, str]):
    """The promises, by the verdict that breaks them: a view of `KINDS`."""

    def __getitem__(self, name: Verdict) -> str:
        promise = KINDS[name].promise
        if promise is None:
            raise KeyError(name)
        return promise

    def __iter__(self) -> Iterator[Verdict]:
        return (name for name, kind in KINDS.items() if kind.promise is not None)

    def __len__(self) -> int:
        return sum(kind.promise is not None for kind in KINDS.values())


VERDICTS = KINDS.keys()
"""The names, in order."""
PROMISES: Mapping[Verdict, str] = _Promises()
"""The promises, by the verdict that breaks them."""
BROKEN_PROMISES = PROMISES.keys()
"""The verdicts that break a promise, in order."""

Held = Literal["nothing", "same", "other"]


def judge(
    outcome: str,
    held: Held,
    *,
    dead_lettered: bool = False,
    twin: bool = False,
    explained: bool = False,
    charged: bool = False,
    misjudged: bool = False,
) -> Verdict:
    """Return the verdict on one record.

    Args:
        outcome: what its sender believes: acked, refused, failed or unknown.
        held: whether the database holds its id, with the same or with other content.
        dead_lettered: whether the dead-letter topic holds it.
        twin: another record of the run with the same id and content may be the one that is held,
            so that the row proves nothing about this one.
        explained: the row has the content of another record of the run with the same id.
        charged: another record of the run with the same id was acked, so that other content counts
            against that record and not against one that was never to be stored.
        misjudged: it was refused or dead-lettered as invalid although it is valid by the schema.

    Raises:
        ValueError: there is no such outcome.
    """
    if outcome not in ("acked", "refused", "failed", "unknown"):
        raise ValueError(f"{outcome!r} is not an outcome.")
    promised = outcome == "acked" and not dead_lettered
    if held == "other" and (explained or (charged and not promised)):
        held = "nothing"
    verdict = _alone(outcome, held, dead_lettered=dead_lettered, twin=twin)
    return "misjudged" if misjudged and verdict in ("refused", "dead_lettered") else verdict


def _alone(outcome: str, held: Held, *, dead_lettered: bool, twin: bool) -> Verdict:
    """Return the verdict when no other record of the run has the same id, except a twin."""
    if outcome in ("refused", "failed"):
        return "phantom" if held == "other" or (held == "same" and not twin) else outcome
    if held == "other":
        return "corrupt"
    if held == "same":
        return "stored" if outcome == "acked" else "unconfirmed"
    if dead_lettered:
        return "dead_lettered"
    return "lost" if outcome == "acked" else "failed"


def name_of(employee_id: str | None, seq: int) -> str:
    """Return the name of a record in a sentence: its id, or its position when it has none.

    Args:
        employee_id: None or "" without one.
        seq: its position in the run, from 0.
    """
    return employee_id or f"record {seq + 1} of the run"


def named(records: Iterable[tuple[str | None, int]], most: int = 10) -> str:
    """Return the names of the first records, for a sentence.

    Args:
        records: employee_id and seq of each.
        most: the maximum number of names.
    """
    names = [name_of(*record) for record in records]
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")
