"""The process that carries out runs: its orders, its reports, and what it leaves of each."""

import asyncio
import json

import numpy as np
import pandas as pd
import pytest

from empkit.clients.base import ClientError, Reply
from empkit.experiment import run as module
from empkit.experiment.payloads import line_of
from empkit.experiment.run import Plan, warm_up
from empkit.experiment.workload import Workload
from empkit.processes.child import Processes
from empkit.records.samples import make_up_records
from tests.conftest import count_stored

PACE = {"in_flight": 4, "rate": None, "arrivals": "constant", "warm_up": 3, "seed": 0, "surges": ()}


@pytest.fixture
def processes():
    with Processes() as running:
        yield running


@pytest.fixture
def child(processes):
    """The process, without a run."""
    return processes.start_module("generator", "empkit.experiment.run")


@pytest.fixture
def start(lab, processes, child, fresh_id):
    """Orders a run of so many records against the lab's server, and gives its folder."""

    def run(count, *, name="run", pace=PACE, variables=None, **changes):
        folder = processes.folder / name
        folder.mkdir()
        records = folder / "records.jsonl"
        records.write_bytes(b"".join(map(line_of, make_up_records(count))))
        plan = Plan(
            "http", 1, f"{fresh_id}-{name}", str(records), pace, lab.database_url,
            **{"server_url": lab.server_url, "audit_token": lab.token} | changes,
        )  # fmt: skip
        plan.save(folder)
        assert Plan.load(folder) == Plan(**json.loads((folder / "plan.json").read_text()))
        child.begin({**lab.settings.environ(), **(variables or {})}, run=str(folder))
        return folder

    return run


def reports_of(child):
    """All reports until the run has finished, or the process has closed its standard output."""
    found = []
    while (report := child.report(60)) is not None:
        found.append(report)
        if "finished" in report:
            break
    return found


@pytest.mark.slow
def test_the_reports_of_a_run_come_in_the_documented_order_and_its_results_are_in_its_folder(
    lab, child, start, fresh_id
):
    folder = start(50)
    reports = reports_of(child)
    kinds = [next(iter(report)) for report in reports if next(iter(report)) != "waiting"]
    assert kinds[:2] == ["begins", "started_ns"]
    assert set(kinds[2:-3]) == {"done"}
    assert kinds[-3:] == ["sent_ns", "decided", "finished"]
    last = [report for report in reports if "done" in report][-1]
    assert last == {"done": 50, "offered": 50}
    finished = reports[-1]["finished"]
    assert (finished["offered"], finished["drained"], finished["cut_short"]) == (50, True, False)
    assert finished["broken"] == []
    timings = pd.read_parquet(folder / "timings.parquet")
    assert timings["employee_id"].str.startswith(f"{fresh_id}-run-").all()
    assert (timings["verdict"] == "stored").all()
    attempts = pd.read_parquet(folder / "attempts.parquet")
    assert attempts.columns.tolist() == ["seq", "attempt", "sent_ns", "answered_ns", "answer"]
    assert json.loads((folder / "outside.json").read_text()) == []
    # those of the warm-up are stored, and in no result
    assert count_stored(lab, f"{fresh_id}-run-") == len(timings) == 50
    assert count_stored(lab, f"{fresh_id}-run~") == 1 + PACE["warm_up"]


@pytest.mark.slow
def test_a_run_that_is_told_to_stop_offers_nothing_more_and_judges_all_that_it_offered(
    lab, child, start, fresh_id
):
    folder = start(100_000, pace={**PACE, "in_flight": None, "rate": 200})
    child.expect("started_ns", 60)
    while not child.expect("done", 60)["done"]:
        pass
    child.order(stop=True)
    finished = child.expect("finished", 60)["finished"]
    assert finished["cut_short"] and finished["drained"] and not finished["gave_up"]
    timings = pd.read_parquet(folder / "timings.parquet")
    assert 0 < finished["offered"] == len(timings) < 100_000
    assert (timings["verdict"] == "stored").all()
    assert count_stored(lab, f"{fresh_id}-run-") == len(timings)
    assert np.count_nonzero(np.load(folder / "intended_ns.npy")) == len(timings)


@pytest.mark.slow
def test_a_run_with_faults_is_audited_only_when_they_are_over(child, start):
    folder = start(20, wait_for_faults=True)
    child.expect("sent_ns", 60)
    assert not (folder / "timings.parquet").exists()
    child.order(settled=True)
    assert child.expect("finished", 60)["finished"]["offered"] == 20
    assert (folder / "timings.parquet").exists()


@pytest.mark.slow
def test_a_server_that_cannot_be_reached_is_a_report_and_status_1(child, start):
    folder = start(20, server_url="http://127.0.0.1:9", variables={"EMPKIT_DEADLINE_S": "0.2"})
    (report,) = reports_of(child)
    assert "127.0.0.1:9" in report["failed"]
    assert child.wait(30) == 1
    assert "Traceback" not in child.log.read_text()
    assert not (folder / "timings.parquet").exists()


@pytest.mark.slow
def test_a_run_without_its_owner_ends(child, start):
    """As when the notebook's kernel is killed: nobody is left to report to."""
    start(100_000, pace={**PACE, "in_flight": None, "rate": 200})
    child.expect("started_ns", 60)
    child._process.stdin.close()
    assert child.wait(30) == 1


@pytest.mark.slow
def test_a_load_generator_without_a_run_ends_with_its_owner_too(child):
    child._process.stdin.close()
    assert child.wait(30) == 1


@pytest.mark.slow
def test_a_run_has_the_environment_of_its_order_and_nothing_of_the_run_before(child, start):
    """The client of the first one can log in."""
    start(5, name="first")
    assert "finished" in reports_of(child)[-1]
    start(5, name="second", variables={"EMPKIT_PASSWORD": None})
    assert "EMPKIT_PASSWORD" in reports_of(child)[-1]["failed"]


@pytest.mark.slow
def test_an_order_to_stop_that_comes_before_the_run_can_obey_it_is_not_lost(child, start):
    start(100_000, pace={**PACE, "in_flight": None, "rate": 200})
    child.order(stop=True)
    assert child.expect("finished", 60)["finished"]["cut_short"]


@pytest.mark.slow
def test_an_order_to_stop_that_comes_too_late_does_not_stop_the_next_run(child, start):
    start(5, name="first")
    child.expect("finished", 60)
    child.order(stop=True)
    start(5, name="second")
    finished = child.expect("finished", 60)["finished"]
    assert (finished["offered"], finished["cut_short"]) == (5, False)


class Acking:
    """A client whose records are acked at once, as by a broker, and stored some looks later."""

    def __init__(self, looks):
        self.sent, self.looks = [], looks

    async def send_encoded(self, employee_id, payload):
        self.sent.append(employee_id)
        return Reply("acked", "sent", "", employee_id, 1, 0, 0)

    async def get(self, path, *, prefix, limit):
        assert (self.sent, prefix) == (["run~probe"], "run~probe")  # nothing else is sent yet
        self.looks -= 1
        return {"employees": [] if self.looks else [{}]}


def warmed_up(looks):
    """What was sent before the run, if the probe is stored after so many looks."""
    both = Acking(looks)
    plan = Plan("kafka", 1, "run", "", PACE, None)
    asyncio.run(warm_up(both, both, plan, Workload(records=1, warm_up=3)))
    assert both.looks == 0
    return both.sent


def test_nothing_is_timed_before_a_probe_is_in_the_database():
    """An ack through Kafka says nothing of the consumer behind it."""
    assert warmed_up(looks=4) == ["run~probe", "run~0", "run~1", "run~2"]


def test_a_probe_that_does_not_come_through_ends_the_run_before_it_begins(monkeypatch):
    monkeypatch.setattr(module, "PROBE_TIMEOUT_S", 0.05)
    with pytest.raises(ClientError, match="did not come through to the database"):
        warmed_up(looks=10**6)
