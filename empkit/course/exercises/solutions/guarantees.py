"""The solutions of notebook 07."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "07.1": Solution(
        hints=(
            "Ask of each choice: can a record be lost, and can one arrive twice?",
            "The table at the beginning says how each promise is made. Two of the four choices "
            "stand in its first row.",
            "A sender that waits for no ack, or a consumer that commits before the work is done, "
            "can lose a record; retries can deliver one twice; the primary key recognises the "
            "second copy.",
        ),
        code="""\
check("07.1", {
    "acks=0": "at most once",
    "commit before the store": "at most once",
    "retries": "at least once",
    "retries and a primary key": "effectively once",
})
""",
    ),
    "07.2": Solution(
        hints=(
            "What does the letter's reason say, and where are the original bytes?",
            "The bytes are JSON: make a dictionary of them, add what is missing, and make JSON of "
            "it again. Everything else in it has to stay.",
            'json.loads(letter.value) is the dictionary, and {"last_name": "unknown", **record} '
            "adds the name if there is none; json.dumps(...).encode() gives bytes.",
        ),
        code="""\
def mend(letter):
    return json.dumps({"last_name": "unknown", **json.loads(letter.value)}).encode()


check("07.2", mend)
""",
    ),
    "07.3": Solution(
        hints=(
            "What does each of the two fear more: to wait, or to lose something?",
            "Waiting for any ack is waiting. And what arrives for certain needs the acks of every "
            "in-sync replica, and a sender that tries again.",
            'The setting is acks, once "0" and once "all". The payment\'s retries and deadline '
            "are right as they are by default: do not make them smaller.",
        ),
        code="""\
check("07.3", {"sensor": Guarantees(acks="0"), "payment": Guarantees(acks="all")})
""",
    ),
    "07.challenge": Solution(
        hints=(
            "Where do the copies in the log come from? Nobody sent a record twice on purpose.",
            "The producer sends again when its timeout is over and no ack has come. Idempotence "
            "does not help here, since this broker does not check the numbers.",
            "The ack is late by 4 s: give one attempt more time than that "
            "(attempt_timeout_s), and the record as a whole still more (deadline_s).",
        ),
        code="""\
waiting = Guarantees(attempt_timeout_s=8.0, deadline_s=20.0)
solved = lab.cross(["kafka"], steady, [waiting], faults=later)[0]
check("07.challenge", solved)
""",
    ),
}
