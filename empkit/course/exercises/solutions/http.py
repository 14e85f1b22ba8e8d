"""The solutions of notebook 01."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "01.1": Solution(
        hints=(
            "The same request gets another answer only if something else has changed meanwhile.",
            "Go through the table of codes: which of them say something about the request, and "
            "which about the state of the server?",
            "A request that is wrong stays wrong, and a wrong token stays wrong, too. Only one of "
            "the four codes begins with 5.",
        ),
        code="""\
check("01.1", {503})
""",
    ),
    "01.2": Solution(
        hints=(
            "There are three answers, so two branches are not enough.",
            "The table of codes has a column for this: did this request store the record?",
            "200 and 201 say yes, every code from 400 to 499 says no, and one from 500 on does not "
            "say.",
        ),
        code="""\
def is_stored(code):
    if code >= 500:
        return None
    return code in (200, 201)


check("01.2", is_stored)
""",
    ),
    "01.3": Solution(
        hints=(
            "A share is one time divided by another, and each record has a share of its own.",
            "The whole is from sent_ns to acked_ns. The part inside the server is from received_ns "
            "to stored_ns.",
            "For each record compute 1 - inside / whole, and take the median of that at the end. "
            "The median of the parts divided by the median of the wholes is another number.",
        ),
        code="""\
def on_the_way(timings):
    whole = timings["acked_ns"] - timings["sent_ns"]
    inside = timings["stored_ns"] - timings["received_ns"]
    return (1 - inside / whole).median()


check("01.3", on_the_way)
""",
    ),
    "01.challenge": Solution(
        hints=(
            "When could a single transaction hold more than one record?",
            "While one transaction is being written to disk, whatever else has arrived waits, and "
            "is committed together in the next one. So something else has to arrive.",
            "Send more records before the first ones are answered: Workload has in_flight for it, "
            "and 600 records in 150 transactions are four in each on average.",
        ),
        code="""\
solved = lab.run("http", Workload(records=600, in_flight=32, warm_up=50))
check("01.challenge", solved)
""",
    ),
}
