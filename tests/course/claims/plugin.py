"""For pytest: after each cell of a notebook that nbval ran, its claims are carried out again under
their changes, in the kernel."""

from pathlib import Path
from queue import Empty

import pytest

from tests.course.claims.again import ClaimError, claims_of

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 120
CODE = """\
import sys as _sys
_sys.path.insert(0, {root!r})
try:
    from tests.course.claims.again import carry_out as _carry_out
    _carry_out(get_ipython().user_ns, {notebook!r}, {cell!r})
finally:
    _sys.path.remove({root!r})
    del _sys, _carry_out
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Run the cell, and then its claims."""
    result = yield
    if type(item).__name__ == "IPyNbCell" and item.path.parent == ROOT / "notebooks":
        cell = item.cell["id"]
        if any(claim.cell == cell for claim in claims_of(item.path.stem)):
            carry_out_in(item.parent.kernel, item.path, cell)
    return result


def carry_out_in(kernel, notebook, cell):
    """Carry the claims of a cell out again in nbval's kernel."""
    code = CODE.format(root=str(ROOT), notebook=str(notebook), cell=cell)
    sent = kernel.kc.execute(code, silent=True, store_history=False, allow_stdin=False)
    while True:
        try:
            reply = kernel.get_message("shell", timeout=TIMEOUT_S)
        except Empty:
            raise ClaimError(f"{cell}: its claims took longer than {TIMEOUT_S} s.") from None
        if reply["parent_header"].get("msg_id") == sent:
            break
    if reply["content"]["status"] != "ok":
        raise ClaimError(reply["content"].get("evalue") or str(reply["content"]))
