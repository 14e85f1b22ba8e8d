"""The solutions of notebook 02."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "02.1": Solution(
        hints=(
            "Which of these codes say something about the client, and which about the server or "
            "the way to it?",
            "A server that goes away or restarts comes back, and so does a network.",
            "Look at what the server did with the wrong token under Authentication: it closed with "
            "a code, and that code is the answer.",
        ),
        code="""\
check("02.1", {1008})
""",
    ),
    "02.2": Solution(
        hints=(
            "This message was sent once in the notebook already.",
            "See the second call of knock under Authentication: its first_message is a dictionary "
            'with "type" and "token".',
            "A message travels as text, so the dictionary becomes JSON. Let json.dumps write it: a "
            "token with a quotation mark in it breaks a text that is put together by hand.",
        ),
        code="""\
def first_message(token):
    return json.dumps({"type": "auth", "token": token})


check("02.2", first_message)
""",
    ),
    "02.3": Solution(
        hints=(
            "How many were answered does not tell which ones were.",
            "Each answer says which record it is for: by its employee_id.",
            "Collect the employee_id of all answers in a set; then go through sent in its order "
            "and keep the ids that are not in the set.",
        ),
        code="""\
def unanswered(sent, answers):
    known = {answer["employee_id"] for answer in answers}
    return [name for name in sent if name not in known]


check("02.3", unanswered)
""",
    ),
    "02.challenge": Solution(
        hints=(
            "What did the client do in the run above, where nothing was lost, that it does not do "
            "here?",
            "The first try gives a record up after one attempt. The faults may stay as they are.",
            "Guarantees(retries=...) is how often a record is sent again. Each of the two periods "
            "can cost a record several attempts, so one retry is too few.",
        ),
        code="""\
solved = lab.cross(["websocket"], steady, [Guarantees(retries=8)], faults=twice)[0]
check("02.challenge", solved)
""",
    ),
}
