"""What is concluded from runs, in words: the sentences, word by word, since they are all that most
readers see."""

import pytest

from empkit.results.conclusion import allowed_losses, closing, headline, where
from empkit.results.status import ExitStatus
from tests.made_up_runs import made_up, together

PROMISED = {
    "lost": "acked means stored",
    "misjudged": "a good record is not called invalid",
    "corrupt": "what is stored is what was sent",
    "phantom": "refused or failed means not stored",
}


@pytest.mark.parametrize("verdict", PROMISED)
def test_each_broken_promise_is_said_with_its_run_its_count_and_its_records(verdict):
    runs = together(
        made_up("http", 5), made_up("kafka", 20, number=2, verdict=dict.fromkeys(range(4), verdict))
    )
    runs.runs[1].guarantees = "acks=1"
    assert runs.broken == [
        f"kafka, round 2 (acks=1): '{PROMISED[verdict]}' is broken: 4 {verdict}: "
        "run-E0, run-E1, run-E2, run-E3"
    ]
    assert where(runs.runs[0]) == "http, round 1"
    assert runs.findings == []


@pytest.mark.parametrize("verdict", ["stored", "refused", "dead_lettered", "failed", "unconfirmed"])
def test_a_verdict_that_breaks_no_promise_is_no_sentence(verdict):
    runs = made_up("kafka", 5, verdict={1: verdict})
    assert (runs.broken, runs.findings, runs.status) == ([], [], ExitStatus.OK)


def test_a_record_without_verdict_is_offered_and_not_judged():
    runs = made_up(count=5, verdict={1: "", 2: "no such verdict"})
    assert runs.broken == ["http, round 1: 5 were offered, and 3 judged"]


@pytest.mark.parametrize("verdict", ["misjudged", "corrupt", "phantom"])
def test_only_loss_is_allowed_by_guarantees(verdict):
    runs = made_up("kafka", 5, verdict={1: verdict, 2: "lost"})
    runs.runs[0].loss_allowed = "acks=0"
    assert [PROMISED[verdict] in sentence for sentence in runs.broken] == [True]
    assert runs.findings == ["kafka, round 1: 1 lost: run-E2; allowed by acks=0"]


def test_allowed_losses_are_counted_over_the_runs_that_allow_them():
    runs = together(
        *(made_up("kafka", 9, n, verdict=dict.fromkeys(range(n), "lost")) for n in (1, 2, 3))
    )
    assert allowed_losses(runs) == 0
    runs.runs[0].loss_allowed = runs.runs[2].loss_allowed = "acks=0"
    assert allowed_losses(runs) == 4


def test_rounds_that_are_not_valid_are_marked_and_each_reason_is_said():
    runs = together(*(made_up("http", 5, number) for number in (1, 2, 3)), made_up("kafka", 5))
    assert (runs.mark("http"), runs.not_valid) == ("", [])
    runs.runs[1].valid = False
    assert runs.not_valid == ["http, round 2: its notes say why"]
    assert (runs.mark("http"), runs.mark("kafka")) == ("1 of 3 rounds not valid", "")
    assert runs.label("http") == "HTTP (1 of 3 rounds not valid)"
    runs.runs[2].valid = runs.runs[0].valid = False
    runs.runs[2].not_valid = {"machine": "others took a third", "generator": "it was late"}
    assert runs.not_valid[1:] == [
        "http, round 2: its notes say why", "http, round 3: others took a third",
        "http, round 3: it was late",
    ]  # fmt: skip
    assert (runs.mark("http"), runs.label("kafka")) == ("not valid", "Kafka")


def test_a_run_whose_end_is_missing_says_what_it_lacks():
    runs = made_up(count=1_200)
    info = runs.runs[0]
    info.cut_short = True
    assert runs.unmeasured == ["http, round 1: ended after 1,200 records"]
    info.workload, info.drained = {"records": 5_000}, False
    undecided = "the server had not decided on every record when the audit was made"
    assert runs.unmeasured == [
        "http, round 1: ended after 1,200 of 5,000 records", f"http, round 1: {undecided}",
    ]  # fmt: skip
    info.gave_up = True
    assert runs.unmeasured[0] == (
        "http, round 1: gave up after 1,200 of 5,000 records, since no record was answered"
    )


def test_what_could_not_go_on_is_said_after_all_runs_that_are_missing():
    runs = made_up()
    runs.asked = [("http", 1), ("kafka", 2), ("kafka", 1), ("websocket", 3)]
    runs.failure = "the disk is full"
    assert runs.unmeasured == [
        "kafka, rounds 1, 2: not run", "websocket, round 3: not run",
        "the comparison could not go on: the disk is full",
    ]  # fmt: skip
    assert runs.status == ExitStatus.NOT_MEASURED


def test_an_interrupt_makes_only_the_last_run_incomplete_where_a_fault_takes_records_away():
    runs = together(
        *(made_up("http", 5, n, faults=[("client-kill", "client", 1, 2)]) for n in (1, 2))
    )
    for info in runs.runs:
        info.cut_short = True
    assert runs.unmeasured == []
    runs.interrupted = "SIGINT"
    assert runs.unmeasured == ["http, round 2: ended after 5 records"]


@pytest.mark.parametrize(("takes_away", "sentences"), [(True, 0), (False, 1), (None, 1)])
def test_a_fault_says_itself_whether_it_takes_records_away(takes_away, sentences):
    runs = made_up("http", 5, faults=[("theirs", "server", 1, 2)])
    runs.runs[0].cut_short, runs.runs[0].faults[0].takes_away = True, takes_away
    assert len(runs.unmeasured) == sentences
    runs.runs[0].faults[0].part = "load"
    assert len(runs.unmeasured) == (1 if takes_away is False else 0)


def broken(count):
    return made_up("http", 5, verdict={0: "lost", 1: "corrupt"} if count == 2 else {0: "lost"})


def cut_short():
    runs = made_up(count=5)
    runs.runs[0].cut_short = True
    return runs


def allowed():
    runs = made_up("kafka", 5, verdict={0: "lost"})
    runs.runs[0].loss_allowed = "acks=0"
    return runs


@pytest.mark.parametrize(
    ("crossed", "head", "last"),
    [
        ([made_up(count=5)], "no promise broken",
         "No promise was broken: nothing lost, misjudged, corrupt or phantom."),
        ([broken(1)], "1 promise broken", "A promise was broken."),
        ([broken(2)], "2 promises broken", "2 promises were broken."),
        ([broken(2), broken(1), made_up(count=5)], "3 promises broken",
         "3 promises were broken."),
        ([made_up(count=5), cut_short()], "no promise broken in what was measured",
         "No promise was broken in what was measured. Not measured: http, round 1: ended after 5 "
         "records."),
        ([cut_short(), broken(1), cut_short()], "1 promise broken in what was measured",
         "A promise was broken in what was measured. Not measured: http, round 1: ended after 5 "
         "records; http, round 1: ended after 5 records."),
        ([allowed(), made_up(count=5)], "no promise broken",
         "No promise was broken. The losses are allowed by the guarantees or a fault."),
        ([allowed(), broken(1)], "1 promise broken", "A promise was broken."),
    ],
)  # fmt: skip
def test_a_title_and_the_last_sentence_say_how_many_promises_were_broken(crossed, head, last):
    assert headline(crossed) == head
    assert closing(crossed) == last
    assert closing(iter(crossed)) == last


def test_what_no_comparison_has_measured_is_in_the_last_sentence_too():
    assert closing([made_up(count=5)], ["the search found no rate", "b"]) == (
        "No promise was broken in what was measured. Not measured: the search found no rate; b."
    )


@pytest.mark.parametrize(
    ("runs", "interrupted", "status"),
    [
        (made_up(count=5), "", ExitStatus.OK), (broken(1), "", ExitStatus.BROKEN_PROMISE),
        (cut_short(), "", ExitStatus.NOT_MEASURED), (broken(1), "SIGTERM", ExitStatus.TERMINATED),
        (made_up(count=5), "SIGINT", ExitStatus.INTERRUPTED), (allowed(), "", ExitStatus.OK),
    ],
)  # fmt: skip
def test_the_status_is_the_first_that_holds(runs, interrupted, status):
    runs.interrupted = interrupted
    assert runs.status is status
