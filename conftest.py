"""Nobody is there to guess when pytest runs the notebooks: they go on without one, keep nothing,
and try each solution where its check stands. Kernels and other children inherit the variable."""

import os

os.environ["EMPKIT_GUESS"] = "none"
