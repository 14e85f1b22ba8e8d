"""The answers to each exercise that readers give: right ones, wrong ones, what these hear."""

import pytest

pytest.register_assert_rewrite("tests.course.exercises.judged")
