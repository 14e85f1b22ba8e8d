"""The solutions of notebook 00."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "00.1": Solution(
        hints=(
            "Ask of each ack who gives it: somebody who has the database, or somebody else?",
            "Compare the stamps acked_ns and stored_ns: over which protocols did the ack come "
            "before the record was stored?",
            "Over Kafka the ack comes from the broker, which knows nothing of the database. Over "
            "the other two it comes from the server that has stored the record.",
        ),
        code="""\
check("00.1", {"http", "websocket"})
""",
    ),
    "00.2": Solution(
        hints=(
            "What is the median to be taken of: of stamps, or of how long each record took?",
            "Two columns of timings can be subtracted from each other, record by record; the "
            "result has a median of its own.",
            "Subtract sent_ns from stored_ns, take the median of the differences, and divide by "
            "1e6: a millisecond has a million nanoseconds.",
        ),
        code="""\
def until_stored_ms(timings):
    return (timings["stored_ns"] - timings["sent_ns"]).median() / 1e6


check("00.2", until_stored_ms)
""",
    ),
    "00.challenge": Solution(
        hints=(
            "What has a record to lack, so that no receiver can store it?",
            "A record is a dictionary, and mine is a list of twenty. Five of them need another "
            "last_name.",
            "An empty text is no name: build a new list in which the first five are {**each, "
            '"last_name": ""}, and send it with the same lab.compare as before.',
        ),
        code="""\
mine = [{**each, "last_name": ""} if number < 5 else each for number, each in enumerate(mine)]
solved = lab.compare(["http", "kafka"], Workload(records=mine, warm_up=0), rounds=1)
check("00.challenge", solved)
""",
    ),
}
