"""The output of `--json`: each number of it is where the published description says, and is that
of the summary."""

import json

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from empkit.results.as_json import SCHEMA_FILE, as_json
from empkit.results.info import ProcessorTime
from tests.made_up_runs import made_up, nothing, together

MS = 1_000_000


def even(protocol, number, ms, count=200, stored_ms=None):
    """A round in which each record is acked and stored after as many ms."""
    run = made_up(protocol, count, number)
    intended = run.timings["intended_ns"]
    run.timings["acked_ns"] = intended + ms * MS
    run.timings["stored_ns"] = intended + (stored_ms or ms) * MS
    return run


def whole():
    rounds = [even("http", number, ms) for number, ms in enumerate((1, 4, 9), 1)]
    runs = together(*rounds, even("kafka", 1, 2, stored_ms=3))
    runs.environment["settings"] = {"kafka_acks": "all"}
    return runs


def test_the_json_of_a_result_keeps_to_its_published_schema():
    schema = json.loads(SCHEMA_FILE.read_text())
    for runs in (whole(), nothing()):
        runs.environment = {
            "date": "2026-01-01", "machine": {}, "versions": {}, "command": None, "broker": None,
            "database": "sqlite", "settings": {},
        }  # fmt: skip
        content = json.loads(json.dumps(as_json([runs])))
        Draft202012Validator(schema).validate(content)


def test_a_protocol_has_its_percentiles_and_their_intervals_over_its_rounds():
    content = as_json([whole()])
    http, kafka = content["protocols"]["http"], content["protocols"]["kafka"]
    assert (http["rounds"], http["interval"], http["valid"]) == (3, "95 %", True)
    assert (http["offered"], http["acked"], http["verdicts"]["stored"]) == (600, 600, 600)
    assert http["ack_ms"] == {"p50": 3.3019, "p90": 3.3019, "p99": 3.3019, "max": 9.0}
    low, high = http["between_rounds"]["ack_ms"]["p50"]
    assert (low, high) == (round(low, 4), round(high, 4))
    half = 4.302653 * np.log([1, 4, 9]).std(ddof=1) / np.sqrt(3)  # t of 2 degrees of freedom
    mean = np.log([1, 4, 9]).mean()
    assert (low, high) == pytest.approx((np.exp(mean - half), np.exp(mean + half)), abs=1e-4)
    assert http["between_rounds"]["stored_ms"].keys() == {"p50", "p90", "p99"}
    assert (kafka["ack_ms"]["p50"], kafka["stored_ms"]["p50"]) == (2.0, 3.0)
    assert kafka["between_rounds"]["ack_ms"] == {"p50": None, "p90": None, "p99": None}
    assert kafka["records_per_s"] == round(200 / 0.202, 1)


def test_a_percentile_of_too_few_records_is_null_and_a_protocol_that_is_not_valid_says_so():
    runs = even("http", 1, 5, count=20)
    runs.runs[0].valid = False
    content = as_json([runs])
    http, (run,) = content["protocols"]["http"], content["runs"]
    assert http["ack_ms"] == run["ack_ms"] == {"p50": 5.0, "p90": 5.0, "p99": None, "max": 5.0}
    assert http["valid"] is False


def test_each_run_has_its_own_numbers_and_all_that_is_known_of_it():
    runs = whole()
    info = runs.runs[1]
    info.generator_late_ms, info.server_late_ms = 1.5, 2.5
    info.sending_late_p50_ms, info.sending_late_p99_ms = 0.1, 0.9
    info.processor = ProcessorTime(window_s=1.0, own_s=0.5, others_s=0.25)
    info.not_valid, info.valid, info.notes = {"machine": "busy"}, False, ["a note"]
    info.drained, info.cut_short, info.gave_up = False, True, True
    info.guarantees = "acks=1"
    run = as_json([runs])["runs"][1]
    counts = dict.fromkeys(runs.verdicts().columns[1:], 0) | {"stored": 200}
    latency = {"p50": 4.0, "p90": 4.0, "p99": 4.0, "max": 4.0}
    assert run == {
        "protocol": "http", "round": 2, "offered": 200, "acked": 200, "verdicts": counts,
        "ack_ms": latency, "stored_ms": latency, "records_per_s": round(200 / 0.203, 1),
        "guarantees": "acks=1", "faults": [], "workload": info.workload, "valid": False,
        "not_valid": {"machine": "busy"}, "generator_late_ms": 1.5, "server_late_ms": 2.5,
        "sending_late_ms": {"p50": 0.1, "p99": 0.9},
        "processor": {"window_s": 1.0, "own_s": 0.5, "others_s": 0.25, "delayed_s": None,
                      "steal_s": None, "throttled_s": None},
        "drained": False, "cut_short": True, "gave_up": True, "notes": ["a note"],
    }  # fmt: skip


def test_a_fault_is_in_its_run_with_all_its_fields():
    runs = made_up(faults=[("server-crash", "server", 1, 2, 0.5, 0.7, 3, "records in flight")])
    (fault,) = as_json([runs])["runs"][0]["faults"]
    assert fault == {
        "label": "server-crash", "part": "server", "start_ns": 1, "end_ns": 2, "asked_start_s": 0.5,
        "asked_end_s": 0.7, "struck": 3, "unit": "records in flight", "whole_run": False,
        "missed": False, "takes_away": None, "in_force_ns": None,
    }  # fmt: skip


def test_several_choices_stand_side_by_side_with_their_load_and_the_sentences_of_all():
    one, other = made_up("http", 5, verdict={0: "lost"}), made_up("kafka", 5, verdict={0: "lost"})
    one.runs[0].workload = {"rate": None, "in_flight": 8}
    other.runs[0].loss_allowed, other.runs[0].guarantees = "acks=0", "acks=0"
    other.runs[0].valid, other.runs[0].cut_short = False, True
    content = as_json([one, other], ["no rate was found"], status=3)
    assert (content["format"], content["status"], content["protocols"]) == (2, 3, None)
    assert content["environment"] == {"date": "2026-01-01"}
    assert [choice["load"] for choice in content["choices"]] == [
        {"rate": None, "in_flight": 8, "poisson": False},
        {"rate": 1_000.0, "in_flight": None, "poisson": False},
    ]
    assert [choice["guarantees"] for choice in content["choices"]] == ["as set", "acks=0"]
    assert [list(choice["protocols"]) for choice in content["choices"]] == [["http"], ["kafka"]]
    assert [choice["settings"] for choice in content["choices"]] == [{}, {}]
    assert content["broken"] == one.broken
    assert content["findings"] == other.findings
    assert content["not_valid"] == other.not_valid
    assert content["unmeasured"] == [*other.unmeasured, "no rate was found"]
    assert [run["protocol"] for run in content["runs"]] == ["http", "kafka"]


def test_the_json_of_one_comparison_has_its_status_and_settings():
    runs = whole()
    content = as_json([runs])
    assert (content["status"], content["broken"]) == (0, [])
    assert content["choices"][0]["settings"] == {"kafka_acks": "all"}
    assert content["choices"][0]["protocols"] == content["protocols"]
    runs.timings.loc[0, "verdict"] = "lost"
    assert as_json([runs])["status"] == 1
    assert as_json([runs], status=0)["status"] == 0


def test_runs_of_which_there_are_none_have_no_protocols():
    runs = nothing()
    runs.runs = []
    runs.timings = pd.DataFrame(columns=runs.timings.columns)
    assert as_json([runs])["protocols"] == {}
