"""DataFrames and Arrow tables in, the same with their assignments out."""

from importlib import import_module
from typing import Any

import pyarrow as pa
import pytest

from experiments.assignment.engine import assign
from experiments.bulk.columns import Attribute, ColumnUnusable
from experiments.bulk.frames import Layout, assign_frame
from tests.experiments.assignment.builders import AT, compiled, experiment

LAYOUT = Layout(unit_kind="visitor", id_column="shopper", attributes=(Attribute("country"),))
DATA: dict[str, list[Any]] = {"shopper": ["a", "b", "c"], "country": ["DE", None, "DE"], "note": [1, 2, 3]}
SNAPSHOT = compiled(experiment(1, audience={"attribute": "country", "op": "eq", "value": "DE"}))


def expected() -> list[str | None]:
    answers = [
        assign({"visitor": unit}, {"country": country}, AT, None, SNAPSHOT, keys=["experiment-1"])[0]
        for unit, country in zip(DATA["shopper"], DATA["country"], strict=True)
    ]
    assert [answer.enrolled for answer in answers] == [True, False, True]
    return [answer.variant for answer in answers]


def test_assign_frame__arrow_table__keeps_its_columns_and_gets_the_answers() -> None:
    table = pa.table(DATA)
    found = assign_frame(table, LAYOUT, AT, SNAPSHOT)

    assert found.select(["shopper", "country", "note"]) == table
    assert found["experiment-1.variant"].to_pylist() == expected()
    assert found["experiment-1.enrolled"].to_pylist() == [True, False, True]
    assert found["experiment-1.coverage_slot"].null_count == 3


def test_assign_frame__anything_that_gives_an_arrow_stream__is_taken() -> None:
    class Streamed:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table(DATA).__arrow_c_stream__(requested_schema)

    found = assign_frame(Streamed(), LAYOUT, AT, SNAPSHOT, keys=["experiment-1"])
    assert found["experiment-1.variant"].to_pylist() == expected()


def test_assign_frame__pandas__keeps_its_index() -> None:
    pandas = import_module("pandas")  # Not at the top: the product itself never imports it.
    frame = pandas.DataFrame(DATA, index=[10, 20, 30])
    found = assign_frame(frame, LAYOUT, AT, SNAPSHOT)

    assert list(found.index) == [10, 20, 30]
    assert list(found["experiment-1.variant"]) == expected()
    with pytest.raises(ColumnUnusable, match="ids are texts"):
        assign_frame(frame.assign(shopper=[1, 2, 3]), LAYOUT, AT, SNAPSHOT)


def test_assign_frame__missing_column__is_told() -> None:
    with pytest.raises(ColumnUnusable, match="no column 'country'"):
        assign_frame(pa.table({"shopper": ["a"]}), LAYOUT, AT, SNAPSHOT)


def test_assign_frame__numbers_as_ids__are_refused() -> None:
    with pytest.raises(ColumnUnusable, match="ids are texts"):
        assign_frame(pa.table({"shopper": [1], "country": ["DE"]}), LAYOUT, AT, SNAPSHOT)
