"""The conduct of a run."""

import os
import re
import secrets
import subprocess
import sys

from empkit import Lab, Settings, Workload, plots
from tests.parts import need_time_namespace
from tests.signals import started

EMPKIT = [sys.executable, "-m", "empkit.cli"]


def quiet(*_):
    """Progress that shows nothing."""


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
