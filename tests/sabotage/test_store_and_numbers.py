"""Faults of the store, of the tokens and of the summary that once passed all tests."""

import pytest

from tests.sabotage.table import Sabotage, finds

SQLITE = "databases/sqlite.py"
POSTGRESQL = "databases/postgresql.py"
STORE = "server/store.py"
AUTH = "server/auth.py"
SOCKET = "server/websocket.py"
RESULTS = "results/runs.py"
COMPARISON = "results/comparison.py"
DURABLE = "tests/server/test_durable.py"
TOKENS = "tests/server/test_auth.py"
NUMBERS = "tests/results/test_runs.py"
RANKED = "tests/results/test_comparison.py"

STAMP = "        stored_ns = time.monotonic_ns()\n"
COMMIT = "        try:\n            connection.commit()\n"
ERROR = "_around(logs.mean(), logs.std(ddof=1) / math.sqrt(len(logs))"

SABOTAGES = [
    Sabotage(
        "SQLite does not flush a commit",
        ((SQLITE, '"PRAGMA synchronous=FULL"', '"PRAGMA synchronous=OFF"'),),
        f"{DURABLE}::test_sqlite_flushes_each_commit",
        "assert [0, 'wal'] == [2, 'wal']",
    ),
    Sabotage(
        "SQLite flushes a commit some time later",
        ((SQLITE, '"PRAGMA synchronous=FULL"', '"PRAGMA synchronous=NORMAL"'),),
        f"{DURABLE}::test_no_answer_comes_before_its_flush_and_no_stamp",
        '.count("sync(") > flushed',
    ),
    Sabotage(
        "PostgreSQL's own default decides whether a commit is flushed",
        ((POSTGRESQL, "-c synchronous_commit=on ", ""),),
        f"{DURABLE}::test_postgresql_flushes_each_commit_whatever_its_own_default",
        "assert ['off', 'on'] == ['on', 'on']",
    ),
    Sabotage(
        "stored_ns is taken before the commit",
        ((STORE, STAMP, ""), (STORE, COMMIT, STAMP + COMMIT)),
        f"{DURABLE}::test_stored_is_after_a_slow_commit",
        ">= 0.3e9",
    ),
    Sabotage(
        "a token that was seen is good for ever",
        ((AUTH, "return time.time() < good_until", "return True"),),
        f"{TOKENS}::test_a_token_that_was_seen_is_refused_once_it_has_expired",
        "assert True is False",
    ),
    Sabotage(
        "a WebSocket outlives its token",
        ((SOCKET, "if not self._state.authenticator.accepts(token):", "if False:"),),
        f"{TOKENS}::test_a_token_that_expires_closes_every_door_that_it_opened",
        "Unauthorized: Invalid token",
    ),
    Sabotage(
        "intervals know nothing of rounds",
        ((COMPARISON, ERROR, "_around(logs.mean(), 0.05"),),
        f"{NUMBERS}::test_the_interval_of_a_percentile_is_as_wide_as_the_rounds_differ",
        "approx(",
    ),
    Sabotage(
        "two rounds name a winner",
        ((COMPARISON, "LEAST_ROUNDS = 3", "LEAST_ROUNDS = 2"),),
        f"{RANKED}::test_few_rounds_have_a_range_or_nothing",
        "approx(",
    ),
    Sabotage(
        "what is not valid is ranked",
        ((RESULTS, "if run.valid and (run", "if (run"),),
        f"{RANKED}::test_the_first_is_ranked_by_the_valid_rounds_alone",
        "assert [False] == [True]",
    ),
    Sabotage(
        "each of several claims has a false alarm rate of its own",
        ((COMPARISON, "(len(made) - rank) * p", "p"),),
        f"{RANKED}::test_holms_correction_is_that_of_the_textbook",
        "approx(",
    ),
    Sabotage(
        "records per second are those of the first round",
        ((RESULTS, "float(np.median(self.rates(protocol)))", "float(self.rates(protocol)[0])"),),
        f"{NUMBERS}::test_records_per_second_are_the_median_of_the_rounds",
        "== 50",
    ),
    Sabotage(
        "records per second are 20 % too many",
        ((RESULTS, "(int(last) - run.start_ns) * 1e9", "(int(last) - run.start_ns) * 1.2e9"),),
        f"{NUMBERS}::test_records_per_second_are_those_stored_from_the_start_to_the_last",
        "== 50",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each.promise)
def test_it_is_found(tmp_path, sabotage):
    finds(tmp_path, sabotage)
