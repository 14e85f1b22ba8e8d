"""The solutions of notebook 08."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "08.1": Solution(
        hints=(
            "What is the smallest piece of work that a group can give to a member?",
            "A partition is assigned to one member at a time, and it cannot be shared.",
            "So at most as many members have something to do as there are partitions; the rest of "
            "the ten is idle.",
        ),
        code="""\
check("08.1", 10 - lab.partitions)
""",
    ),
    "08.2": Solution(
        hints=(
            'The first try is right about count. Start Python twice and print hash("E1"): what do '
            "you see?",
            "You need a checksum that depends on the bytes of the key alone. The standard library "
            "has several, in zlib and in hashlib.",
            "zlib.crc32(key.encode()) is a whole number, the same in every process; its remainder "
            "by count is the partition.",
        ),
        code="""\
import zlib


def partition(key, count):
    return zlib.crc32(key.encode()) % count


check("08.2", partition)
""",
    ),
    "08.challenge": Solution(
        hints=(
            "How many faults can a timeline have?",
            "faults is a list. The server is the last member of the group that is left, so its "
            "crash is a ServerCrash.",
            "Write both: At(..., LeaderMove(to=...), until=...) and At(..., ServerCrash(), "
            "until=...), the second a little after the first.",
        ),
        code="""\
both = [At(0.3, LeaderMove(to=3), until=0.5), At(0.6, ServerCrash(), until=0.9)]
solved = lab.run("kafka", steady, faults=both)
check("08.challenge", solved)
""",
    ),
}
