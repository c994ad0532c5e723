"""The examination of a history: every contradiction is named, and a history without one is not accused."""

import json
import threading
from dataclasses import asdict
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.history import (
    Contradiction,
    Ended,
    Entry,
    Fault,
    Op,
    Recorder,
    by_kind,
    contradictions,
    read_history,
)

CLOCK = count()


def store(identity: str, ended: Ended) -> Entry:
    at = float(next(CLOCK))
    return Entry(Op.STORE, identity, at, at + 0.5, ended)


def assigned(
    unit: str, arm: str, *, cfg: int = 1, process: str | None = "edge#1", at: float = 0.0, until: float | None = None
) -> Entry:
    ended = at + 0.5 if until is None else until
    return Entry(Op.ASSIGN, unit, at, ended, Ended.OK, result=("button", arm), cfg=cfg, process=process)


@pytest.mark.parametrize(
    ("ends", "times", "expected"),
    [
        ([Ended.OK], 1, None),
        ([Ended.OK], 0, Contradiction.LOST),
        ([Ended.OK], 2, Contradiction.TWICE),
        ([Ended.INFO], 0, None),
        ([Ended.INFO], 1, None),
        ([Ended.INFO], 2, Contradiction.TWICE),
        ([Ended.FAIL], 0, None),
        ([Ended.FAIL], 1, Contradiction.REFUSED_YET_STORED),
        ([Ended.INFO, Ended.INFO, Ended.OK], 1, None),
        ([Ended.INFO, Ended.OK], 0, Contradiction.LOST),
        ([Ended.INFO, Ended.FAIL], 1, None),
    ],
)
def test_stores__by_how_they_ended_and_how_often_they_are_there__are_judged(ends, times, expected):
    found = contradictions([store("m", end) for end in ends], {"m": times} if times else {})
    assert found == ([Fault(expected, "m")] if expected else [])


def test_stores__many_messages__are_told_apart():
    history = [store("a", Ended.OK), store("b", Ended.OK), store("c", Ended.FAIL)]
    found = contradictions(history, {"b": 1, "c": 1, "of somebody else": 5})
    assert by_kind(found) == {"confirmed and not stored": 1, "refused and stored": 1}


def test_arms__two_under_one_version__are_a_switch_and_under_two_are_none():
    same = [assigned("v", "control", at=0), assigned("v", "control", at=1), assigned("w", "treatment", at=2)]
    changed = [assigned("v", "treatment", cfg=2, at=3)]
    assert contradictions([*same, *changed], {}) == []
    assert contradictions([*same, assigned("v", "treatment", at=4)], {}) == [Fault(Contradiction.SWITCHED, "v")]


def test_versions__older_after_newer__went_back():
    newer, older = assigned("v", "control", cfg=2, at=0), assigned("w", "control", cfg=1, at=1)
    assert contradictions([older, newer], {}) == [Fault(Contradiction.WENT_BACK, "w")]


@pytest.mark.parametrize(
    "older",
    [
        assigned("w", "control", cfg=1, at=0.2, until=0.9),
        assigned("w", "control", cfg=1, at=1, process="edge#2"),
        assigned("w", "control", cfg=1, at=1, process=None),
    ],
)
def test_versions__overlapping_or_of_another_or_an_uncertain_process__prove_nothing(older):
    assert contradictions([assigned("v", "control", cfg=2, at=0), older], {}) == []


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 2)), max_size=30))
def test_versions__of_a_process_that_only_rises__are_never_accused(steps):
    history, now, cfg = [], 0.0, 1
    for rise, pause in steps:
        cfg += rise - 1
        history.append(assigned("v", f"arm-{cfg}", cfg=cfg, at=now, until=now + pause))
        now += pause + 0.1
    assert contradictions(history, {}) == []
    assert contradictions(history[::-1], {}) == []


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_versions__any_intervals__agree_with_comparing_every_pair(drawn):
    history = [
        assigned(f"v{place}", f"arm-{cfg}", cfg=cfg, at=a, until=a + b) for place, (cfg, a, b) in enumerate(drawn)
    ]
    naive = {
        later.id
        for later in history
        for earlier in history
        if earlier.return_ts < later.invoke_ts and (earlier.cfg or 0) > (later.cfg or 0)
    }
    found = [fault for fault in contradictions(history, {}) if fault.kind is Contradiction.WENT_BACK]
    assert {fault.id for fault in found} == naive
    assert len(found) == len(naive)


def test_recorder__several_threads__writes_whole_lines_that_read_back(tmp_path: Path):
    recorder = Recorder(tmp_path / "history.jsonl")
    entries = [[store(f"{thread}-{n}", Ended.INFO) for n in range(200)] for thread in range(4)]
    threads = [threading.Thread(target=recorder.add, args=(own,)) for own in entries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.add([assigned("v", "control")])
    recorder.close()

    found = read_history(tmp_path / "history.jsonl")

    assert sorted(entry.id for entry in found) == sorted([entry.id for own in entries for entry in own] + ["v"])
    assert found[-1] == assigned("v", "control")
    line = (tmp_path / "history.jsonl").read_text().splitlines()[0]
    assert json.loads(line).keys() == asdict(found[0]).keys()
