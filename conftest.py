"""Nobody is there to guess when pytest runs the notebooks: they go on without one, keep nothing,
and try each solution where its check stands. Kernels and other children inherit the variable.

After each cell, its claims are held against changes that make them false."""

import os

os.environ["EMPKIT_GUESS"] = "none"
pytest_plugins = ["tests.course.claims.plugin"]
