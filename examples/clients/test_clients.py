"""Other people's Kafka clients under faults: what is seen is what README.md says, and no better.

A test that fails says what changed: a new version of a library may have mended a default.
"""

import re

import pytest

from claims import claim_of
from scenarios import APACHE_ONLY, CONSUMING, EMBEDDED_ONLY, PRODUCING, Stage
from services import LIBRARIES

CASES = [
    pytest.param(library, kind, name, id=f"{library.name}-{kind}-{name.replace(' ', '_')}")
    for library in LIBRARIES
    for kind, scenarios in (("consume", CONSUMING), ("produce", PRODUCING))
    for name in scenarios
]


@pytest.mark.parametrize(("library", "kind", "name"), CASES)
def test_what_is_seen_is_what_the_readme_says(
    library, kind, name, request, tmp_path, seen, monkeypatch
):
    if not seen.version(library):
        pytest.skip(f"{library.name} is not installed where {library.command[0]} looks: README.md")
    if seen.fails_without_a_fault(library, kind):
        pytest.skip(f"{library.name} does not work with this broker, without any fault")
    scenario = (CONSUMING if kind == "consume" else PRODUCING)[name]
    if scenario in EMBEDDED_ONLY and seen.broker != "embedded":
        pytest.skip("only the embedded broker can be told to answer with an error")
    if seen.broker == "embedded":
        monkeypatch.setenv("KAFKA_API_VERSION", "2.3")  # kafka-python cannot ask for it: README.md
    if scenario in APACHE_ONLY and seen.broker == "embedded":
        pytest.skip("the embedded broker does not check sequence numbers")
    kafka = request.getfixturevalue("kafka")
    cell = scenario(Stage(library, kafka, kafka.topic(), tmp_path))
    seen.note(library, kind, name, cell)
    claim = claim_of(library.name, kind, name, seen.broker)
    assert re.fullmatch(claim.cell, cell), (
        f"{library.name} {seen.version(library)}, {kind}, {name}: README.md says {claim.cell!r} "
        f"({claim.why}), and this run saw {cell!r}. If this is a new version of the library, "
        "change claims.py and write the table again: pytest --write-table"
    )
