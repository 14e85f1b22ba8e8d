"""The verdict on a record: the design's table, and what follows from it."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.experiment.audit import judge_all
from empkit.experiment.columns import OUTCOMES as CODES
from empkit.experiment.columns import RESULTS
from empkit.kafka.dead_letters import DeadLetter
from empkit.results.verdicts import (
    BROKEN_PROMISES,
    KINDS,
    PROMISES,
    VERDICTS,
    by_name,
    judge,
    named,
)

OUTCOMES = ("acked", "refused", "failed", "unknown")
HELD = ("nothing", "same", "other")
README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("outcome", "held", "dead_lettered", "verdict"),
    [
        ("acked", "same", False, "stored"),
        ("acked", "nothing", False, "lost"),
        ("acked", "other", False, "corrupt"),
        ("acked", "nothing", True, "dead_lettered"),
        ("acked", "other", True, "corrupt"),
        ("refused", "nothing", False, "refused"),
        ("refused", "other", False, "phantom"),
        ("refused", "same", False, "phantom"),
        ("failed", "nothing", False, "failed"),
        ("failed", "same", False, "phantom"),
        ("failed", "other", False, "phantom"),
        ("unknown", "nothing", False, "failed"),
        ("unknown", "same", False, "unconfirmed"),
        ("unknown", "other", False, "corrupt"),
        ("unknown", "nothing", True, "dead_lettered"),
    ],
)
def test_what_the_client_believes_and_the_database_holds_decide_the_verdict(
    outcome, held, dead_lettered, verdict
):
    assert judge(outcome, held, dead_lettered=dead_lettered) == verdict
    if not dead_lettered:
        assert judge(outcome, held) == verdict


@given(st.sampled_from(OUTCOMES), st.sampled_from(HELD), *[st.booleans()] * 5)
def test_every_combination_has_one_verdict(outcome, held, dead, twin, explained, charged, wrong):
    verdict = judge(
        outcome, held, dead_lettered=dead, twin=twin, explained=explained, charged=charged,
        misjudged=wrong,
    )  # fmt: skip
    assert verdict in VERDICTS
    if wrong:
        assert verdict not in ("refused", "dead_lettered")
    if verdict in ("corrupt", "phantom"):
        assert held != "nothing"
    if outcome == "acked" and held == "other" and not dead:
        assert verdict in ("corrupt", "lost")


def test_a_refused_record_is_no_phantom_where_another_of_the_same_content_is_stored():
    assert judge("refused", "same", twin=True) == "refused"
    assert judge("failed", "same", twin=True) == "failed"


def test_a_good_record_that_was_called_invalid_is_misjudged_unless_it_is_stored():
    assert judge("refused", "nothing", misjudged=True) == "misjudged"
    assert judge("acked", "nothing", dead_lettered=True, misjudged=True) == "misjudged"
    assert judge("refused", "other", misjudged=True) == "phantom"


def test_an_outcome_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="'lost' is not an outcome"):
        judge("lost", "same")


class SharedId:
    """Records of one id."""

    def __init__(self, count):
        self._count = count

    def repeated(self):
        return iter([list(range(self._count))])


def judged(members, held_row):
    """Verdicts of records with one id; a member is its outcome, its content and whether it is a
    dead letter, and the row has the content `held_row` or there is none."""
    records = [("E1", bytes([65 + seq, content])) for seq, (_, content, _) in enumerate(members)]
    columns = SimpleNamespace(
        outcome=np.array([CODES.index(outcome) for outcome, _, _ in members]),
        result=np.zeros(len(members), int),
        offered=np.ones(len(members), bool),
    )
    held = [
        "nothing" if held_row is None else "same" if content == held_row else "other"
        for _, content, _ in members
    ]
    letters = [
        DeadLetter("t", 0, 0, "no", None, payload)
        for (_, payload), (_, _, dead) in zip(records, members, strict=True)
        if dead
    ]
    return judge_all(records, SharedId(len(members)), columns, held, letters)[0]


MEMBERS = [
    (o, c, d)
    for o in OUTCOMES
    for c in (0, 1)
    for d in ((False, True) if o in ("acked", "unknown") else (False,))
]


@pytest.mark.parametrize("count", [2, 3])
def test_every_row_is_explained_or_charged_to_some_record_of_its_id(count):
    for members in itertools.combinations_with_replacement(MEMBERS, count):
        for row in (None, 0, 1, 2):
            verdicts = judged(members, row)
            broken = [verdict for verdict in verdicts if verdict in ("corrupt", "phantom")]
            senders = [o for o, content, _ in members if content == row]
            if row is None or set(senders) & {"acked", "unknown"}:
                assert not broken, (members, row, verdicts)
            else:  # no record was to be stored with what the row has: somebody answers for it
                assert broken, (members, row, verdicts)


def test_two_refused_records_do_not_excuse_each_other():
    assert judged([("refused", 0, False), ("refused", 1, False)], 2) == ["phantom", "phantom"]


def test_other_content_is_charged_to_the_one_that_was_acked():
    assert judged([("acked", 0, False), ("refused", 1, False)], 2) == ["corrupt", "refused"]
    assert judged([("acked", 0, False), ("acked", 1, True)], 2) == ["corrupt", "dead_lettered"]
    assert judged([("acked", 0, False), ("refused", 1, False)], 0) == ["stored", "refused"]
    assert judged([("acked", 0, False), ("refused", 1, False)], 1) == ["lost", "phantom"]


def test_only_a_good_record_that_was_told_invalid_is_misjudged():
    good = b'{"employee_id":"E1","first_name":"A","last_name":"B"}'
    cases = [(good, "invalid"), (good, "duplicate"), (good, "too_large"), (b"{}", "invalid")]
    columns = SimpleNamespace(
        outcome=np.full(4, CODES.index("refused")),
        result=np.array([RESULTS.index(result) for _, result in cases]),
        offered=np.ones(4, bool),
    )
    records = [(f"E{seq}", payload) for seq, (payload, _) in enumerate(cases)]
    nothing = ["nothing"] * 4
    nobody = SimpleNamespace(repeated=lambda: iter(()))
    verdicts, _ = judge_all(records, nobody, columns, nothing, [])
    assert verdicts == ["misjudged", "refused", "refused", "refused"]


@pytest.mark.parametrize(
    ("result", "verdict"), [("invalid", "misjudged"), ("duplicate", "dead_lettered"),
                            ("too_large", "dead_lettered"), ("", "dead_lettered")]
)  # fmt: skip
def test_a_good_dead_letter_is_misjudged_only_when_its_header_says_invalid(result, verdict):
    good = b'{"employee_id":"E1","first_name":"A","last_name":"B"}'
    columns = SimpleNamespace(
        outcome=np.array([CODES.index("acked")]), result=np.array([0]), offered=np.ones(1, bool)
    )
    letter = DeadLetter("t", 0, 0, "why", None, good, result)
    nobody = SimpleNamespace(repeated=lambda: iter(()))
    verdicts, reasons = judge_all([("E1", good)], nobody, columns, ["nothing"], [letter])
    assert (verdicts, reasons) == ([verdict], {0: "why"})


def test_records_without_an_id_are_named_by_their_place():
    assert (
        named([("", 12), (None, 0), ("E1", 3)]) == "record 13 of the run, record 1 of the run, E1"
    )
    assert named([(f"E{n}", n) for n in range(10)]).endswith("E8, E9")
    assert named([("E1", 1), ("E2", 2), ("E3", 3)], most=2) == "E1, E2 ..."
    assert named([(f"E{n}", n) for n in range(11)]).endswith("E9 ...")


def test_two_verdicts_of_one_name_are_refused():
    kind = next(iter(KINDS.values()))
    with pytest.raises(TypeError, match="two verdicts of the name 'stored'"):
        by_name(kind, kind)
    assert by_name(*KINDS.values()) == dict(KINDS)
    assert list(by_name(*reversed(KINDS.values()))) == list(reversed(KINDS))


def test_the_promises_are_those_of_the_verdicts_that_break_one():
    assert len(PROMISES) == len(dict(PROMISES)) == 4
    assert PROMISES["lost"] == "acked means stored"
    with pytest.raises(KeyError, match="stored"):
        PROMISES["stored"]


def test_each_verdict_has_a_colour_a_marker_and_a_row_in_the_readme():
    assert len({kind.colour for kind in KINDS.values()}) == len(KINDS)
    assert len({kind.marker for kind in KINDS.values()}) == len(KINDS)
    table = README.read_text().partition("## How to read the verdicts")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    rows = {row[1].strip(" `"): row[4].strip() for row in rows[: len(KINDS)]}
    assert list(rows) == list(VERDICTS)
    assert [name for name, word in rows.items() if word == "a broken promise"] == list(PROMISES)
    assert list(BROKEN_PROMISES) == [name for name, kind in KINDS.items() if kind.promise]
