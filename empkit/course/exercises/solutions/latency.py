"""The solutions of notebook 04."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "04.1": Solution(
        hints=(
            "At least one of twenty: what is the opposite of that?",
            "The opposite is that all twenty are fast. One of them is fast with the probability "
            "1 - p.",
            "The records do not depend on each other, so their probabilities are multiplied: all "
            "twenty are fast with (1 - p) ** 20, and the page is slow otherwise.",
        ),
        code="""\
def slow_page(p):
    return 1 - (1 - p) ** 20


check("04.1", slow_page)
""",
    ),
    "04.2": Solution(
        hints=(
            "What does a ratio of exactly 1 mean, and where does it lie: in the interval, below or "
            "above it?",
            "If the whole interval is above 1, HTTP takes longer. If it holds 1, no difference was "
            "shown.",
            'Ask low > 1 and high < 1, and let everything else be "not shown": a comparison with '
            "NaN is never true, so a missing interval ends there by itself.",
        ),
        code="""\
def which(low, high):
    if low > 1:
        return "websocket"
    return "http" if high < 1 else "not shown"


check("04.2", which)
""",
    ),
    "04.3": Solution(
        hints=(
            "Take each sentence by itself: is everything that it speaks of in the run?",
            "One of them takes an ack for a store, and one speaks of a load that was not measured.",
            "The others say what an interval says, and how often it errs, and what a p50 "
            'is. Read "What may be concluded" once more for both.',
        ),
        code="""\
check("04.3", {"b", "d"})
""",
    ),
    "04.challenge": Solution(
        hints=(
            "Why does the kit print nothing here? It is not the latency.",
            "A percentile is printed where at least one record is expected beyond it. Beyond the "
            "p99.9 lies one record in how many?",
            "One in a thousand: send a thousand records or more, by Workload(records=...), in each "
            "of three rounds, by rounds=3.",
        ),
        code="""\
solved = lab.run("http", Workload(records=1_500, in_flight=8), rounds=3)
check("04.challenge", solved)
""",
    ),
}
