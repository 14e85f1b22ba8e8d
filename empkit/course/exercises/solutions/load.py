"""The solutions of notebook 05."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "05.1": Solution(
        hints=(
            "Think of one second: how many records arrive in it, and how long does each stay?",
            "If each stayed for exactly a second, rate records would be in flight. If each stays "
            "for half of that, half as many are.",
            "Multiply the rate by the time, with both in the same unit: ms / 1_000 is in seconds.",
        ),
        code="""\
def in_flight(rate, ms):
    return rate * ms / 1_000


check("05.1", in_flight)
""",
    ),
    "05.2": Solution(
        hints=(
            "Imagine that the system becomes slow: does the next record come later, too?",
            "Where the same sender waits for an answer before its next record, the system sets the "
            "pace. It does not matter how many such senders there are.",
            "A clerk waits for the confirmation and the program for its record: closed. No visitor "
            "waits for another visitor, and a sensor's clock waits for nothing: open.",
        ),
        code="""\
check("05.2", {"visitors": "open", "copy": "closed", "clerks": "closed", "sensors": "open"})
""",
    ),
    "05.3": Solution(
        hints=(
            "Sort the rates in your mind: where would you stop going up?",
            "Find the lowest rate that was too slow first. Nothing from there on counts, even if "
            "it went well by chance.",
            'too_slow = steps.loc[steps["p99_ms"] > limit, "rate"].min(). If no rate was too '
            "slow, it is NaN, and no comparison with it is true: so ask for ~(rate > too_slow).",
        ),
        code="""\
def kept_up(steps, limit):
    too_slow = steps.loc[steps["p99_ms"] > limit, "rate"].min()
    good = steps[(steps["p99_ms"] <= limit) & ~(steps["rate"] > too_slow)]
    return good["rate"].max()


check("05.3", kept_up)
""",
    ),
    "05.challenge": Solution(
        hints=(
            "The stall is the same: what is it about the sender that hides it?",
            "A sender that waits for its answer offers nothing during the stall, so only one "
            "record is slow. What was the name of the loop that goes on offering?",
            "Give the workload a rate in place of in_flight. With 300 records at 300 per second "
            "the run lasts a second, and the stall is half of it.",
        ),
        code="""\
solved = lab.run("websocket", Workload(records=300, rate=300), faults=stall)
check("05.challenge", solved)
""",
    ),
}
