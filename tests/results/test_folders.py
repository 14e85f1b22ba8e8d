"""The folder of a result: written, read back, also one of empkit 0.1.0, and what is said of one
that cannot be read."""

import io
import json
import math
import shutil
import tempfile
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import empkit
from empkit.results import folders
from empkit.results.folders import ResultError, point_to
from empkit.results.info import STAMPS
from empkit.results.status import ExitStatus
from tests.made_up_runs import made_up, together

OLD = Path(__file__).parents[1] / "data" / "results-0.1.0"


@pytest.fixture
def saved(tmp_path):
    return together(made_up("http"), made_up("kafka", verdict={1: "lost"})).save(tmp_path / "r")


def test_a_folder_of_0_1_0_opens_with_the_summary_that_it_was_saved_with():
    runs = empkit.load(OLD)
    assert [run.faults[0].label for run in runs.runs] == ["reset_peer"] * 6
    summary = runs.summary()
    for line in (OLD / "summary.csv").read_text().splitlines()[1:]:
        protocol, rounds, offered, stored, *_ = line.split(",")
        assert summary.loc[protocol, ["rounds", "offered", "stored"]].tolist() == [
            int(rounds), int(offered), int(stored)
        ]  # fmt: skip
    header, *rows = (line.split(",") for line in (OLD / "summary.csv").read_text().splitlines())
    for row in rows:
        said = dict(zip(header, row, strict=True))
        protocol = said["protocol"]
        rate = float(said["records_per_s"])
        assert summary.loc[protocol, "records_per_s"] == pytest.approx(rate)
        for kind in ("ack", "stored"):  # 0.1.0 took the percentiles of all rounds in one heap
            name = f"{kind}_p50_ms"
            of_rounds = runs.per_round(kind)[protocol]
            assert summary.loc[protocol, name] == pytest.approx(np.exp(np.log(of_rounds).mean()))
            assert of_rounds.min() <= float(said[name]) <= of_rounds.max()
    assert runs.status == 0
    assert runs.to_json()["protocols"]["kafka"]["rounds"] == 2


def test_a_format_that_is_newer_is_refused_and_what_is_new_within_it_is_passed_over(saved):
    file = saved / "runs.json"
    content = json.loads(file.read_text())
    content["runs"][0]["of_tomorrow"] = 1
    file.write_text(json.dumps(content))
    assert len(empkit.load(saved).runs) == 2
    file.write_text(json.dumps(content | {"format": folders.FORMAT + 1}))
    with pytest.raises(ResultError, match="read it with a newer empkit"):
        empkit.load(saved)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("runs.json", None, "has no runs.json"),
        ("runs.json", b"", "are damaged"),
        ("runs.json", b"[1, 2]", "are damaged"),
        ("runs.json", b'{"runs": [{}], "environment": {}}', "are damaged"),
        ("runs.json", b"\xff\xfe", "are damaged"),
        ("timings.parquet", None, "has no timings.parquet"),
        ("timings.parquet", b"PAR1 and no more", "are damaged"),
        ("attempts.parquet", b"", "are damaged"),
    ],
)
def test_a_damaged_folder_is_said_to_be_damaged(saved, name, content, said):
    (saved / name).unlink()
    if content is not None:
        (saved / name).write_bytes(content)
    with pytest.raises(ResultError, match=said) as error:
        empkit.load(saved)
    assert str(saved) in str(error.value)


@pytest.mark.parametrize(("file", "word"), [("timings", b"run-E0"), ("attempts", b"unavailable")])
def test_other_bytes_in_a_page_are_noticed_by_its_checksum(tmp_path, file, word):
    runs = made_up("http", 5)
    runs.attempts = pd.DataFrame(
        {"protocol": ["http"], "round": [1], "seq": [0], "answer": ["unavailable"]}
    )
    path = runs.save(tmp_path) / f"{file}.parquet"
    path.write_bytes(path.read_bytes().replace(word, word[::-1], 1))
    assert f"The results in {tmp_path} are damaged (OSError: " in said_of(tmp_path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A folder that a property spoils copies of."""
    runs = together(made_up("http"), made_up("kafka", verdict={1: "lost"}))
    return runs.save(tmp_path_factory.mktemp("sound") / "r")


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    if not isinstance(value, dict | list):
        return
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield from places(each, (*path, key))


OTHER = (None, 1, -1, True, "x", [], {}, [[]], {"a": 1}, math.inf)


def spoil(data, folder):
    """Damage one file of a folder."""
    kind = data.draw(st.sampled_from(["a value", "cut", "bytes", "gone", "a folder"]))
    if kind == "a value":
        file = folder / "runs.json"
        whole = json.loads(file.read_text())
        *above, last = data.draw(st.sampled_from([path for path in places(whole) if path]))
        inner = whole
        for key in above:
            inner = inner[key]
        if data.draw(st.booleans()):
            del inner[last]
        else:
            inner[last] = data.draw(st.sampled_from(OTHER))
        file.write_text(json.dumps(whole))
        return
    file = folder / data.draw(st.sampled_from(sorted(each.name for each in folder.iterdir())))
    content = bytearray(file.read_bytes())
    if kind == "cut":
        file.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    elif kind == "bytes":
        for _ in range(data.draw(st.sampled_from([1, 5, 50]))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        file.write_bytes(content)
    else:
        file.unlink()
        if kind == "a folder":
            file.mkdir()


@pytest.mark.slow
@given(st.data())
@settings(max_examples=100)
def test_whatever_is_damaged_is_refused_with_a_sentence_or_does_not_matter(sound, data):
    with tempfile.TemporaryDirectory() as folder:
        spoilt = shutil.copytree(sound, Path(folder) / "r")
        spoil(data, spoilt)
        try:
            runs = empkit.load(spoilt)
        except ResultError as error:
            assert str(spoilt) in str(error)
        else:  # what is read can be used
            assert runs.summary() is not None
            assert runs.to_json()
            assert repr(runs)
            assert runs.status in set(ExitStatus)


def test_latest_points_to_the_newest_folder(tmp_path):
    first, second = (made_up("http").save(tmp_path / name) for name in ("first", "second"))
    assert point_to(first).resolve() == first
    assert point_to(second).resolve() == second
    assert sorted(each.name for each in tmp_path.iterdir()) == ["first", "latest", "second"]
    assert len(empkit.load(tmp_path / "latest").runs) == 1


def test_latest_takes_nothing_away_that_has_its_name_and_does_without_links(tmp_path, monkeypatch):
    folder = made_up("http").save(tmp_path / "first")
    (tmp_path / "latest").mkdir()
    assert point_to(folder) is None
    (tmp_path / "latest").rmdir()

    def refuse(*_, **__):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert point_to(folder) == tmp_path / "latest.txt"
    assert (tmp_path / "latest.txt").read_text() == "first\n"


def test_texts_are_in_utf_8_whatever_the_encoding_of_the_platform_is(tmp_path, monkeypatch):
    monkeypatch.setattr(io, "text_encoding", lambda encoding, _=2: encoding or "ascii")
    monkeypatch.setattr(Path, "symlink_to", Mock(side_effect=OSError))
    runs = made_up("http", 5)
    runs.logs = {"server": "Ærø\n"}
    folder = runs.save(tmp_path / "Ærø")
    assert (folder / "logs" / "server.log").read_bytes() == "Ærø\n".encode()
    assert point_to(folder).read_bytes() == "Ærø\n".encode()
    written = (folder / "runs.json").read_bytes()
    (folder / "runs.json").write_bytes(written.replace(b"2026-01-01", "Ærø".encode()))
    assert empkit.load(folder).environment == {"date": "Ærø"}


def test_a_folder_has_a_file_for_each_part_and_the_table_of_the_terminal(tmp_path):
    runs = together(made_up("http"), made_up("kafka"))
    runs.asked, runs.interrupted, runs.failure = [("http", 1), ("x", 2)], "SIGINT", "it broke"
    folder = runs.save(tmp_path / "a" / "b")
    names = ["attempts.parquet", "runs.json", "summary.csv", "timings.parquet"]
    assert sorted(path.name for path in folder.iterdir()) == names
    content = json.loads((folder / "runs.json").read_text())
    assert list(content) == ["format", "runs", "environment", "asked", "interrupted", "failure"]
    assert (content["asked"], content["interrupted"], content["failure"]) == (
        [["http", 1], ["x", 2]], "SIGINT", "it broke",
    )  # fmt: skip
    assert content["environment"] == {"date": "2026-01-01"}
    assert (folder / "runs.json").read_text().startswith('{\n  "format": 2,\n')
    table = pd.read_csv(folder / "summary.csv", index_col="protocol")
    assert table["offered"].to_dict() == {"http": 200, "kafka": 200}
    assert pq.read_schema(folder / "timings.parquet").names == list(runs.timings)
    assert pq.read_schema(folder / "attempts.parquet").names == list(runs.attempts)
    runs.logs = {"server": "one\n", "broker": "two\n"}
    again = runs.save(folder)  # the same folder once more
    assert sorted(path.name for path in again.iterdir()) == ["attempts.parquet", "logs", *names[1:]]
    runs.save(folder)
    assert (folder / "logs" / "broker.log").read_text() == "two\n"


def said_of(folder):
    with pytest.raises(ResultError) as caught:
        empkit.load(folder)
    return str(caught.value)


def test_what_cannot_be_read_is_said_in_a_sentence_with_the_next_step(saved, tmp_path):
    with pytest.raises(FileNotFoundError):
        empkit.load(tmp_path / "no")
    assert said_of(tmp_path / "no") == (
        f"There is no folder {tmp_path / 'no'}: give one that `empkit compare` or `Runs.save` "
        "wrote."
    )
    assert said_of(saved / "runs.json") == (
        f"{saved / 'runs.json'} is a file: give the folder of results that it is in."
    )
    for number in (3, 1, 2):
        shutil.copytree(saved, tmp_path / "grid" / str(number))
    (tmp_path / "grid" / "other").mkdir()
    assert said_of(tmp_path / "grid") == (
        f"{tmp_path / 'grid'} holds the results of several choices: give one of its folders, "
        "1, 2, 3."
    )
    for number in range(10, 20):
        shutil.copytree(saved, tmp_path / "grid" / str(number))
    assert said_of(tmp_path / "grid").endswith(", 1, 10, 11, 12, 13, 14, 15, 16, 17, 18.")
    (tmp_path / "empty").mkdir()
    assert said_of(tmp_path / "empty") == (
        f"{tmp_path / 'empty'} has no runs.json, timings.parquet, attempts.parquet, and so holds "
        "no complete results: give a folder that `empkit compare` or `Runs.save` wrote."
    )
    (saved / "attempts.parquet").unlink()
    assert said_of(saved).startswith(f"{saved} has no attempts.parquet, and so")
    whole = json.loads((saved / "runs.json").read_text())
    whole["runs"][1]["round"] = "x"
    (saved / "runs.json").write_text(json.dumps(whole))
    assert "are damaged (ValidationError: runs.1.round: Input should be a" in said_of(saved)
    (saved / "runs.json").write_text("{}")
    assert said_of(saved) == (
        f"The results in {saved} are damaged (ValidationError: runs: Field required): use an "
        "undamaged copy, or run the comparison again."
    )
    (saved / "runs.json").write_text(json.dumps({"format": 9}))
    assert said_of(saved) == (
        f"{saved / 'runs.json'} has the format 9, and this empkit reads up to 2: read it with a "
        "newer empkit."
    )


@pytest.mark.parametrize("file", ["timings", "attempts"])
def test_a_table_that_is_a_folder_or_lacks_columns_is_damaged(saved, monkeypatch, file):
    path = saved / f"{file}.parquet"
    table = pd.read_parquet(path).drop(columns=["seq", "round"])
    table.to_parquet(path)
    assert "(ValueError: no column round, seq): use an undamaged copy" in said_of(saved)
    path.unlink()
    path.mkdir()
    assert f"(ValueError: {file}.parquet is a folder): use" in said_of(saved)

    def fail(_):
        raise OSError

    monkeypatch.setattr(folders, "_file", fail)
    assert "are damaged (OSError: empty): use" in said_of(saved)


def test_latest_is_a_relative_link_that_stays_right_where_the_results_are_moved(tmp_path):
    (tmp_path / "results").mkdir()
    folder = made_up("http", 5).save(tmp_path / "results" / "first")
    assert point_to(folder) == tmp_path / "results" / "latest"
    (tmp_path / "results").rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "latest").readlink() == Path("first")
    assert point_to(tmp_path / "gone" / "first") is None


def test_stamps_may_be_missing_and_no_other_column(tmp_path):
    runs = made_up("http", 5, stored_ns={2: pd.NA})
    kinds = empkit.load(runs.save(tmp_path)).timings.dtypes.astype(str)
    assert {name for name, kind in kinds.items() if kind == "Int64"} == set(STAMPS)
    assert (kinds["seq"], kinds["attempts"], kinds["round"]) == ("int64", "int64", "int64")
