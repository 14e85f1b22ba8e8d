"""The solutions of notebook 06."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "06.1": Solution(
        hints=(
            "Which part does each sender talk to, and is that the part that crashed?",
            "crash.recovery() has a column attempts_max, one row per protocol: a sender that had "
            "to try again needed more than one attempt.",
            "Take the protocols of the rows with attempts_max > 1, as a set.",
        ),
        code="""\
check("06.1", set(crash.recovery().query("attempts_max > 1")["protocol"]))
""",
    ),
    "06.2": Solution(
        hints=(
            "Neighbours in the table need not be neighbours in time.",
            "Put the stamps of the stored records in order before you take differences, and leave "
            "out the records that were never stored.",
            "dropna(), sort_values(), diff() and max(), in this order; then from nanoseconds to "
            "seconds.",
        ),
        code="""\
def longest_gap(timings):
    return timings["stored_ns"].dropna().sort_values().diff().max() / 1e9


check("06.2", longest_gap)
""",
    ),
    "06.3": Solution(
        hints=(
            "Which part of the system do only Kafka's senders need for their ack?",
            "One experiment above had quick senders over HTTP and WebSocket and slow ones over "
            "Kafka: what was broken in it?",
            "A fault of the broker, on a timeline as above: At(start, fault, until=end). "
            "BrokerDown is imported already; empkit.faults has BrokerPause, too.",
        ),
        code="""\
from empkit.faults import BrokerPause

check("06.3", At(0.4, BrokerPause(), until=0.9), lab)
""",
    ),
    "06.challenge": Solution(
        hints=(
            "Nothing is lost in the first try, either. Why were records sent twice?",
            "The network was silent, not broken: an answer was on its way, and the sender did not "
            "wait for it.",
            "Let one attempt wait longer than the silence lasts (attempt_timeout_s), and give the "
            "record as long (deadline_s).",
        ),
        code="""\
waiting = Guarantees(attempt_timeout_s=60, deadline_s=60)
solved = lab.cross(["http"], steady, [waiting], faults=silence)[0]
check("06.challenge", solved)
""",
    ),
}
