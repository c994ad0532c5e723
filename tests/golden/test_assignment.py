"""The engine gives what the published vectors say: tests/golden/assignment.json."""

import hashlib
import json
from datetime import datetime
from typing import Any

import pytest

from experiments.assignment.bucketing import Purpose, draw_slot, encode_unit, slot_prefix
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from tests.golden import generate, vectors

GOLDEN: dict[str, Any] = json.loads(generate.PATH.read_text(encoding="ascii"))
SNAPSHOT = compile_snapshot(GOLDEN["bundle"])
AT = datetime.fromisoformat(GOLDEN["at"])
PURPOSES = [Purpose(name) for name in generate.PURPOSES]
KEYS = list(SNAPSHOT.experiments)
VARIANTS = {key: list(found.variants) for key, found in SNAPSHOT.experiments.items()}


def codes(unit: Any, attributes: dict[str, Any]) -> list[str]:
    """Return the engine's answer of each experiment as the character that the file uses."""
    answers = assign({"visitor": unit}, attributes, AT, None, SNAPSHOT, keys=KEYS)
    return [vectors.code(a.reason, str(a.variant), VARIANTS[a.experiment_key], GOLDEN["reasons"]) for a in answers]


def test_golden__file__is_small_and_still_says_what_the_generator_says() -> None:
    assert generate.PATH.stat().st_size < 1_500_000
    assert GOLDEN["bundle"] == generate.content()
    assert GOLDEN["templates"] == list(vectors.TEMPLATES)
    assert generate.outcomes(GOLDEN["bundle"], range(200)) == {k: v[:200] for k, v in GOLDEN["outcomes"].items()}


def test_golden__ten_thousand_ids__fall_into_their_slots() -> None:
    slots = GOLDEN["slots"]
    for purpose in PURPOSES:
        prefix = slot_prefix(slots["salt"], purpose)
        assert [draw_slot(prefix, vectors.unit_id(n).encode()) for n in range(10_000)] == slots[purpose.value]


def test_golden__ten_thousand_units__get_their_variants_and_reasons() -> None:
    mismatches = [
        n
        for n in range(10_000)
        if codes(vectors.unit_id(n), vectors.attributes(n)) != [GOLDEN["outcomes"][key][n] for key in KEYS]
    ]
    assert mismatches == []


def test_golden__special_ids__are_assigned_or_refused_as_written() -> None:
    assert len(GOLDEN["special"]) >= 30
    for entry in GOLDEN["special"]:
        unit = vectors.special_id(entry["id"])
        assert "".join(codes(unit, {})) == entry["codes"], entry["id"]
        encoded = encode_unit(unit)
        if entry["slots"] is None:
            assert encoded is None
        else:
            assert encoded is not None
            drawn = [draw_slot(slot_prefix(GOLDEN["slots"]["salt"], purpose), encoded) for purpose in PURPOSES]
            assert drawn == entry["slots"]


@pytest.mark.nightly
def test_golden__a_million_units__have_the_published_digest() -> None:
    digest = hashlib.sha256()
    for start in range(0, 1_000_000, 10_000):
        block = [codes(vectors.unit_id(n), vectors.attributes(n)) for n in range(start, start + 10_000)]
        for position, key in enumerate(KEYS):
            digest.update(f"{key}:{''.join(found[position] for found in block)}\n".encode())

    assert digest.hexdigest() == GOLDEN["million"]["sha256"]
