"""The answers to the exercises of notebook 08."""

import functools
import hashlib
import itertools
import random
import zlib

import numpy as np
import pandas as pd

from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import CRASH, MOVE, PAUSE, interrupted, missed, struck

scatter = hash
SALT = "employees"
known = {}
turns = itertools.count()


def by_crc(key, count):
    return zlib.crc32(key.encode()) % count


def by_md5(key, count):
    return int(hashlib.md5(f"{SALT}{key}".encode()).hexdigest(), 16) % count


def like_java(key, count):
    total = 0
    for letter in key:
        total = (total * 31 + ord(letter)) & 0xFFFFFFFF
    return total % count


@functools.cache
def remembered(key, count):
    return by_crc(key, count)


def by_digest(salt):
    def partition(key, count):
        return int.from_bytes(hashlib.sha256((salt + key).encode()).digest()[:8], "big") % count

    return partition


def by_another_name(key, count):
    return scatter(key) % count


def by_method(key, count):
    return key.__hash__() % count


def of_tuple(key, count):
    return hash((key, count)) % count


def in_order_of_appearance(key, count):
    return known.setdefault(key, len(known)) % count


for function in (by_crc, by_md5, like_java, by_another_name, by_method, of_tuple,
                 in_order_of_appearance):  # fmt: skip
    function.__module__ = "__main__"  # as what is defined in a notebook


def struck_twice(*faults, count=300, **changes):
    return struck("kafka", *(faults or (CRASH, MOVE)), count=count, **changes)


RIGHT = {
    "08.1": [2, 10 - 8, np.int64(2), 2.0, pd.Series([2])[0]],
    "08.2": [
        by_crc, by_md5, like_java, remembered, by_digest("x"),
        lambda key, count: np.uint32(zlib.adler32(key.encode())) % count,
        lambda key, count: random.Random(key).randrange(count),
        lambda key, count: sum(key.encode()) % count,
        functools.partial(by_crc),
    ],
    "08.challenge": [
        struck_twice(), [struck_twice(MOVE, CRASH)], struck_twice(CRASH, MOVE, PAUSE, count=500),
        struck_twice(attempts={3: 4}),
    ],
}  # fmt: skip

WRONG = {
    "08.1": [
        (0, "one member of the group"),
        (10, "one member of the group"),
        (8, "how many have none?"),
        (1.25, "A whole number is wanted; this is 1.25"),
        ("2", "A whole number is wanted; this is a str"),
        ({2}, "A whole number is wanted; this is a set"),
        (None, "A whole number is wanted"),
        (True, "A whole number is wanted"),
    ],
    "08.2": [
        (lambda key, count: hash(key) % count, "as hash() of a text is"),
        (by_another_name, "as hash() of a text is"),
        (by_method, "as hash() of a text is"),
        (of_tuple, "two producers would not agree"),
        (lambda key, count: abs(hash(key + "x")) % count, "two producers would not agree"),
        (lambda key, count: id(key) % count, "partition"),
        (in_order_of_appearance, "depends on what was asked before"),
        (lambda key, count: next(turns) % count, "same key must go to the same partition"),
        (lambda key, count: random.randrange(count), "partition"),
        (lambda key, count: 0, "gets 400, and 7 get none"),
        (lambda key, count: len(key) % count, "It spreads the keys badly"),
        (lambda key, count: ord(key[0]) % count, "It spreads the keys badly"),
        (lambda key, count: int.from_bytes(key.encode(), "big") % count, "of 16 partitions"),
        (lambda key, count: sum(key.encode()) % 8, "the count is an argument"),
        (lambda key, count: zlib.crc32(key.encode()), "Of 8 partitions the numbers are 0 to 7"),
        (lambda key, count: 1 + by_crc(key, count), "the count is an argument"),
        (lambda key, count: int(key[1:]) % count, "it raised ValueError: invalid literal"),
        (lambda key, count: zlib.crc32(key) % count, "it raised TypeError"),
        (lambda key, count: zlib.crc32(key.encode()) / count, "A whole number is wanted; this is"),
        (lambda key, count: str(by_crc(key, count)), "A whole number is wanted; this is a str"),
        (lambda key: by_crc(key, 8), "called with 2 arguments"),
        (1, "without calling it"),
    ],
    "08.challenge": [
        (struck_twice(CRASH), "A fault is missing, or did not strike: leader-move"),
        (struck_twice(MOVE), "did not strike: server-crash"),
        (struck_twice(PAUSE, MOVE), "did not strike: server-crash"),
        (missed(struck_twice()), "did not strike: server-crash"),
        (struck("kafka", count=300), "did not strike: server-crash"),
        (struck_twice(count=240), "300 records are wanted; these are 240"),
        (struck("http", CRASH, MOVE, count=300), "over Kafka alone"),
        (struck_twice(verdict={3: "lost"}), "A promise was broken"),
        (struck_twice(verdict={3: "unconfirmed"}), "299 of 300 are"),
        (interrupted(struck_twice()), "Not all was measured"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
