"""The solutions of notebook 03."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "03.1": Solution(
        hints=(
            "An ack costs a wait, and buys knowledge: which of the three can do without it?",
            "For each of the three, ask which failure it has to survive: none, that of the "
            "connection, or that of a broker.",
            'What may get lost and must not wait needs no ack at all ("0"); what may be lost only '
            'with its broker needs that broker\'s ("1"); what must not get lost needs those of '
            'every in-sync replica ("all").',
        ),
        code="""\
check("03.1", {"debug line": "0", "click": "1", "order": "all"})
""",
    ),
    "03.2": Solution(
        hints=(
            "The lag of one partition first: how far is the group behind the end of that log?",
            "It is the end minus the committed offset, and the lags of all partitions are added. "
            "Where has a group read to that never committed anything?",
            "Go through ends.items(). committed.get(partition, 0) is the offset, or 0 for a "
            "partition that is missing in committed.",
        ),
        code="""\
def total_lag(ends, committed):
    return sum(end - committed.get(partition, 0) for partition, end in ends.items())


check("03.2", total_lag)
""",
    ),
    "03.3": Solution(
        hints=(
            "Two conditions have to hold for a record at that moment; the first try has one.",
            "Acked means that acked_ns is not later than the moment. Not yet stored means that "
            "stored_ns is later, or that there is none at all.",
            'A comparison with a missing stamp is itself missing: (timings["stored_ns"] <= '
            "moment).fillna(False) says no for it. Combine both by & and ~, and take the sum.",
        ),
        code="""\
def on_their_way(timings, moment):
    acked = (timings["acked_ns"] <= moment).fillna(False)
    stored = (timings["stored_ns"] <= moment).fillna(False)
    return (acked & ~stored).sum()


check("03.3", on_their_way)
""",
    ),
    "03.challenge": Solution(
        hints=(
            "What decides in which partition a record lies?",
            "Records with the same key go to the same partition. Which records of the hundred have "
            "to stay in order?",
            "The changes of one employee have to share a key, and those of others to have another: "
            "append takes a function that gives the key of a change, and by_id is one.",
        ),
        code="""\
solved = asyncio.run(append(changes, by_id))
check("03.challenge", solved)
""",
    ),
}
