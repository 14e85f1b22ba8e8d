"""The answers to the exercises of notebook 10."""

from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import CRASH, MOVE, OWN, interrupted, missed, struck
from tests.made_up_runs import made_up, together

BUDGET = "retries=29 deadline_s=60"


def pair(*faults, **changes):
    """The kit's protocol and the reader's own through faults."""
    return together(*(struck(protocol, *faults, **changes) for protocol in ("http", OWN)))


def compared(**changes):
    return together(made_up("http"), made_up(OWN, **changes))


def given(source, **changes):
    runs = made_up("http", **changes)
    runs.runs[0].workload |= {"source": source}
    return runs


RIGHT = {
    "10.1": [
        compared(), [compared()], together(made_up("kafka"), compared(verdict={3: "unconfirmed"})),
        compared(count=60),
    ],
    "10.2": [
        given("file people.csv"), [given("file people.csv")],
        together(given("file people.csv"), given("file more.jsonl", number=2)),
    ],
    "10.challenge": [
        pair(CRASH, choice=BUDGET), [pair(CRASH, choice="retries=5")],
        pair(CRASH, choice=BUDGET, attempts={3: 7}, count=300),
    ],
}  # fmt: skip

WRONG = {
    "10.1": [
        (made_up("http"), "No protocol in this run is your own"),
        (together(made_up("http"), made_up("kafka")), "No protocol in this run is your own"),
        (made_up(OWN), "nothing to compare"),
        (compared(verdict={3: "lost"}), "A promise was broken. "),
        (compared(verdict=dict.fromkeys(range(200), "failed")), "nothing was stored"),
        (compared(count=3), "50 records are wanted; these are 3"),
        (interrupted(compared()), "Not all was measured"),
        (OWN, "Give runs"),
        ([made_up("http"), made_up(OWN)], "These are 2 answers"),
    ],
    "10.2": [
        (given("made up"), "made up by the kit"),
        (together(given("file people.csv"), given("made up")), "made up by the kit"),
        (given("given"), "not from a file"),
        (given("standard input"), "not from a file"),
        (made_up("http"), "not from a file"),
        (given("file people.csv", verdict={3: "refused"}), "199 of 200 are"),
        (given("file people.csv", verdict={3: "lost"}), "A promise was broken"),
        ("people.csv", "Give runs"),
    ],
    "10.challenge": [
        (pair(choice=BUDGET), "The server did not crash in the run over http"),
        (together(struck("http", CRASH), struck(OWN, MOVE)), "in the run over my_client"),
        (missed(pair(CRASH, choice=BUDGET)), "did not crash"),
        (pair(CRASH), "may retry 30 times; at most 29"),
        (pair(CRASH, choice="retries=0", verdict={3: "failed"}), "478 of 480"),
        (pair(CRASH, choice=BUDGET, verdict={3: "lost"}), "A promise was broken"),
        (pair(CRASH, choice=BUDGET, count=200), "240 records are wanted; these are 200"),
        (struck("http", CRASH, choice=BUDGET), "No protocol in this run is your own"),
        (struck(OWN, CRASH, choice=BUDGET), "nothing to compare"),
        (pair(CRASH, choice=BUDGET).verdicts(), "this is a DataFrame"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
