"""Writes the table of all claims: `python -m tests.course.claims.table`."""

from pathlib import Path

from tests.course.claims.again import MODULES, claims_of

PAGE = Path(__file__).with_name("README.md")
HEAD = """\
# What the notebooks claim, and what makes it false

Each assert of a notebook, by its cell and its message, and each change of the data or of a setting
under which its sentence is false. Whenever pytest runs the notebook, it carries the assert out
again under each change, in the notebook's own kernel, on what was measured just then. The verdict
has to be *fails*: otherwise the cell is red. (This page is made by
`python -m tests.course.claims.table`.)
"""


def table() -> str:
    """The table, in Markdown."""
    lines = [HEAD]
    for notebook in MODULES:
        lines += [f"## {notebook}", "", "| cell | claim: it fails when ... | change | verdict |"]
        lines.append("| --- | --- | --- | --- |")
        for claim in claims_of(notebook):
            for place, change in enumerate(claim.changes):
                cell, says = (f"`{claim.cell}`", claim.says) if not place else ("", "")
                lines.append(f"| {cell} | {says} | {change.what} | fails |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
    print(PAGE)
