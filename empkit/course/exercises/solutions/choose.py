"""The solutions of notebook 09."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "09.1": Solution(
        hints=(
            "What could Kafka's senders do in the measurements that the other two could not?",
            "Think of the server crash: whose senders went on?",
            "Needs(send_while_server_away=True), and nothing that Kafka lacks beside it.",
        ),
        code="""\
check("09.1", advise(Needs(send_while_server_away=True), measured))
""",
    ),
    "09.2": Solution(
        hints=(
            "One need has to exclude some protocols, and the other one the rest.",
            "There is a need that leaves only Kafka. What does Kafka itself need, or not do, that "
            "somebody might mind?",
            "Take send_while_server_away=True, and with it a need that Kafka does not meet: "
            "no_broker=True is one, be_told=True another.",
        ),
        code="""\
check("09.2", advise(Needs(send_while_server_away=True, no_broker=True), measured))
""",
    ),
    "09.3": Solution(
        hints=(
            "A share of what? Look at what you divide by.",
            "A record without one of the two stamps belongs neither above nor below the line of "
            "the fraction.",
            'timings.dropna(subset=["acked_ns", "stored_ns"]) leaves the records that have both; '
            "the mean of a comparison is the share for which it is true.",
        ),
        code="""\
def share_acked_first(timings):
    both = timings.dropna(subset=["acked_ns", "stored_ns"])
    return (both["acked_ns"] < both["stored_ns"]).mean()


check("09.3", share_acked_first)
""",
    ),
    "09.challenge": Solution(
        hints=(
            "How many records per second does the first try offer?",
            "No more can be stored than are offered, and the last ones take their time: offer a "
            "little more than is to be stored.",
            "Workload(records=1_200, rate=400), over HTTP or WebSocket, since Kafka's senders are "
            "not told of refusals.",
        ),
        code="""\
solved = lab.run("websocket", Workload(records=1_200, rate=400))
check("09.challenge", solved)
""",
    ),
}
