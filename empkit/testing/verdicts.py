"""What is wrong with the records of a topic, in words: each function returns "" for nothing.

They name the first record in question, its place in the log, and the faults in force at that time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from empkit.testing.log import Record

InForce = Callable[[float, float], str]
"""Says which faults were in force between two times, in seconds since 1970."""

Identified = Sequence[tuple[Any, Record]]
"""Records, each with what tells it from the others."""


def each_once(records: Identified, expected: Iterable[Any] | None, in_force: InForce) -> str:
    """Return which records are missing, more than once, or not expected.

    Args:
        records: what the log holds.
        expected: what it is to hold, in the order in which it was sent; None: anything, once.
        in_force: says which faults were in force.
    """
    if expected is None and not records:
        return "the topic holds no record: there is nothing to judge."
    places: dict[Any, list[Record]] = {}
    for identity, record in records:
        places.setdefault(identity, []).append(record)
    wanted = list(dict.fromkeys(places if expected is None else expected))
    known = set(wanted)
    absent = [identity for identity in wanted if identity not in places]
    twice = [identity for identity in wanted if len(places.get(identity, ())) > 1]
    strange = [identity for identity in places if identity not in known]
    if not (absent or twice or strange):
        return ""
    if other := other_types(wanted, places):
        return f"what is expected and what `key` returns are of different types: {other}"
    lines = [
        f"each of {len(wanted)} records is to be there once; {len(absent)} are missing, "
        f"{len(twice)} are there more than once, {len(strange)} were not expected."
    ]
    if absent:
        lines.append(f"Missing: {_some(absent)}. {_around(absent[0], wanted, places, in_force)}")
    if twice:
        copies = places[twice[0]]
        at = " and at ".join(record.place for record in copies)
        lines.append(
            f"More than once: {_some(twice)}. {twice[0]!r} is at {at}. {_then(copies, in_force)}"
        )
    if strange:
        record = places[strange[0]][0]
        lines.append(
            f"Not expected: {_some(strange)}. {strange[0]!r} is at {record.place}. "
            f"{_then([record], in_force)}"
        )
    return "\n".join(lines)


def order_per_key(records: Sequence[tuple[Any, Any, Record]], in_force: InForce) -> str:
    """Return which record came after a later one of its key.

    Args:
        records: key, place in the order that was meant, and record, in the order of the log.
        in_force: says which faults were in force.
    """
    if not records:
        return "the topic holds no record: there is no order to judge."
    latest: dict[Any, tuple[Any, Record]] = {}
    late: list[tuple[Any, Any, Record, Any, Record]] = []
    for key, number, record in records:
        before = latest.get(key)
        if before is not None and before[1].partition != record.partition:
            whose = "without a key" if key is None else f"of key {key!r}"
            return (
                f"the records {whose} are in several partitions, which have no order: "
                f"{before[0]!r} is at {before[1].place}, and {number!r} at {record.place}. "
                "Produce all of them with the same key and partitioner."
            )
        if before is not None and number < before[0]:
            late.append((key, number, record, *before))
        else:
            latest[key] = (number, record)
    if not late:
        return ""
    key, number, record, after, other = late[0]
    return (
        f"{len(late)} records came after a later one of their key. The first is {number!r} of key "
        f"{key!r} at {record.place}: it came after {after!r} at {other.place}. "
        f"{_then([record, other], in_force)}"
    )


def missing(sent: Iterable[Any], stored: Iterable[Any]) -> list[Any]:
    """Return what was sent and is not stored, in the order of sending."""
    left = Counter(stored)
    absent = []
    for identity in sent:
        if left[identity]:
            left[identity] -= 1
        else:
            absent.append(identity)
    return absent


def other_types(wanted: Iterable[Any], found: Iterable[Any]) -> str:
    """Return in which way nothing of two collections can be equal, though it reads alike."""
    wanted, found = list(wanted), list(found)
    if set(wanted) & set(found):
        return ""
    alike = {_text(each): each for each in found}
    for each in wanted:
        other = alike.get(_text(each))
        if other is not None:
            return (
                f"{each!r} is never equal to {other!r} ({type(each).__name__} and "
                f"{type(other).__name__}). Make them the same, as with `int(...)` or `row[0]`."
            )
    return ""


def not_comparable(sent: Sequence[Any], stored: Sequence[Any]) -> str:
    """Return why what was sent and what is stored cannot be compared; empty if they can."""
    if not sent:
        return "nothing was sent: there is nothing to judge (a generator can be read only once)."
    other = other_types(sent, stored)
    return f"what was sent and what is stored are of different types: {other}" if other else ""


def lost(
    absent: Sequence[Any], stored: Sequence[Any], records: Identified, in_force: InForce
) -> str:
    """Return what was sent and not stored, and where the first of it is in the log.

    Args:
        absent: what is not stored, or less often than it was sent.
        stored: what is stored.
        records: what the log holds.
        in_force: says which faults were in force.
    """
    first = absent[0]
    found = [record for identity, record in records if identity in (first, str(first))]
    if times := list(stored).count(first):
        where = (
            f"{first!r} was sent {times + absent.count(first)} times and is stored {times} times."
        )
    elif found:
        where = (
            f"{first!r} is in the log at {found[0].place}: its consumer did not store it. "
            f"{_then(found, in_force)}"
        )
    else:
        where = f"{first!r} is not in the log either: it did not arrive, or was dropped since."
    return f"{len(absent)} were sent and are not stored: {_some(absent)}. {where}"


def _text(value: Any) -> str:
    """Return a value as a text, as a row of one column and as bytes are often meant."""
    while isinstance(value, tuple) and len(value) == 1:
        (value,) = value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _some(identities: Sequence[Any], most: int = 5) -> str:
    more = f" and {len(identities) - most} more" if len(identities) > most else ""
    return ", ".join(repr(identity) for identity in identities[:most]) + more


def _then(records: Sequence[Record], in_force: InForce) -> str:
    times = [record.time_s for record in records]
    return in_force(min(times), max(times))


def _around(
    absent: Any, wanted: Sequence[Any], places: dict[Any, list[Record]], in_force: InForce
) -> str:
    """Say between which records of the log one is missing, and what was in force in that time."""
    at = wanted.index(absent)
    before = next((each for each in reversed(wanted[:at]) if each in places), None)
    after = next((each for each in wanted[at + 1 :] if each in places), None)
    neighbours = [places[each][0] for each in (before, after) if each is not None]
    if not neighbours:
        return "None of what was expected is in the log."
    words = []
    if before is not None:
        words.append(f"the one before it, {before!r}, is at {places[before][0].place}")
    if after is not None:
        words.append(f"the one after it, {after!r}, is at {places[after][0].place}")
    return f"Of {absent!r}, {'; '.join(words)}. {_then(neighbours, in_force)}"
