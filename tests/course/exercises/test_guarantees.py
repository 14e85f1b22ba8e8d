"""The answers to the exercises of notebook 07."""

import json

import pandas as pd

from empkit import Employee, Guarantees
from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import CRASH, late, missed, struck

PROMISES = {
    "acks=0": "at most once",
    "commit before the store": "at most once",
    "retries": "at least once",
    "retries and a primary key": "effectively once",
}
LATE = ("lost-acks:count=1,ms=4000", "broker", 50, 50)


def mend(letter):
    return json.dumps({"last_name": "unknown", **json.loads(letter.value)}).encode()


def adds_a_field(letter):
    record = json.loads(letter.value)
    record["last_name"] = "unknown"
    return bytearray(json.dumps(record, indent=2), "utf-8")


def as_text(letter):
    return letter.value.replace(b"{", b'{"last_name": "unknown",', 1)


def by_model(letter):
    record = Employee.model_validate({**json.loads(letter.value), "last_name": "unknown"})
    return record.model_dump_json().encode()


def renamed(letter):
    return mend(letter).replace(b'"first_name"', b'"last_name"')


def named(letter, name):
    return json.dumps({**json.loads(letter.value), "last_name": name}).encode()


def all_as_text(letter):
    record = json.loads(mend(letter))
    return record, map(str, record.values())


def kept(letter, *names):
    return json.dumps({n: v for n, v in json.loads(mend(letter)).items() if n in names}).encode()


def held(*faults, appended=240, ms=4_000, **changes):
    """A run in which an ack was late, and by how many records the log grew."""
    runs = late(struck("kafka", *(faults or (LATE,)), **changes), ms, share=0.01)
    runs.runs[0].appended = appended
    return runs


SENSOR, PAYMENT = Guarantees(acks="0"), Guarantees(acks="all")

RIGHT = {
    "07.1": [PROMISES, pd.Series(PROMISES), dict(reversed(PROMISES.items()))],
    "07.2": [
        mend, adds_a_field, as_text, by_model,
        lambda letter: memoryview(mend(letter)),
        lambda letter: letter.value[:-1] + b', "last_name": "unknown"}',
    ],
    "07.3": [
        {"sensor": SENSOR, "payment": PAYMENT}, {"payment": Guarantees(), "sensor": SENSOR},
        {"sensor": Guarantees(acks="0", retries=0), "payment": Guarantees(deadline_s=600)},
        {"sensor": SENSOR, "payment": Guarantees(profile="throughput", retries=50)},
    ],
    "07.challenge": [
        held(), [held()], held(("lost-acks:count=3,ms=4000", "broker", 50, 50, 3), ms=12_000),
        held(count=300, appended=300),
    ],
}  # fmt: skip

WRONG = {
    "07.1": [
        ({}, "with the keys 'acks=0'"),
        (list(PROMISES.values()), "with the keys"),
        ({**PROMISES, "acks=0": "always"}, "'always' is not a choice here"),
        ({**PROMISES, "acks=0": "at least once"}, "3 of 4 are right. With acks=0"),
        ({**PROMISES, "commit before the store": "at least once"}, "who reads it again?"),
        ({**PROMISES, "retries": "effectively once"}, "how many copies are there?"),
        ({**PROMISES, "retries and a primary key": "at least once"}, "the second copy?"),
        ({**PROMISES, "retries": "exactly once"}, "'exactly once' is not a choice here"),
        (dict.fromkeys(PROMISES, "at most once"), "2 of 4"),
    ],
    "07.2": [
        (lambda letter: letter.value, "It is still refused"),
        (lambda letter: json.loads(letter.value), "travels as bytes; this is a dict"),
        (lambda letter: mend(letter).decode(), "travels as bytes; this is a str"),
        (renamed, "It is still refused"),
        (lambda letter: named(letter, "Unknown"), "written exactly like this"),
        (lambda letter: named(letter, json.loads(letter.value)["first_name"]), "nobody sees"),
        (lambda letter: named(letter, ""), "It is still refused"),
        (lambda letter: b'{"last_name": "unknown"}', "It is still refused"),
        (
            lambda letter: kept(letter, "employee_id", "first_name", "last_name"),
            "no longer in it",
        ),
        (lambda letter: kept(letter, *Employee.model_fields), "that the kit does not know"),
        (
            lambda letter: json.dumps(dict(zip(*all_as_text(letter), strict=True))).encode(),
            "has become text",
        ),
        (
            lambda letter: mend(letter).replace(b'"E', b'"X'),
            """it says b'{"last_name": "unknown",""",
        ),
        (lambda letter: letter["value"], "raised TypeError"),
        (lambda letter: base64.b64encode(letter.value), "Is `import base64` missing"),  # noqa: F821
        (lambda letter: print(mend(letter)), "is `return` missing"),
        (mend(type("Letter", (), {"value": b"{}"})), "without calling it"),
    ],
    "07.3": [
        ({}, "Give {'sensor'"),
        ([SENSOR, PAYMENT], "Give {'sensor'"),
        ({"sensor": "0", "payment": "all"}, "must be Guarantees"),
        ({"sensor": Guarantees(acks="1"), "payment": PAYMENT}, "still waits"),
        ({"sensor": PAYMENT, "payment": SENSOR}, "still waits"),
        ({"sensor": Guarantees(), "payment": PAYMENT}, "still waits"),
        ({"sensor": SENSOR, "payment": Guarantees(acks="1")}, "can still be lost"),
        ({"sensor": SENSOR, "payment": Guarantees(commit="before_store")}, "can still be lost"),
        ({"sensor": SENSOR, "payment": Guarantees(retries=0)}, "gives up early"),
        ({"sensor": SENSOR, "payment": Guarantees(deadline_s=1)}, "gives up early"),
    ],
    "07.challenge": [
        (held(ms=0), "no ack was late: the latest came after 0.00"),
        (held(("lost-acks:count=3,ms=900", "broker", 50, 50), ms=1_800), "came after 1.8 s"),
        (held(("lost-acks:count=1,ms=1", "broker", 50, 50), ms=1), "no ack was late"),
        (held(appended=243), "3 more than were sent"),
        (held(appended=365), "125 more than were sent"),
        (struck("http", LATE), "over Kafka alone"),
        (held(count=200, appended=200), "these are 200"),
        (held(CRASH), "the broker held no ack back"),
        (missed(held()), "the broker held no ack back"),
        (held((*LATE, 0)), "the broker held no ack back"),
        (held(verdict={3: "unconfirmed"}), "Not every record is acked and stored"),
        (held().runs[0], "this is a RunInfo"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
