"""Whole tables give what the published vectors say: tests/golden/assignment.json."""

import hashlib
import json
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from experiments.assignment.bulk import assign_table
from experiments.assignment.bulk_table import AssignmentColumn, UnitTable
from experiments.assignment.compiler import compile_snapshot
from tests.golden import generate, vectors

GOLDEN: dict[str, Any] = json.loads(generate.PATH.read_text(encoding="ascii"))
SNAPSHOT = compile_snapshot(GOLDEN["bundle"])
AT = datetime.fromisoformat(GOLDEN["at"])
KEYS = list(SNAPSHOT.experiments)


def codes(ids: list[Any], attributes: list[dict[str, Any]]) -> dict[str, str]:
    """Return, for each experiment, the character that the file uses for each row."""
    names = ("country", "orders")
    table = UnitTable({"visitor": ids}, {name: [held.get(name) for held in attributes] for name in names})
    return {column.experiment_key: _text(column) for column in assign_table(table, AT, SNAPSHOT, keys=KEYS)}


def _text(column: AssignmentColumn) -> str:
    variants = list(SNAPSHOT.experiments[column.experiment_key].variants)
    of_answer = [vectors.code(a.reason, str(a.variant), variants, GOLDEN["reasons"]) for a in column.answers]
    return "".join(np.array(of_answer, dtype=object)[column.codes])


def test_golden__ten_thousand_units_in_one_table__get_their_variants_and_reasons() -> None:
    numbers = range(10_000)
    ids, attributes = [vectors.unit_id(n) for n in numbers], [vectors.attributes(n) for n in numbers]
    assert codes(ids, attributes) == GOLDEN["outcomes"]


def test_golden__special_ids_in_one_table__are_assigned_or_refused_as_written() -> None:
    ids = [vectors.special_id(entry["id"]) for entry in GOLDEN["special"]]
    found = codes(ids, [{} for _ in ids])
    assert ["".join(found[key][row] for key in KEYS) for row in range(len(ids))] == [
        entry["codes"] for entry in GOLDEN["special"]
    ]


@pytest.mark.nightly
def test_golden__a_million_units_in_tables__have_the_published_digest() -> None:
    digest = hashlib.sha256()
    for start in range(0, 1_000_000, 10_000):
        numbers = range(start, start + 10_000)
        found = codes([vectors.unit_id(n) for n in numbers], [vectors.attributes(n) for n in numbers])
        for key in KEYS:
            digest.update(f"{key}:{found[key]}\n".encode())

    assert digest.hexdigest() == GOLDEN["million"]["sha256"]
