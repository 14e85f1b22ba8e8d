"""Each notebook ends with its terms and sources, and the glossary is made from them."""

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from empkit.course.glossary import NAME, SOURCES, TERMS, glossary, sources, terms, write
from empkit.course.notebooks import originals, working_copy

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
each = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


def cells(notebook):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in content["cells"]}


def listed(text):
    """The lines of a list in Markdown."""
    return [line for line in text.splitlines() if line.startswith(("- ", "  "))]


@each
def test_a_notebook_ends_with_its_terms_and_with_what_to_read(notebook):
    assert list(cells(notebook))[-2:] == [TERMS, SOURCES]
    last = cells(notebook)
    assert last[TERMS].startswith("## Terms\n\n- ")
    assert last[SOURCES].startswith("## Read more\n\n- ")
    assert last[SOURCES].endswith(
        f"The [glossary]({NAME}) has the terms and sources of the whole course."
    )
    assert len(listed(last[TERMS])) == len(terms(notebook)) >= 5  # none that is not understood
    assert len(listed(last[SOURCES])) == len(sources(notebook)) >= 3


@each
def test_a_notebook_uses_the_terms_that_it_lists_and_lists_each_once(notebook):
    names = [term.name for term in terms(notebook)]
    assert names == sorted(set(names), key=str.lower)
    text = "\n".join(text for id_, text in cells(notebook).items() if id_ not in {TERMS, SOURCES})
    assert [name for name in names if not re.search(in_text(name), text, re.IGNORECASE)] == []


def in_text(name):
    """A pattern for a term in a text, where a line may break within it and it may be a plural."""
    words = r"\s+".join(re.escape(word) for word in name.split())
    plural = f"{words[:-1]}(?:y|ies|ied)" if name.endswith("y") else f"{words}(?:s|es)?"
    return rf"(?<!\w){plural}(?!\w)"


@each
def test_a_definition_is_a_sentence_of_a_line_or_two(notebook):
    for term in terms(notebook):
        assert len(f"- {term.name}: {term.words}") <= 180, term.name
        assert term.words.endswith(".") and ". " not in term.words


def test_the_terms_of_art_are_among_the_terms():
    names = {term.name for notebook in NOTEBOOKS for term in terms(notebook)}
    assert names >= {
        "group commit", "exponential back-off with jitter", "head-of-line blocking",
        "idempotency key", "in-sync replica", "rebalance", "coordinated omission",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("RFC 9110", "01_http"), ("RFC 6455", "02_websocket"), ("Apache Kafka", "03_kafka"),
        ("Tene", "05_load"), ("Brooker", "06_failures"), ("Jepsen", "06_failures"),
        ("Kleppmann", "06_failures"),
    ],
)  # fmt: skip
def test_a_source_is_named_where_its_matter_is_taught(name, stem):
    assert any(source.name.startswith(name) for source in sources(FOLDER / f"{stem}.ipynb"))


def test_a_term_has_one_definition_in_all_notebooks():
    words = defaultdict(set)
    for notebook in NOTEBOOKS:
        for term in terms(notebook):
            words[term.name].add(term.words)
    assert {name: found for name, found in words.items() if len(found) > 1} == {}


def test_an_address_is_https_and_has_one_title_and_a_title_one_address():
    found = {
        (source.name, source.address) for notebook in NOTEBOOKS for source in sources(notebook)
    }
    assert all(address.startswith("https://") for _, address in found)
    assert len({name for name, _ in found}) == len({address for _, address in found}) == len(found)


def test_every_address_in_the_notebooks_is_one_of_their_sources():
    for notebook in NOTEBOOKS:
        known = {source.address for source in sources(notebook)}
        texts = "\n".join(cells(notebook).values())
        assert set(re.findall(r"\]\((https?://[^)\s]+)\)", texts)) == known


def test_the_glossary_is_made_from_the_notebooks_as_they_are():
    """If not: `python -m empkit.course.glossary`."""
    text = (FOLDER / NAME).read_text(encoding="utf-8")
    assert text == glossary(FOLDER)
    for notebook in NOTEBOOKS:
        for term in terms(notebook):
            assert text.count(f"- **{term.name}** ([") == 1


def test_the_glossary_links_a_term_to_the_first_notebook_that_lists_it():
    text = (FOLDER / NAME).read_text(encoding="utf-8")
    assert "- **group commit** ([02](02_websocket.ipynb)): " in text
    for name in re.findall(r"\]\(([^)]+\.ipynb)\)", text):
        assert (FOLDER / name).exists()


def small(path, definition):
    """Write a notebook that ends with one term and one source."""
    texts = {
        TERMS: f"## Terms\n\n- **retry**: {definition}",
        SOURCES: "## Read more\n\n- [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110.html): all.",
    }
    cells = [
        {
            "cell_type": "markdown",
            "id": id_,
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        for id_, text in texts.items()
    ]
    text = json.dumps({"cells": cells, "title": "è"}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def test_a_definition_is_changed_in_the_first_notebook_only(tmp_path):
    first, later = tmp_path / "02_first.ipynb", tmp_path / "07_later.ipynb"
    small(first, "once more.")
    small(later, "again.")
    before = first.read_bytes()
    assert write(tmp_path) == tmp_path / NAME
    assert first.read_bytes() == before
    assert [term.words for term in terms(later)] == ["once more."]
    assert "- **retry** ([02](02_first.ipynb)): once more.\n" in (tmp_path / NAME).read_text()


def test_what_is_as_it_should_be_is_written_as_it_was(tmp_path):
    for notebook in NOTEBOOKS:
        shutil.copy(notebook, tmp_path)
    write(tmp_path)
    for notebook in NOTEBOOKS:
        assert (tmp_path / notebook.name).read_bytes() == notebook.read_bytes()


def test_a_reader_has_the_glossary_beside_the_notebooks(tmp_path):
    working_copy(tmp_path)
    assert (tmp_path / NAME).read_bytes() == (originals() / NAME).read_bytes()
    assert f"]({NAME})" in cells(tmp_path / "00_start_here.ipynb")["cell-00"]
