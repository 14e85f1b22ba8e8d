"""The working folder as a place of modules: the last, not the first.

`python -m empkit` puts the folder in which it is run before everything else, and a user's
`random.py` there in the place of Python's own. This is imported before anything else.
"""

from __future__ import annotations

import sys


def search_last() -> None:
    """Move the working folder to the end of `sys.path`, if `python -m` has put it at its start."""
    # https://docs.python.org/3/using/cmdline.html#cmdoption-m: "-m" while the module is located
    if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))


search_last()
