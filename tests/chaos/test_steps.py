"""How the steps judge what they measured, and that what they send is what they say."""

import json

import pytest

from benchmarks.load import Load
from decisions.ingest.envelopes import open_batch, read_message
from decisions.ingest.validation import ValidMessage, validate
from tests.chaos.flood import IMPOLITE
from tests.chaos.messages import batch, exposure, message, order, zipped
from tests.chaos.steps import overload, poison, replay, speed
from tests.experiments.assignment.builders import AT


def load(milliseconds: float, *, status: int = 200) -> Load:
    return Load(seconds=1.0, latencies=[milliseconds / 1_000] * 100, statuses={status: 100})


@pytest.mark.parametrize(
    ("measured", "bare", "each", "kept"),
    [(2.0, 1.0, 9.0, True), (4.0, 1.0, 0.1, False), (400.0, 40.0, 0.5, True), (400.0, 40.0, 2.0, False)],
)
def test_latency__on_a_busy_machine__is_judged_by_processor_time(measured, bare, each, kept):
    assert speed.judge(load(measured), load(bare), each=each).kept is kept


GOOD = {"202": 50, "503": 400}


@pytest.mark.parametrize(
    ("flooded", "apart", "bare", "counts", "grown", "kept"),
    [
        (load(15), load(15), load(1), GOOD, 20.0, True),
        (load(90), load(15), load(1), GOOD, 20.0, True),
        (load(15), load(25), load(1), GOOD, 20.0, False),
        (load(15), load(25), load(15), GOOD, 20.0, True),
        (load(15), load(15), load(1), GOOD, 120.0, False),
        (load(15), load(15), load(1), {"202": 50}, 20.0, False),
        (load(15), load(15), load(1), GOOD | {IMPOLITE: 1}, 20.0, False),
        (load(15), load(15), load(1), GOOD | {"500": 1}, 20.0, False),
        (load(15), load(15), load(1), GOOD | {"BrokenPipeError": 1}, 20.0, False),
        (load(15, status=503), load(15), load(1), GOOD, 20.0, False),
    ],
)
def test_overload__politeness_memory_and_latency__must_all_hold(flooded, apart, bare, counts, grown, kept):
    calm = overload.Storm(load(5), load(5), load(1))
    assert overload.judge(calm, overload.Storm(flooded, apart, bare), dict(counts), grown=grown).kept is kept


def test_messages__good_ones__are_valid_and_poisons_are_not():
    good = [message("m"), order("o", at=AT), exposure("e", visitor="v", token="t", experiment="button", at=AT)]
    raws = [json.dumps(one).encode() for one in good]
    for raw in [*raws, *poison.poisons().values()]:
        read = read_message(raw)
        valid = validate(read, raw, attributes=frozenset()) if not isinstance(read, str) else read
        assert isinstance(valid, ValidMessage) is (raw in raws), raw[:100]
    assert len(open_batch(json.dumps(batch(good)).encode()).messages) == 3
    assert zipped({})[:2] == b"\x1f\x8b"


def test_mixture__of_the_accounting__has_good_repeated_refused_and_meaningless_messages():
    made = replay.mixture(1_000)
    assert len(made) == 1_000
    ids = [one["messageId"] for one in made if one["event"]]
    assert len(ids) - len(set(ids)) == 100
    assert sum(not one["event"] for one in made) == 100
    assert sum(one["properties"].get("revenue") == "many" for one in made) == 100
