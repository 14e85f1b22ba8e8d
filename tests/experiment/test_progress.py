"""How far a run is, where people look."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from nbclient import NotebookClient

from empkit.experiment.progress import Live


def test_the_live_figure_has_a_line_for_each_run_and_says_where_it_is():
    live = Live(total=1_000)
    for tick in range(5):
        live.add("http 1", 100 * tick, 10.0 + tick)
    for tick in range(3):
        live.add("kafka 1", 200 * tick, 15.0 + tick)
    assert live.done == 800
    assert live.rates()["http 1"] == [(1, 100), (2, 100), (3, 100), (4, 100)]
    figure = ElementTree.fromstring(live.svg())
    lines = figure.findall("polyline")
    assert [len(line.get("points").split()) for line in lines] == [4, 2]
    assert lines[1].get("points") == "549,0 640,0"  # at 6 and 7 of 7 s, the highest rate
    assert figure.find("text").text == (
        "kafka 1: 800 of 1,000 records; the highest so far: 200 records per second"
    )
    assert live._repr_mimebundle_()["text/plain"] == "kafka 1: 800 of 1,000 records"


def test_a_name_of_ones_own_is_no_markup():
    live = Live(total=1)
    live.add("<b>&:Mine 1", 1, 0.0)
    assert ElementTree.fromstring(live.svg()).find("text").text.startswith("<b>&:Mine 1")


@pytest.mark.slow
def test_in_a_notebook_the_figure_is_drawn_and_only_a_line_stays():
    cell = """
from empkit.experiment.progress import shown
with shown(None, 100) as show:
    for done in (10, 50, 100):
        show("http 1", done, 100)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    drawn = []

    def hear(message, **_):
        if message["msg_type"] == "update_display_data":
            drawn.append(message["content"]["data"])

    client = NotebookClient(notebook, timeout=60)
    process_message = client.process_message

    def listen(message, *arguments):
        hear(message)
        return process_message(message, *arguments)

    client.process_message = listen
    client.execute()
    assert ["text/html" in data for data in drawn] == [True, True, True, False]
    (output,) = notebook.cells[0].outputs
    assert list(output["data"]) == ["text/plain"]
    assert output["data"]["text/plain"].startswith("100 records in")


@pytest.mark.slow
def test_progress_outside_of_a_notebook_is_a_bar_and_only_for_what_takes_long():
    code = """
import time
from empkit.experiment import progress
progress.SILENT_S = 0.0
with progress.shown(None, 100) as show:
    show("http 1", 10, 100)
    time.sleep(2.1)  # a line each 2 s, where nobody watches a terminal
    show("http 1", 50, 100)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "http 1" in done.stderr and "/100" in done.stderr and not done.stdout
