"""Whole tables get, row by row, what the engine gives each unit."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.assignment.bulk import BLOCK, assign_table
from experiments.assignment.bulk_table import TableUneven, UnitTable
from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Assignment, Snapshot
from experiments.vocabulary import Reason
from tests.experiments.assignment.builders import AT, SLOTS, arms, compiled, content, experiment, holdout, layer
from tests.experiments.assignment.test_engine_properties import ANY_UNIT, bundles
from tests.experiments.assignment.test_targeting import HELD

KINDS = ["visitor", "customer", "store"]


def row_by_row(table: UnitTable, at: datetime, snapshot: Snapshot, keys: list[str]) -> list[tuple[Assignment, ...]]:
    """Return the engine's answers of each row; what has no sticky column is not known."""
    ids = {key: found.id for key, found in snapshot.experiments.items()}
    return [
        assign(
            {kind: column[row] for kind, column in table.units.items()},  # type: ignore[misc]
            {name: column[row] for name, column in table.attributes.items()},
            at,
            {ids[key]: table.sticky[key][row] if key in table.sticky else None for key in ids},
            snapshot,
            keys=keys,
            personalised=table.personalised is None or table.personalised[row],
        )
        for row in range(table.rows)
    ]


def in_bulk(table: UnitTable, at: datetime, snapshot: Snapshot, keys: list[str]) -> list[tuple[Assignment, ...]]:
    columns = assign_table(table, at, snapshot, keys=keys)
    return [tuple(column.assignment(row) for column in columns) for row in range(table.rows)]


def assert_equal_row_by_row(table: UnitTable, at: datetime, snapshot: Snapshot) -> None:
    keys = list(snapshot.experiments)
    assert in_bulk(table, at, snapshot, keys) == row_by_row(table, at, snapshot, keys)


@st.composite
def tables(draw: st.DrawFn) -> UnitTable:
    rows = draw(st.integers(0, 6))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    return UnitTable(
        units={kind: column(ANY_UNIT) for kind in draw(st.sets(st.sampled_from(KINDS), min_size=1))},
        attributes={name: column(HELD) for name in draw(st.sets(st.sampled_from("xyz")))},
        sticky={
            f"experiment-{number}": column(st.sampled_from(["control", "arm-1", "gone", "", None]))
            for number in draw(st.sets(st.integers(1, 5), max_size=2))
        },
        personalised=draw(st.none() | st.just([])) if rows == 0 else draw(st.none()) or column(st.booleans()),
    )


@settings(max_examples=150)
@given(
    bundle=bundles(),
    table=tables(),
    sticky=st.lists(st.booleans(), min_size=5, max_size=5),
    periods=st.lists(st.sampled_from([None, None, "INDEPENDENT", "BALANCED"]), min_size=5, max_size=5),
    at=st.sampled_from([AT, AT + timedelta(minutes=30), AT + timedelta(hours=1), datetime(2025, 6, 1, tzinfo=UTC)]),
)
def test_assign_table__any_bundle_and_table__equals_the_engine_row_by_row(
    bundle: dict[str, Any], table: UnitTable, sticky: list[bool], periods: list[str | None], at: datetime
) -> None:
    for entry, is_sticky, design in zip(bundle["experiments"], sticky, periods, strict=False):
        entry["sticky"] = is_sticky
        if design is not None and entry["unit_kind"] == "store":
            entry |= {"sticky": False, "period": period(design)}
    assert_equal_row_by_row(
        table, at, compiled(*bundle["experiments"], layers=bundle["layers"], holdouts=bundle["holdouts"])
    )


def period(design: str) -> dict[str, Any]:
    anchor = "2026-01-01T00:00:00Z"
    hours = (AT - datetime.fromisoformat(anchor)) // timedelta(hours=1)
    kept_out = [[hours + 1, hours + 3]]
    return {
        "minutes": 60,
        "design": design,
        "burn_in": 15,
        "block": 4,
        "anchor": anchor,
        "blackouts": kept_out,
    }


@pytest.mark.parametrize("changes", [{}, {"coverage": 300_000}, {"layer": 1, "layer_ranges": [[0, SLOTS]]}])
def test_assign_table__several_blocks__equal_the_engine(changes: dict[str, Any]) -> None:
    ids: list[object] = [f"unit-{number}" for number in range(BLOCK + 50)]
    ids[BLOCK + 1], ids[3], ids[7] = 12, None, ""
    table = UnitTable({"visitor": ids}, {"x": [number % 5 for number in range(len(ids))]})
    audience = {"attribute": "x", "op": "gte", "value": 2}
    snapshot = compiled(
        experiment(1, audience=audience, holdout=1, overrides={"unit-9": "arm-1"}, **changes),
        experiment(2, unit_kind="customer"),
        layers=[layer(1)],
        holdouts=[holdout(1, share=200_000)],
    )

    assert_equal_row_by_row(table, AT, snapshot)


def test_assign_table__values_that_python_takes_for_equal__stay_different_to_an_audience() -> None:
    held = [1, 1.0, True, "1", None, math.nan, [1], {"a": 1}]
    table = UnitTable({"visitor": ["v"] * len(held)}, {"x": held})
    snapshot = compiled(
        experiment(1, audience={"attribute": "x", "op": "eq", "value": 1}),
        experiment(2, audience={"attribute": "x", "op": "eq", "value": True}),
        experiment(3, audience={"not": {"attribute": "x", "op": "in", "value": [1, "1"]}}),
    )

    assert_equal_row_by_row(table, AT, snapshot)
    assert_equal_row_by_row(UnitTable({"visitor": ["v"] * 3}, {"x": held[:3]}), AT, snapshot)


def test_assign_table__audience_that_fails_for_one_row__leaves_the_others_alone() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

    table = UnitTable({"visitor": ["a", "b"]}, {"x": ["DE", Odd()]})
    snapshot = compiled(
        experiment(1, audience={"attribute": "x", "op": "eq", "value": "DE"}),
        experiment(2),
    )

    assert_equal_row_by_row(table, AT, snapshot)
    failing, other = assign_table(table, AT, snapshot)
    assert [failing.assignment(row).reason for row in (0, 1)] == [Reason.SPLIT, Reason.ENGINE_ERROR]
    assert [other.assignment(row).reason for row in (0, 1)] == [Reason.SPLIT, Reason.SPLIT]


def test_assign_table__sticky_experiment_without_a_column__draws_nobody() -> None:
    table = UnitTable({"visitor": ["a", "b", "c"]})
    snapshot = compiled(experiment(1, sticky=True))

    (column,) = assign_table(table, AT, snapshot)
    assert {answer.reason: rows for answer, rows in column.counts().items()} == {Reason.STICKY_UNAVAILABLE: 3}

    kept = UnitTable(table.units, sticky={"experiment-1": ["arm-1", "", None]})
    (column,) = assign_table(kept, AT, snapshot)
    assert [column.assignment(row).reason for row in range(3)] == [
        Reason.STICKY,
        Reason.SPLIT,
        Reason.STICKY_UNAVAILABLE,
    ]


def test_assign_table__without_keys__takes_the_experiments_of_its_kinds() -> None:
    snapshot = compiled(experiment(1), experiment(2, unit_kind="customer"), experiment(3, status="PAUSED"))

    columns = assign_table(UnitTable({"visitor": ["a"]}), AT, snapshot)
    assert [column.experiment_key for column in columns] == ["experiment-1", "experiment-3"]


def test_assign_table__unknown_and_repeated_keys__answer_each_in_order() -> None:
    snapshot = compiled(experiment(1))

    columns = assign_table(UnitTable({"visitor": ["a", "b"]}), AT, snapshot, keys=["gone", "experiment-1", "gone"])

    assert [column.experiment_key for column in columns] == ["gone", "experiment-1", "gone"]
    assert columns[0].assignment(1).reason is Reason.UNKNOWN_EXPERIMENT
    assert columns[0].assignment(1).slots == (None, None, None)


def test_assign_table__columns_of_different_lengths__are_refused() -> None:
    with pytest.raises(TableUneven, match="2, 3 rows"):
        assign_table(UnitTable({"visitor": ["a", "b"]}, {"x": [1, 2, 3]}), AT, compiled(experiment(1)))


def test_assign_table__no_rows__gives_empty_columns() -> None:
    (column,) = assign_table(UnitTable({"visitor": []}), AT, compiled(experiment(1), layers=[layer(1)]))
    assert len(column.codes) == len(column.layer_slots) == 0
    assert column.counts() == {}


def test_counts__of_a_column__say_how_many_rows_got_what() -> None:
    snapshot = compiled(experiment(1, variants=arms(0, SLOTS)))
    (column,) = assign_table(UnitTable({"visitor": ["a", "b", ""]}), AT, snapshot)
    found = {(answer.variant, answer.reason): rows for answer, rows in column.counts().items()}
    assert found == {("arm-1", Reason.SPLIT): 2, ("control", Reason.UNIT_MISSING): 1}
    assert content(experiment(1))["version"] == snapshot.version
