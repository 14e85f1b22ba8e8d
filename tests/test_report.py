"""The report: one page, complete, and safe to open."""

import re

from empkit.report import write_figures, write_report
from tests.made_up_runs import made_up, together

EVIL = "<script>alert('x')</script>"


def test_the_page_needs_nothing_else(tmp_path):
    runs = together(made_up("http"), made_up("kafka"))
    drawn = write_figures(runs, tmp_path)
    page = write_report(runs, tmp_path / "report.html", drawn).read_text()
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
