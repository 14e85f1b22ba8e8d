"""Stamps: each is read once and in order, whatever crashed before, from the file and from
`/timings`."""

import tempfile
import threading
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit import Lab, Settings, Workload, plots
from empkit.server.stamps import LONGEST_LINE, Stamp, StampLog
from tests.conftest import employee, post, request

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=135)
numbers = st.integers(0, 2**63 - 1)
commits = st.lists(
    st.tuples(
        st.sampled_from(["http", "websocket", "kafka"]), numbers,
        st.lists(st.tuples(ids, numbers), max_size=5),
    )
)  # fmt: skip


def walk(log, limit, after=0):
    """All stamps from `after` on, page by page, and where they end."""
    found = []
    while True:
        stamps, following = log.page(after, limit)
        assert len(stamps) <= limit
        if not stamps and following == after:
            return found, after
        found += stamps
        after = following


@given(commits, st.integers(1, 7))
def test_paging_gives_every_stamp_once_in_order(added, limit):
    with closing(StampLog(None)) as log:
        for protocol, stored_ns, received in added:
            log.append(protocol, stored_ns, received)
        assert walk(log, limit) == (
            [
                Stamp(employee_id, protocol, received_ns, stored_ns)
                for protocol, stored_ns, received in added
                for employee_id, received_ns in received
            ],
            log.end(),
        )


def test_the_longest_id_fits_into_a_page_of_one():
    longest = "\x01" * 135  # JSON writes each as six characters
    with closing(StampLog(None)) as log:
        log.append("websocket", 2**63 - 1, [(longest, 2**63 - 1)] * 2)
        assert log.end() <= 2 * LONGEST_LINE
        assert [stamp.employee_id for stamp in walk(log, 1)[0]] == [longest] * 2


def test_the_end_is_where_the_stamps_that_are_still_to_come_begin():
    with closing(StampLog(None)) as log:
        log.append("http", 2, [("before", 1)])
        end = log.end()
        assert log.page(end, 10) == ([], end)
        log.append("kafka", 4, [("after", 3)])
        assert log.page(end, 10) == ([Stamp("after", "kafka", 3, 4)], log.end())


def test_a_place_behind_the_end_has_no_stamps():
    with closing(StampLog(None)) as log:
        log.append("http", 2, [("E1", 1)])
        assert log.page(2**62, 10) == ([], 2**62)


@pytest.mark.parametrize("lost", [1, 5, 12])
def test_a_line_that_a_crash_cut_short_costs_that_stamp_and_no_other(tmp_path, lost):
    path = tmp_path / "timings"
    with closing(StampLog(path)) as log:
        log.append("http", 2, [("E1", 1), ("E2", 1)])
    path.write_bytes(path.read_bytes()[:-lost])
    with closing(StampLog(path)) as log:
        log.append("http", 4, [("E3", 3)])
        found, _ = walk(log, 1)
    kept = ["E1", "E2", "E3"] if lost == 1 else ["E1", "E3"]  # only the end of the line is gone
    assert [stamp.employee_id for stamp in found] == kept


def test_a_file_is_continued_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "timings"
    for number in range(3):
        with closing(StampLog(path)) as log:
            log.append("http", number, [(f"E{number}", number)])
    with closing(StampLog(path)) as log:
        assert [stamp.stored_ns for stamp in walk(log, 10)[0]] == [0, 1, 2]
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_file_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with closing(StampLog(None)) as log:
        log.append("http", 2, [("E1", 1)])
        assert log.page(0, 1)[0] == [Stamp("E1", "http", 1, 2)]
    assert list(tmp_path.iterdir()) == []


def test_writers_of_one_file_do_not_tear_each_others_lines(tmp_path):
    """As a server and its consumers do, each with the file open for itself."""
    path = tmp_path / "timings"

    def write(name):
        with closing(StampLog(path)) as own:
            for number in range(200):
                own.append("kafka", number, [(f"{name}-{number}-{n}", n) for n in range(5)])

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for name in "abc":
        assert [line[0] for line in lines if line[0].startswith(name)] == [
            f"{name}-{number}-{n}" for number in range(200) for n in range(5)
        ]


# `/timings`


def health(lab):
    return request(lab, "GET", "/health")[2]


@pytest.mark.slow
def test_a_page_says_where_to_go_on_and_an_empty_one_that_there_are_no_more(lab, fresh_id):
    after = health(lab)["timings_end"]
    for number in range(3):
        assert post(lab, employee(f"{fresh_id}-{number}"))[0] == 201
    seen = []
    for _ in range(3):
        page = request(lab, "GET", f"/timings?after={after}&limit=1")[2]
        (stamp,) = page["timings"]
        assert page["next"] > after
        assert 0 < stamp["received_ns"] <= stamp["stored_ns"]
        seen.append((stamp["employee_id"], stamp["protocol"]))
        after = page["next"]
    assert seen == [(f"{fresh_id}-{number}", "http") for number in range(3)]
    page = request(lab, "GET", f"/timings?after={after}")[2]
    clock = health(lab)["clock"]
    assert page == {"timings": [], "begins": 0, "next": after, "clock": clock}


@pytest.mark.parametrize(
    "query", ["after=-1", "limit=0", "limit=10001", "after=x", f"after={2**63}"]
)
def test_a_page_that_cannot_be_is_refused(lab, query):
    assert request(lab, "GET", f"/timings?{query}")[0] == 422


def test_a_record_that_is_sent_again_has_one_stamp(lab, fresh_id):
    after = health(lab)["timings_end"]
    assert [post(lab, employee(fresh_id))[0] for _ in range(3)] == [201, 200, 200]
    (stamp,) = request(lab, "GET", f"/timings?after={after}")[2]["timings"]
    assert stamp["employee_id"] == fresh_id


@pytest.mark.slow
@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=12), st.sampled_from([4, 50]), st.booleans()
)
def test_a_log_keeps_the_latest_within_its_size_across_restarts(counts, limit, restarts):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "timings.jsonl"
        log, written, line = StampLog(path, 8_192), [], 0
        for count in counts:
            received = [(f"E{line + number:06}", 7) for number in range(count)]
            line += count
            log.append("http", 9, received)
            written += [employee_id for employee_id, _ in received]
            if restarts:
                log.close()
                log = StampLog(path, 8_192)
        kept, end = walk(log, limit)
        first = log.begin()
        assert [stamp.employee_id for stamp in kept] == written[len(written) - len(kept) :]
        assert end == log.end()
        assert walk(log, limit, first) == (kept, end)
        largest = max(counts) * 40
        assert sum(file.stat().st_size for file in path.parent.iterdir()) <= 8_192 + 2 * largest
        assert len(kept) == len(written) or first > 0
        log.close()


@pytest.mark.slow
def test_a_server_says_when_its_stamps_no_longer_reach_back():
    settings = Settings(max_timings_bytes=65_536)
    with Lab("none", settings=settings) as lab:
        # a stamp of a clock that began lately is shorter: some 45 bytes, after a year 60
        for _ in range(14):
            lab.run("http", Workload(records=150, warm_up=0), progress=lambda *_: None)
        assert request(lab, "GET", "/timings")[2]["begins"] > 0
        # a run of which they do not reach back has its verdicts, and lacks the times
        runs = lab.run("http", Workload(records=3_000, warm_up=0), progress=lambda *_: None)
    assert runs.timings.verdict.value_counts().to_dict() == {"stored": 3_000}
    assert runs.timings[["received_ns", "stored_ns"]].isna().all(axis=None)
    assert runs.timings.acked_ns.notna().all()
    assert any("no longer has all stamps of this run" in note for note in runs.runs[0].notes)
    assert runs.broken == []
    assert runs.summary().loc["http", "ack_p50_ms"] > 0
    assert plots.figures(runs)
