"""Records as hypothesis makes them up: good ones, and whatever else JSON can hold."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from empkit.records.employee import FIELDS

ADA = {"employee_id": "E1", "first_name": "Ada", "last_name": "Byron"}

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=200)

names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40)

sound_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)


def nested(leaves, keys):
    return st.recursive(
        leaves, lambda inside: st.lists(inside) | st.dictionaries(keys, inside), max_leaves=8
    )


extras = st.dictionaries(
    names.filter(lambda name: name not in FIELDS), nested(sound_leaves, texts), max_size=4
)

employees = st.fixed_dictionaries(
    {"employee_id": st.text("abcXYZ-019é☃", min_size=1, max_size=64), "first_name": names}
    | {"last_name": names},
    optional={
        "email": st.none() | texts,
        "department": texts,
        "position": texts,
        "salary": st.none() | st.floats(0, 1e300) | st.integers(0, 2**53),
        "hire_date": st.none() | st.dates().map(str),
    },
)

anything = nested(
    sound_leaves
    | st.sampled_from(["\0", "a\0b", "\ud800", 2**64, -(2**70), math.nan, math.inf, "1305590400"]),
    st.sampled_from(["a", "\0", "\udfff"]) | texts,
)
