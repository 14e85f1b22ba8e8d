"""The report: one page, complete, and safe to open."""

import re

import pytest

from empkit import plots
from empkit.cli.common import out
from empkit.cli.tables import summary_table
from empkit.plots.kind import DEFINED
from empkit.report import Part, write_figures, write_report
from empkit.results.answer import answer
from empkit.results.verdicts import KINDS, Kind
from tests.made_up_runs import made_up, nothing, together

EVIL = "<script>alert('x')</script>"


@pytest.mark.slow
def test_the_report_needs_no_other_file(tmp_path):
    runs = together(made_up("http"), made_up("kafka"))
    drawn, missing = write_figures(runs, tmp_path)
    assert not missing
    page = write_report([Part(runs, drawn)], tmp_path / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=['"](?!data:)""", page)
    assert page.count("<img alt='") == len(drawn)
    assert "alt=''" not in page
    assert "400 employee records: no promise broken" in page


def test_what_came_from_outside_is_escaped(tmp_path):
    runs = made_up(verdict={1: "lost"}, employee_id={1: EVIL}, error={1: EVIL})
    runs.runs[0].notes.append(EVIL)
    runs.environment["note"] = EVIL
    page = write_report(runs, tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4
    assert "1 promise broken" in page


def test_what_came_from_outside_is_text_and_no_template(tmp_path):
    runs = made_up()
    runs.environment["note"] = "{{ 6 * 7 }} {% set a = 1 %}"
    page = write_report([Part(runs, {})], tmp_path / "report.html").read_text()
    assert "{{ 6 * 7 }} {% set a = 1 %}" in page


def test_title_and_boxes_of_the_report_say_which_promises_were_broken(tmp_path):
    runs = made_up()
    runs.runs[0].broken = ["2 stored more than once: a, b", "1 stored and never sent: c"]
    page = write_report([Part(runs, {})], tmp_path / "report.html").read_text()
    assert "<h1>200 employee records: 2 promises broken</h1>" in page
    for sentence in runs.broken:
        assert f"<li>{sentence}</li>" in page


def test_what_was_not_measured_is_in_a_title_and_a_box_of_the_report(tmp_path):
    runs = made_up()
    runs.asked = [("http", 1), ("kafka", 1)]
    page = write_report([Part(runs, {})], tmp_path / "report.html").read_text()
    assert "no promise broken in what was measured</h1>" in page
    assert "<li>kafka, round 1: not run</li>" in page


def test_loss_that_is_allowed_is_a_finding_and_no_broken_promise(tmp_path):
    runs = made_up("kafka", verdict={1: "lost"})
    runs.runs[0].loss_allowed = "acks=0"
    page = write_report([Part(runs, {})], tmp_path / "report.html").read_text()
    assert "no promise broken</h1>" in page
    assert "kafka, round 1: 1 lost: run-E1; allowed by acks=0" in page
    assert "Promises were broken for" not in page


@pytest.mark.slow
def test_a_figure_that_cannot_be_drawn_is_left_out_with_its_reason(tmp_path, monkeypatch):
    def fail(_runs):
        raise RuntimeError("no <latex> here")

    monkeypatch.setitem(DEFINED, "stages", DEFINED["stages"]._replace(draw=fail))
    drawn, missing = write_figures(made_up(), tmp_path)
    assert missing == {"stages": "RuntimeError: no <latex> here"}
    assert "latency" in drawn
    page = write_report([Part(made_up(), drawn, missing)], tmp_path / "report.html").read_text()
    assert "stages could not be drawn: RuntimeError: no &lt;latex&gt; here" in page


def test_runs_that_measured_nothing_have_a_report_all_the_same(tmp_path):
    runs = nothing()
    drawn, missing = write_figures(runs, tmp_path)
    assert drawn == missing == {}
    page = write_report([Part(runs, drawn)], tmp_path / "report.html").read_text()
    assert "0 employee records: no promise broken in what was measured" in page


@pytest.mark.slow
def test_a_verdict_that_is_new_is_in_every_count_figure_and_sentence(tmp_path, monkeypatch):
    """One entry in the register is all that it takes."""
    late = Kind("too_late", "came when nobody wanted it any more", "#123456", "h", "in time")
    monkeypatch.setitem(KINDS, "too_late", late)
    runs = made_up(verdict={1: "too_late"})
    assert runs.verdicts().loc["http", "too_late"] == 1
    assert any("'in time' is broken: 1 too_late: run-E1" in sentence for sentence in runs.broken)
    assert runs.status == 1
    assert runs.to_json()["runs"][0]["verdicts"]["too_late"] == 1
    page = write_report(runs, tmp_path / "report.html").read_text()
    assert late.meaning in page
    figure = plots.verdicts(runs)
    assert "too-late" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "1 too-late" in figure.alt
    with out.capture() as terminal:
        out.print(summary_table(answer([runs])))
    assert "too-late" in terminal.get()


def test_what_is_not_valid_is_marked_in_each_table_and_says_why(tmp_path):
    runs = together(made_up("http"), made_up("kafka"))
    runs.runs[1].valid = False
    runs.runs[1].not_valid = {"machine": "Other processes used 3 s of processor time."}
    runs.runs[1].notes += runs.runs[1].not_valid.values()
    page = write_report([Part(runs, {})], tmp_path / "report.html").read_text()
    assert re.search(r"can be used</th><td>yes</td><td>not valid</td>", page)
    assert "<strong>kafka, round 1: do not use its numbers.</strong>" in page
    assert "kafka, round 1: Other processes used 3 s" in page
    assert "<td>not known</td>" in page  # the processor time of made-up runs
