"""The lab: what it starts it stops, however it ends."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import psutil
import pytest

from empkit import Lab, Workload, connect
from empkit.lab import LabError
from tests.conftest import wait_until
from tests.signals import OWNER, end_marked, marked, started

CYCLES = int(os.environ.get("EMPKIT_TEST_CYCLES", "5"))


@pytest.fixture
def left(monkeypatch):
    """A function that gives what this test has started and that still runs: what other tests have
    started, or left running, does not count here."""
    mark = secrets.token_hex(16)
    monkeypatch.setenv(OWNER, mark)
    yield lambda: marked(mark)
    end_marked(mark)


def quiet(*_):
    """Progress that shows nothing."""


@pytest.mark.slow
def test_start_and_stop_again_and_again_leaves_nothing_behind(left, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Lab().start().stop()  # what is imported and cached once stays
    files, threads = psutil.Process().num_fds(), threading.active_count()
    for _ in range(CYCLES):
        with Lab():
            pass
        # without a process there is no port either
        assert left() == []
        assert list(tmp_path.iterdir()) == []
        assert psutil.Process().num_fds() == files
        assert threading.active_count() == threads


HOLDER = """
    import os, time
    from empkit import Lab
    lab = Lab().start()
    print(lab.processes.folder, *[child.pid for child in lab.processes.children], flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("ended", ["the holder", "all Pythons"])
def test_a_process_that_is_killed_takes_every_part_and_file_of_its_lab_with_it(ended):
    command = [sys.executable, "-c", textwrap.dedent(HOLDER)]
    with started(command, stdout=subprocess.PIPE, text=True) as holder:
        folder, *pids = holder.stdout.readline().split()
        assert {holder.pid, *map(int, pids)} < {each.pid for each in holder.left()}  # the warden
        # one that is stopped cannot hear that it should end, and must go all the same
        os.kill(int(pids[0]), signal.SIGSTOP)
        if ended == "all Pythons":
            for each in psutil.Process(holder.pid).children():
                each.terminate()
        holder.kill()
        holder.wait()
        assert holder.wait_until_gone() == []
        wait_until(lambda: not Path(folder).exists())


@pytest.mark.slow
def test_a_lab_hands_out_all_addresses():
    with Lab() as lab:
        assert lab.server_url.startswith("http://127.0.0.1:")
        assert lab.ws_url.endswith("/ws")
        assert lab.token.count(".") == 2
        assert lab.bootstrap_servers
        assert lab.database_url.startswith(("sqlite:///", "postgresql+psycopg://"))
        assert lab.topic == "employee-records"
        secrets = lab.settings.password, lab.settings.signing_key
    with Lab() as again:
        assert not {again.settings.password, again.settings.signing_key} & set(secrets)


@pytest.mark.slow
def test_a_lab_in_async_with_takes_a_record_by_hand_over_each_protocol():
    async def main():
        async with Lab() as lab:
            for protocol in lab.protocols:
                async with connect(protocol, lab) as client:
                    record = {"employee_id": protocol, "first_name": "Ada", "last_name": "Byron"}
                    reply = await client.send(record)
                    assert (reply.outcome, reply.attempts) == ("acked", 1), reply
            return lab.run("http", Workload(records=50), progress=quiet)

    runs = asyncio.run(main())
    assert runs.verdicts().loc["http", "stored"] == 50


NESTED = """
    import asyncio, nest_asyncio
    from empkit import Lab, Workload, connect
    nest_asyncio.apply()

    async def cell():
        with Lab() as lab:
            async def send(protocol):
                async with connect(protocol, lab) as client:
                    return await client.send(
                        {"employee_id": protocol, "first_name": "Ada", "last_name": "Byron"})
            replies = [asyncio.run(send(protocol)) for protocol in lab.protocols]
            runs = lab.compare(workload=Workload(records=30), progress=lambda *_: None)
        print([reply.outcome for reply in replies], runs.verdicts()["stored"].tolist())

    asyncio.run(cell())
"""


@pytest.mark.slow
def test_a_lab_works_where_an_event_loop_runs_as_in_a_notebook():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(NESTED)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "['acked', 'acked', 'acked'] [30, 30, 30]"


@pytest.mark.slow
def test_every_record_is_accounted_for_in_rounds_closed_and_open():
    with Lab() as lab:
        for workload, rounds in (
            (Workload(records=400, in_flight=32), 2),
            (Workload(records=400, rate=2_000, arrivals="poisson"), 1),
        ):
            runs = lab.compare(workload=workload, rounds=rounds, progress=quiet)
            assert len(runs.runs) == 3 * rounds
            assert {run.round for run in runs.runs} == set(range(1, rounds + 1))
            verdicts = runs.verdicts()
            assert (verdicts["offered"] == 400 * rounds).all()
            assert (verdicts["stored"] == 400 * rounds).all()
            assert all(run.drained and not run.cut_short for run in runs.runs)
            timings = runs.timings
            assert (timings["sent_ns"] >= timings["intended_ns"]).all()
            assert (timings["received_ns"] >= timings["sent_ns"]).all()
            assert (timings["stored_ns"] >= timings["received_ns"]).all()
            assert (timings["acked_ns"] >= timings["sent_ns"]).all()
            direct = timings[timings["protocol"] != "kafka"]
            assert (direct["acked_ns"] >= direct["stored_ns"]).all()


@pytest.mark.slow
def test_a_lab_without_kafka_says_what_it_has():
    with Lab(broker="none") as lab:
        assert lab.protocols == ["http", "websocket"]
        with pytest.raises(ValueError, match="this lab has http, websocket"):
            lab.run("kafka")
        with pytest.raises(LabError, match="no consumer group"):
            lab.lag()


@pytest.mark.slow
def test_what_cannot_start_says_why_and_leaves_nothing(left, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(LabError, match="oracle"):
        Lab(broker="none", database="oracle://x").start()
    assert left() == []
    assert not list(tmp_path.iterdir())


def test_a_stopped_lab_says_that_it_is_not_running():
    lab = Lab(broker="none")
    with pytest.raises(LabError, match="not running"):
        lab.run("http")
