"""The audit of runs that a test makes up: what was sent and what its sender believes, and what is
stored, stamped and dead-lettered, are all chosen here, so that each verdict has its smallest case.
"""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.experiment import audit
from empkit.experiment.columns import OUTCOMES
from empkit.experiment.held import Ids
from empkit.kafka.dead_letters import DeadLetter
from empkit.results.verdicts import VERDICTS
from empkit.settings import Settings
from tests.made_up_evidence import MS, RUN, SETTINGS, MadeUp, record


@pytest.fixture
def run(tmp_path, monkeypatch):
    made_up = MadeUp(tmp_path)

    async def log_ends(settings, topic):
        assert settings.model_dump() == SETTINGS.model_dump() or settings.kafka_transactional
        return made_up.ends[topic]

    async def read_dead_letters(settings, begin):
        assert settings.dead_letter_topic == SETTINGS.dead_letter_topic
        assert begin == {0: 3}  # those of earlier runs are passed over
        return made_up.letters

    monkeypatch.setattr(audit, "log_ends", log_ends)
    monkeypatch.setattr(audit, "read_dead_letters", read_dead_letters)
    return made_up


# ----------------------------------------------------------------------- each verdict by itself


def outcomes_of(run, **options):
    found = run.found(kafka=True, **options)
    assert found.strays == found.twice == found.outside == found.broken() == []
    return found.verdicts


@pytest.mark.parametrize(
    ("outcome", "row", "verdict"),
    [
        ("acked", "same", "stored"),
        ("acked", "other", "corrupt"),
        ("acked", None, "lost"),
        ("refused", "same", "phantom"),
        ("refused", "other", "phantom"),
        ("refused", None, "refused"),
        ("failed", "same", "phantom"),
        ("failed", "other", "phantom"),
        ("failed", None, "failed"),
        ("unknown", "same", "unconfirmed"),
        ("unknown", "other", "corrupt"),
        ("unknown", None, "failed"),
        ("none", "same", "unconfirmed"),  # offered, and the sender killed before it knew
        ("none", None, "failed"),
    ],
)
@pytest.mark.parametrize("in_reach", [True, False])
def test_one_record_has_the_verdict_of_the_designs_table(run, outcome, row, verdict, in_reach):
    run.send("E0")
    run.store("E0")
    run.send("E1", outcome)
    if row:
        run.store("E1", pay=1.0 if row == "same" else 2.0)
    assert outcomes_of(run, in_reach=in_reach) == ["stored", verdict]


@pytest.mark.parametrize("outcome", ["acked", "unknown"])
def test_a_record_in_the_dead_letter_topic_is_dead_lettered_with_its_reason(run, outcome):
    run.send("E0", outcome)
    run.send("E1", outcome, pay=-1.0)
    run.send(b"no record at all", outcome)
    run.bury("E1", "invalid", pay=-1.0, reason="the salary is below 0")
    run.bury(b"no record at all", "invalid", reason="not JSON")
    found = run.found(kafka=True)
    assert found.verdicts[1:] == ["dead_lettered", "dead_lettered"]
    assert found.reasons == {1: "the salary is below 0", 2: "not JSON"}


def test_a_record_that_was_called_invalid_and_is_good_by_the_schema_is_misjudged(run):
    run.send("E0", "refused", "invalid")
    run.send("E1", "refused", "invalid", pay=-1.0)
    run.send("E2", "refused", "duplicate")
    run.send("E3")
    run.send("E4", pay=-1.0)
    run.send("E5")
    run.send("E6", "failed", "invalid")
    run.bury("E3", "invalid")
    run.bury("E4", "invalid", pay=-1.0)
    run.bury("E5", "duplicate")
    assert outcomes_of(run) == [
        "misjudged", "refused", "refused", "misjudged", "dead_lettered", "dead_lettered", "failed",
    ]  # fmt: skip


def test_of_two_dead_letters_with_the_same_bytes_the_one_that_says_invalid_counts(run):
    run.send("E0")
    run.bury("E0", "duplicate", reason="taken")
    run.bury("E0", "invalid", reason="wrong")
    run.bury("E0", "too_large", reason="long")
    found = run.found(kafka=True)
    assert found.verdicts == ["misjudged"]
    assert found.reasons == {0: "wrong"}


def test_a_dead_letter_without_a_value_is_that_of_an_empty_record(run):
    run.send(b"")
    run.send("E1")
    run.store("E1")
    run.letters.append(DeadLetter("employees", 0, 0, "empty", None, None, "invalid"))
    found = run.found(kafka=True)
    assert (found.verdicts, found.reasons) == (["dead_lettered", "stored"], {0: "empty"})


def test_a_record_that_was_never_offered_has_no_verdict_and_its_row_is_a_stray(run):
    run.send("E0")
    run.send("E1", offered=False)
    run.send("E2", offered=False)
    run.store("E0")
    run.store("E2")
    run.store("E9")
    found = run.found()
    assert found.verdicts == ["stored", None, None]
    assert found.strays == ["run001-E2", "run001-E9"]
    assert found.broken() == ["2 stored and never sent: run001-E2, run001-E9"]


# ------------------------------------------------------------------ records that share an id


def test_the_repetition_of_a_stored_record_is_no_phantom(run):
    for name in ("E0", "E1"):
        run.send(name)
        run.send(name, "refused", "duplicate")
        run.store(name)
    assert outcomes_of(run) == ["stored", "refused"] * 2


def test_a_row_with_the_content_of_another_record_counts_against_that_one_alone(run):
    run.send("E0", "acked", pay=1.0)
    run.send("E0", "refused", "duplicate", pay=2.0)
    for name in ("E1", "E2"):
        run.send(name, "acked", pay=1.0)
        run.send(name, "refused", "duplicate", pay=2.0)
        run.store(name, pay=2.0)
    run.store("E0", pay=1.0)
    assert outcomes_of(run) == ["stored", "refused", "lost", "phantom", "lost", "phantom"]


def test_content_that_nobody_sent_counts_against_the_record_that_was_acked(run):
    run.send("E0", "acked", pay=1.0)
    run.send("E0", "failed", pay=2.0)
    run.send("E1", "acked", pay=1.0)  # dead-lettered: the row cannot be its
    run.bury("E1", pay=1.0)
    run.send("E1", "refused", pay=2.0)
    run.store("E0", pay=3.0)
    run.store("E1", pay=3.0)
    assert outcomes_of(run) == ["corrupt", "failed", "corrupt", "phantom"]


def test_a_record_that_was_never_offered_excuses_none_of_its_id(run):
    run.send("E0", "refused", "duplicate", pay=1.0)
    run.send("E0", "acked", pay=1.0, offered=False)
    run.send("E1", "refused", "duplicate", pay=1.0)
    run.send("E1", "acked", pay=2.0, offered=False)
    run.store("E0", pay=1.0)
    run.store("E1", pay=2.0)
    assert outcomes_of(run) == ["phantom", None, "phantom", None]


# --------------------------------------------------------------------------- properties


members = st.tuples(
    st.sampled_from(["E1", "E2", "E3", None]),
    st.sampled_from(OUTCOMES),
    st.sampled_from([1.0, 2.0]),
    st.booleans(),  # a dead letter
    st.booleans(),  # offered
)
rows = st.dictionaries(st.sampled_from(["E1", "E2", "E3"]), st.sampled_from([1.0, 2.0, 3.0]))


def judged(sent, stored):
    """The verdicts on records, each an id, an outcome, a pay, whether it is a dead letter and
    whether it was offered; and what is stored, a pay by id."""
    records = [
        (name, b"\xff" if name is None else json.dumps(record(name, pay)).encode())
        for name, _, pay, _, _ in sent
    ]
    columns = SimpleNamespace(
        outcome=np.array([OUTCOMES.index(outcome) for _, outcome, *_ in sent], int),
        result=np.zeros(len(sent), int),
        offered=np.array([offered for *_, offered in sent], bool),
    )
    held = [
        "nothing" if name not in stored or not offered
        else "same" if stored[name] == pay else "other"
        for name, _, pay, _, offered in sent
    ]  # fmt: skip
    letters = [
        DeadLetter("t", 0, 0, "why", None, payload)
        for (_, payload), (*_, dead, _) in zip(records, sent, strict=True) if dead
    ]  # fmt: skip
    return audit.judge_all(records, Ids(records), columns, held, letters)[0]


@given(st.lists(members, max_size=9), rows)
def test_each_offered_record_has_exactly_one_verdict(sent, stored):
    verdicts = judged(sent, stored)
    assert [verdict is not None for verdict in verdicts] == [offered for *_, offered in sent]
    assert set(verdicts) - {None} <= set(VERDICTS)


@given(st.lists(members, max_size=7), rows, st.randoms(use_true_random=False))
def test_the_order_of_the_records_changes_no_verdict(sent, stored, random):
    places = list(range(len(sent)))
    random.shuffle(places)
    again = judged([sent[place] for place in places], stored)
    before = judged(sent, stored)
    assert again == [before[place] for place in places]


@given(st.lists(members, max_size=7), rows)
def test_a_verdict_depends_only_on_the_records_of_its_id(sent, stored):
    for name in ("E1", "E2", "E3"):
        alone = judged([member for member in sent if member[0] == name], stored)
        beside = [
            verdict for verdict, member in zip(judged(sent, stored), sent, strict=True)
            if member[0] == name
        ]  # fmt: skip
        assert alone == beside


@given(st.lists(members, min_size=1, max_size=7), rows)
def test_no_record_is_excused_for_a_row_that_nobody_could_have_stored(sent, stored):
    """A row whose content no record was to store is charged to a record of its id."""
    verdicts = judged(sent, stored)
    for name, pay in stored.items():
        of_id = [member for member in sent if member[0] == name and member[4]]
        senders = [m for m in of_id if m[2] == pay and m[1] not in ("refused", "failed")]
        if of_id and not senders:
            broken = {v for v, member in zip(verdicts, sent, strict=True) if member[0] == name}
            assert broken & {"corrupt", "phantom", "lost"}, (sent, stored, verdicts)


# ------------------------------------------------------------------ stamps and other evidence


def test_each_record_gets_the_stamps_of_the_server_and_only_those_of_this_run(run):
    run.before = [("run001-E0", 7, 8)]
    run.send("E0")
    run.send("E1", "unknown")
    run.send("E2", "refused")
    run.store("E0", stamps=[(11, 13)])
    run.stamped.append(("run001-E9", 20, 21))  # of no record
    run.store("E1", stamps=[(12, 15)])
    found = run.found()
    assert found.received_ns.tolist() == [11 * MS, 12 * MS, 0]
    assert found.stored_ns.tolist() == [13 * MS, 15 * MS, 0]
    assert found.received_ns.dtype == found.stored_ns.dtype == np.int64
    assert (found.twice, found.disorder, found.notes, found.one_clock) == ([], [], [], True)


def test_of_records_with_the_same_content_one_has_the_stamps(run):
    run.send("E0", "refused", pay=2.0)
    run.send("E0")
    run.send("E0")
    run.store("E0")
    found = run.found()
    assert found.stored_ns.tolist() == [0, 13 * MS, 0]
    assert (found.notes, found.twice) == ([], [])


def test_a_record_that_is_stored_twice_is_named_each_time(run):
    for number in range(12):
        run.send(f"E{number}")
        run.store(f"E{number}", stamps=[(11, 13), (12, 13)])
    run.send("E12", "refused")
    run.store("E13", stamps=())
    run.stamped += [("run001-E12", 12, 13)]
    found = run.found()
    assert found.twice == [f"run001-E{number}" for number in range(12)]
    assert found.broken()[0] == "12 stored more than once: " + ", ".join(
        f"run001-E{number}" for number in range(10)
    )


def test_stamps_in_the_wrong_order_are_named_with_their_records_and_the_largest_difference(run):
    for number in range(12):
        run.send(f"E{number}", ms=(10, 14 - number))
        run.store(f"E{number}")
    run.send(b"", ms=(10, 14))
    found = run.found()
    violation, names = found.disorder[-1]
    assert violation.seqs == list(range(2, 12))
    assert found.broken() == [
        "7 acked before they were sent (by up to 7.000 ms), by their stamps: "
        "run001-E5, run001-E6, run001-E7, run001-E8, run001-E9, run001-E10, run001-E11",
        "10 acked before they were stored (by up to 10.000 ms), by their stamps: " + names,
    ]
    assert names == ", ".join(f"run001-E{number}" for number in range(2, 12))


def test_more_than_ten_records_in_the_wrong_order_end_in_dots(run):
    for number in range(13):
        run.send(f"E{number}", ms=(9_012, 9_020))
        run.store(f"E{number}", stamps=[(11, 9_015)])
    found = run.found()
    ((_, names),) = found.disorder
    assert "(by up to 9001.000 ms)" in found.broken()[0]
    assert names == ", ".join(f"run001-E{number}" for number in range(10)) + " ..."


def test_an_ack_promises_the_store_but_neither_over_kafka_nor_when_it_is_none(run):
    run.send("E0", "acked", ms=(10, 12))
    run.send("E1", "unknown", ms=(10, 12))
    run.send("E2", "refused", ms=(10, 12))
    for name in ("E0", "E1", "E2"):
        run.store(name)
    assert [names for _, names in run.found().disorder] == ["run001-E0"]
    assert run.found(kafka=True).disorder == []


def test_stamps_of_another_clock_are_left_out_and_nothing_is_said_of_their_order(run):
    run.clock = "another"
    run.send("E0", ms=(10, 12))
    run.store("E0", stamps=[(11, 13), (11, 13)])
    found = run.found()
    assert not found.one_clock
    assert found.received_ns.tolist() == found.stored_ns.tolist() == [0]
    assert (found.verdicts, found.disorder, found.notes) == (["stored"], [], [])
    assert found.twice == ["run001-E0"]


def test_stored_records_without_stamps_are_counted_and_named(run):
    for number in range(12):
        run.send(f"E{number}")
        run.store(f"E{number}", stamps=())
    run.send("E12")
    run.store("E12")
    run.send("E13", "refused")
    names = ", ".join(f"run001-E{number}" for number in range(10))
    assert run.found().notes == [
        "12 stored records have no stamps of the server, as when it ends between a commit and its "
        f"stamp: {names} ..."
    ]


def test_records_of_the_same_content_without_stamps_are_counted_unless_one_of_them_has_some(run):
    run.send("E0")
    run.send("E0")
    run.send("E0", pay=2.0)
    run.store("E0", stamps=())
    (note,) = run.found().notes
    assert note.startswith("2 stored records have no stamps")
    assert note.endswith("stamp: run001-E0, run001-E0")


def test_where_the_server_dropped_stamps_none_are_used_and_the_verdicts_stand(run):
    run.dropped = True
    run.send("E0")
    run.send("E1")
    run.store("E0", stamps=())
    run.store("E1", stamps=[(11, 13), (12, 14)])
    found = run.found()
    assert found.verdicts == ["stored", "stored"]
    assert found.received_ns.tolist() == found.stored_ns.tolist() == [0, 0]
    assert found.twice == ["run001-E1"]
    (note,) = found.notes
    assert note.startswith("The server no longer has all stamps of this run")


def test_a_database_out_of_reach_is_read_through_the_server_to_its_last_page_and_says_so(run):
    for number in range(5):
        run.send(f"E{number}")
        run.store(f"E{number}", pay=2.0 if number == 4 else 1.0)
    found = run.found(in_reach=False)
    assert found.verdicts == ["stored"] * 4 + ["corrupt"]
    assert found.notes == [
        "The database is out of reach: the stored records are those that the server returns."
    ]


def test_a_server_without_records_of_the_run_is_read_once(run):
    run.send("E0")
    assert run.found(in_reach=False).verdicts == ["lost"]


# ------------------------------------------------------------------- what was there before


def marked(run, **scope):
    return asyncio.run(
        audit.mark(run.server, SETTINGS, audit.Scope(RUN, run.url, **scope))
    )  # fmt: skip


def test_the_positions_before_a_run_are_those_of_stamps_dead_letters_and_log(run):
    run.insert()
    assert marked(run, kafka=False) == (1, {}, {}, None)
    assert marked(run, kafka=True) == (1, {0: 3}, {0: 5, 1: 7}, None)


def test_rows_of_no_run_that_came_since_are_named_and_those_from_before_are_not(run):
    run.send("E0")
    run.store("E0")
    run.store("probe", run=f"{RUN}~")
    run.store("0", run=f"{RUN}~")
    run.store("1", run=f"{RUN}~")
    run.store("E7", run="run000-")
    run.store("zebra", run="")
    run.store("Ant", run="")
    run.store("old", run="")
    scope = {"run_ids": ["run000", RUN], "warm_up": 1}
    run.insert()
    assert marked(run, kafka=False, **scope).outside == ["Ant", "old", "run001~1", "zebra"]
    run_found = run.found(marks=audit.Marks(1, {}, {}, ["old"]), **scope)
    assert run_found.outside == ["Ant", "run001~1", "zebra"]
    assert run_found.verdicts == ["stored"]
    assert run.found(marks=audit.Marks(1, {}, {}, None), **scope).outside == []


def test_rows_of_no_run_are_no_error_where_the_database_is_not_the_labs_own(run):
    run.store("zebra", run="")
    run.insert()
    assert audit.Scope(RUN, run.url, False).outside() is None
    assert audit.Scope(RUN, None, False, run_ids=[RUN]).outside() is None
    assert audit.Scope(RUN, run.url, False, run_ids=[RUN]).outside() == ["zebra"]


def test_a_database_that_cannot_be_read_says_nothing_of_rows_of_no_run(run, tmp_path):
    scope = audit.Scope(RUN, f"sqlite:///{tmp_path / 'no' / 'folder.db'}", False, run_ids=[RUN])
    assert scope.outside() is None


def test_the_growth_of_the_log_is_counted_over_its_partitions_unless_it_has_control_records(run):
    run.send("E0")
    run.store("E0")
    assert run.found(kafka=False).appended is None
    assert run.found(kafka=True).appended == (5 + 7) - (4 + 6)
    transactional = Settings(kafka_transactional=True)
    assert run.found(kafka=True, settings=transactional).appended is None


def test_what_the_consumers_read_again_is_counted_and_is_neither_stored_twice_nor_a_stamp(run):
    for name in ("E0", "E1"):
        run.send(name)
    run.store("E0", stamps=((11, 13), (15, 0), (16, 0)))
    run.store("E1", stamps=((12, 0), (14, 16)))  # noted by another process, before
    run.store("E9", stamps=((12, 0),), run="warm-up-")
    found = run.found(kafka=True)
    assert (found.read_again, found.twice, found.broken()) == (3, [], [])
    assert [stored // MS for stored in found.stored_ns] == [13, 16]
    assert run.found(kafka=False).read_again is None
    run.dropped = True
    assert run.found(kafka=True).read_again is None


def test_dead_letters_are_only_read_where_records_went_through_kafka(run):
    run.send("E0")
    run.bury("E0")
    assert run.found(kafka=False).verdicts == ["lost"]
