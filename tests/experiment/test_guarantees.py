"""What a run asks of clients and server, and what it is worth when something fails."""

import psutil
import pytest

from empkit import At, Guarantees, Lab, Workload
from empkit.experiment.guarantees import choices
from empkit.faults import DatabaseLock, ServerCrash
from empkit.lab import LabError
from empkit.rig.rig import OF_THE_CONSUMERS
from empkit.settings import InResult, Settings
from tests.faulted import PACE, counts, quiet, run


@pytest.mark.slow
def test_a_topic_that_is_not_ours_is_not_altered(lab):
    with (
        Lab("external", server=lab.server_url, settings=lab.settings) as visitor,
        pytest.raises(LabError, match="cannot change its topic"),
    ):
        run(visitor, "kafka", guarantees=Guarantees(profile="sync"))


@pytest.mark.slow
def test_commit_before_store_loses_what_a_crash_caught_and_after_store_nothing():
    """The lock keeps a batch between its commit and its store until the crash: at most once."""
    with Lab() as lab:
        faults = [At(0.2, DatabaseLock(), until=1.2), At(0.6, ServerCrash(), until=1.1)]
        before, after = lab.cross(
            ["kafka"], PACE,
            [Guarantees(commit="before_store"), Guarantees(commit="after_store")],
            faults=faults, progress=quiet,
        )  # fmt: skip
    assert counts(before).get("lost", 0) > 0
    assert counts(after) == {"offered": 500, "stored": 500}


@pytest.mark.slow
def test_what_one_run_asks_for_does_not_hold_for_the_next():
    with Lab() as lab:
        first, second = (
            lab.run("kafka", Workload(records=20), guarantees=each, progress=quiet)
            for each in (Guarantees(commit="before_store"), Guarantees())
        )
        asked = [runs.environment["settings"]["kafka_commit"] for runs in (first, second)]
        assert asked == ["before_store", "after_store"]
        server = psutil.Process(lab.server.pid)
        assert server.environ().get("EMPKIT_KAFKA_COMMIT", "after_store") == "after_store"


@pytest.mark.slow
def test_without_retries_records_fail_in_a_crash_after_one_attempt(lab):
    runs = run(lab, "http", At(0.4, ServerCrash(), until=0.8), guarantees=Guarantees(retries=0))
    found = counts(runs)
    assert found["failed"] > 50
    assert runs.timings["attempts"].max() == 1


def test_each_choice_that_the_consumer_obeys_starts_the_consumers_again():
    of_consumer = {
        choice.setting
        for choice in choices().values()
        if choice.setting
        for part in Settings.model_fields[choice.setting].metadata
        if isinstance(part, InResult) and part.side in ("server", "both")
    }
    assert of_consumer and of_consumer <= set(OF_THE_CONSUMERS)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"acks": "most"}, "acks is 'most': .*'all'"),
        ({"retries": -1}, "retries is -1: .* greater than or equal to 0"),
        ({"profile": "fast"}, "profile is 'fast'; there are latency"),
    ],
)
def test_a_choice_that_the_settings_do_not_allow_is_refused_at_once(choice, message):
    with pytest.raises(ValueError, match=message):
        Guarantees(**choice)
