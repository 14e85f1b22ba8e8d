"""The conduct of a run: how one that dies, hangs or is interrupted ends, and what is left of it."""

import io
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import psutil
import pytest

from empkit import At, Lab, Settings, Workload, load, plots, read_records, sample_records
from empkit.experiment.columns import OUTCOMES
from empkit.experiment.conduct import prepare
from empkit.experiment.payloads import Payloads, line_of
from empkit.faults import ClientKill, Duplicates, Overload
from empkit.lab import LabError
from tests.conftest import wait_until
from tests.parts import need_time_namespace
from tests.signals import started

EMPKIT = [sys.executable, "-m", "empkit.cli"]
LONG = Workload(records=100_000, rate=200, warm_up=0)
SHORT = Workload(records=20, in_flight=4, warm_up=0)


def quiet(*_):
    """Progress that shows nothing."""


def load_generator(pid):
    """The process below that one which offers the records of a run; None when there is none."""
    for child in psutil.Process(pid).children():
        if "empkit.experiment.run" in " ".join(child.cmdline()):
            return child
    return None


def folder_of(lab, info):
    """The folder of a run, while it is there: until the comparison has been read."""
    (folder,) = lab.processes.folder.glob(f"*/run-{info.run_id}")
    return folder


# A run that dies


def kill_when_it_sends(name):
    """Progress that kills the load generator of the run of that name once records are done."""

    def progress(shown, done, _):
        if shown == name and done:
            load_generator(os.getpid()).kill()

    return progress


@pytest.mark.slow
def test_a_load_generator_that_dies_by_itself_is_an_error_that_says_how(lab):
    with pytest.raises(LabError) as caught:
        lab.run("http", LONG, progress=kill_when_it_sends("http 1"))
    assert re.search(
        r"generator-\d+ ended with status -9 before it reported 'finished'", str(caught.value)
    )
    assert lab.run("http", SHORT, progress=quiet).verdicts()["stored"].tolist() == [20]


@pytest.mark.slow
def test_a_run_that_dies_takes_nothing_from_those_before_it(lab):
    pace = Workload(records=300, rate=300, warm_up=0)
    with pytest.raises(LabError, match="ended with status -9") as caught:
        lab.run("http", pace, rounds=3, progress=kill_when_it_sends("http 2"))
    runs = caught.value.runs
    assert [(info.protocol, info.round) for info in runs.runs] == [("http", 1)]
    assert runs.verdicts()["stored"].tolist() == [300]
    assert "ended with status -9" in runs.failure
    assert runs.unmeasured == [
        "http, rounds 2, 3: not run", f"the comparison could not go on: {runs.failure}"
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "kafka"])
def test_a_run_whose_client_was_killed_is_audited_from_the_columns_that_it_left(lab, protocol):
    pace = Workload(records=1_000, rate=500, warm_up=0)
    outcomes = None

    def read(info):
        nonlocal outcomes
        outcomes = np.load(folder_of(lab, info) / "outcome.npy")

    (runs,) = lab.cross(
        [protocol], pace, faults=[At(0.6, ClientKill())], progress=quiet, on_run=read
    )
    info, timings = runs.runs[0], runs.timings
    acked = outcomes == OUTCOMES.index("acked")
    assert 0 < acked.sum() == (timings["outcome"] == "acked").sum()
    assert set(timings.loc[timings["outcome"] == "acked", "verdict"]) == {"stored"}
    assert acked.sum() <= info.offered == len(timings) < 1_000
    assert timings["sent_ns"].notna().all()
    assert timings.loc[timings["outcome"] == "acked", "acked_ns"].max() <= info.end_ns
    assert len(runs.attempts) == 0  # they were in the memory of the one that was killed
    assert info.cut_short and info.drained
    assert f"Interrupted after {info.offered} of 1000 records." in info.notes


# A run that hangs


HANGS = """
    import sys
    from empkit import At, Lab, Workload
    from empkit.faults import ServerPause
    with Lab(broker="none") as lab:
        print(lab.server.pid, flush=True)
        try:
            lab.run("http", Workload(records=100_000, rate=200, warm_up=0),
                    faults=[At(0.2, ServerPause(), until=60)], progress=lambda *_: None)
        except KeyboardInterrupt:
            print("given up", flush=True)
        runs = lab.run("http", Workload(records=20, warm_up=0), progress=lambda *_: None)
        print(runs.verdicts()["stored"].tolist(), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")
def test_a_second_ctrl_c_gives_up_a_run_that_hangs_and_the_lab_goes_on():
    """The first asks for an orderly end and undoes the fault, which shows that it was heard."""
    command = [sys.executable, "-c", textwrap.dedent(HANGS)]
    with started(command, stdout=subprocess.PIPE, text=True) as process:
        server = psutil.Process(int(process.stdout.readline()))
        wait_until(lambda: server.status() == psutil.STATUS_STOPPED)
        hanging = load_generator(process.pid)
        hanging.suspend()
        process.send_signal(signal.SIGINT)
        wait_until(lambda: server.status() != psutil.STATUS_STOPPED)
        assert hanging.is_running()
        process.send_signal(signal.SIGINT)
        assert [line.strip() for line in process.stdout] == ["given up", "[20]"]
        assert process.wait(60) == 0
        assert process.wait_until_gone() == []


# What is measured, in which order


@pytest.mark.slow
def test_the_order_of_the_rounds_is_that_of_the_seed(lab):
    """So that a comparison can be carried out again as it was."""
    protocols, rounds = ["http", "websocket"], 4

    def order(seed):
        pace = Workload(records=2, in_flight=1, warm_up=0, seed=seed)
        runs = lab.compare(protocols, pace, rounds=rounds, progress=quiet)
        assert sorted(runs.asked) == sorted((info.protocol, info.round) for info in runs.runs)
        by_start = sorted(runs.runs, key=lambda info: info.start_ns)
        assert [(info.protocol, info.round) for info in by_start] == runs.asked
        return runs.asked

    chosen = random.Random(5)
    assert order(5) == [
        (protocol, number)
        for number in range(1, rounds + 1)
        for protocol in chosen.sample(protocols, 2)
    ]


@pytest.mark.slow
def test_the_folder_of_a_run_has_its_plan_and_the_records_of_the_seed(lab):
    found = []

    def read(info):
        folder = folder_of(lab, info)
        plan = json.loads((folder / "plan.json").read_text())
        assert (plan["protocol"], plan["round"], plan["run_id"]) == ("http", 1, info.run_id)
        assert plan["pace"]["seed"] == info.workload["seed"]
        names = {path.name for path in folder.iterdir()}
        assert {"marks.json", "timings.parquet", "attempts.parquet", "outside.json"} <= names
        payloads = Payloads(folder)
        found.append([payload.replace(info.run_id.encode(), b"RUN") for _, payload in payloads])
        payloads.close()

    for seed in (1, 1, 2):
        pace = Workload(records=30, seed=seed, warm_up=0)
        lab.cross(["http"], pace, progress=quiet, on_run=read)
    first, again, other = found
    assert len(first) == 30
    assert first == again != other


def files_of(lab):
    """The files of a lab; processes that follow each other have a number in the log's name."""
    files = lab.processes.folder.rglob("*")
    return sorted(re.sub(r"-\d+\.log", "-N.log", str(path)) for path in files)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "kafka"])
def test_a_lab_has_as_many_files_after_many_runs_as_after_one(lab, protocol):
    """What a run leaves goes when it has been read; its results can still be saved."""
    lab.run(protocol, SHORT, progress=quiet)
    after_one = files_of(lab)
    lab.compare([protocol], SHORT, rounds=2, progress=quiet)
    with pytest.raises(LabError, match="ended with status -9"):
        lab.run(protocol, LONG, progress=kill_when_it_sends(f"{protocol} 1"))
    lab.run(protocol, LONG, faults=[At(0.2, ClientKill())], progress=quiet)
    runs = lab.run(protocol, SHORT, progress=quiet)
    assert files_of(lab) == after_one
    assert len(runs.timings) == 20


@pytest.mark.slow
def test_results_can_be_saved_and_loaded_after_the_lab_has_gone(tmp_path):
    with Lab(broker="none") as lab:
        runs = lab.compare(["http", "websocket"], SHORT, rounds=2, progress=quiet)
    runs.save(tmp_path)
    pd.testing.assert_frame_equal(load(tmp_path).timings, runs.timings)
    assert len(runs.recovery()) == 4


@pytest.mark.slow
def test_progress_is_told_of_each_run_up_to_its_end(lab):
    told = {}

    def progress(name, done, count):
        told.setdefault(name, []).append((done, count))

    lab.compare(["http", "websocket"], SHORT, rounds=2, progress=progress)
    assert sorted(told) == ["http 1", "http 2", "websocket 1", "websocket 2"]
    for each in told.values():
        assert each == sorted(each)
        assert each[-1] == (20, 20)


@pytest.mark.parametrize(
    ("workload", "faults", "message"),
    [
        (Workload(records=[]), [], "There is no record to send"),
        (SHORT, [Overload(2, 0.1, 0.2)], "give the workload a rate"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_before_it_begins(lab, workload, faults, message):
    def files():  # but those of the generator that the lab has ready for the next run
        return {each for each in lab.processes.folder.rglob("*") if "generator" not in each.name}

    before = files()
    with pytest.raises(ValueError, match=message):
        lab.run("http", workload, faults=faults, progress=quiet)
    assert files() == before


# A server elsewhere


@pytest.mark.slow
def test_stages_of_another_clock_are_left_out_and_said_to_be(tmp_path):
    """A server whose monotonic clock is another one, as on another machine."""
    apart = need_time_namespace()
    secret = {"password": "only for this test", "signing_key": secrets.token_urlsafe(40)}
    with started(
        [*apart, *EMPKIT, "serve", "--port", "0", "--database", f"sqlite:///{tmp_path}/e.db"],
        stdout=subprocess.PIPE, text=True,
        env=os.environ | {f"EMPKIT_{name.upper()}": value for name, value in secret.items()},
    ) as server:  # fmt: skip
        url = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())[0]
        with Lab("none", server=url, settings=Settings(**secret)) as lab:
            runs = lab.compare(workload=Workload(records=100), progress=quiet)
        assert runs.verdicts()["stored"].tolist() == [100, 100]
        assert runs.timings[["received_ns", "stored_ns"]].isna().all().all()
        assert runs.timings["acked_ns"].notna().all()
        for run in runs.runs:
            assert any("clock is not this machine's" in note for note in run.notes)
        for draw in (plots.latency, plots.stages, plots.rates, plots.timeline, plots.throughput):
            draw(runs.of("http"))


def test_the_records_of_a_file_are_written_as_they_are_kept_and_faults_change_them(tmp_path):
    made_up = sample_records(50)
    file = read_records(io.BytesIO(json.dumps(made_up).encode()))
    setup = prepare(tmp_path, ["http"], Workload(records=file), [])
    assert (setup.count, setup.sha256) == (50, file.sha256)
    assert setup.records.read_bytes() == b"".join(map(line_of, made_up))
    changed = prepare(tmp_path, ["http"], Workload(records=file), [Duplicates(share=1.0)])
    assert b"E000050" not in changed.records.read_bytes()
