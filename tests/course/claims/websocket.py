"""The claims of the notebook, and what makes them false."""

from tests.course.claims import Claim

CLAIMS: list[Claim] = []
