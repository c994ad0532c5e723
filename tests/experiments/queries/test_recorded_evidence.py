"""Levels of recorded units, against a plain recount of the file."""

import random
from pathlib import Path
from typing import Any

import pytest

from experiments.actions.analysis import differing_looks
from experiments.analysis.inputs import AnalysisInputs
from experiments.queries.analysis_inputs import recorded_inputs
from experiments.queries.designs import run_facts
from experiments.queries.plans import plan_of
from tests.experiments.recorded.material import make_manifest, write_csv
from tests.fixtures.recorded import import_files
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

OUTCOMES = [
    {"name": "conversion", "kind": "binary", "column": "converted", "role": "DECISION"},
    {"name": "orders", "kind": "count", "column": "orders", "role": "SECONDARY"},
]
Unit = tuple[str, str, int, int, str, str, str]


def drawn(seed: int, count: int = 300) -> list[Unit]:
    """Return units: id, arm, converted, orders, country, device, store."""
    dice = random.Random(seed)
    return [
        (
            f"u{index}",
            "ab"[index // 10 % 2],
            dice.randrange(2),
            dice.randrange(4),
            dice.choice(["US", "UK", ""]),
            dice.choice(["phone", "desk"]),
            f"s{index // 10}",
        )
        for index in range(count)
    ]


def imported(folder: Path, units: list[Unit], **changes: Any) -> tuple[int, AnalysisInputs]:
    make_project()
    path = write_csv(
        folder, *(",".join(map(str, unit)) for unit in units), header="id,arm,converted,orders,country,device,store"
    )
    parts = {"outcomes": OUTCOMES, "dimensions": ["country", "device"], **changes}
    (done,) = import_files(make_manifest(**parts), path)
    run, plan = run_facts(done.experiment_id), plan_of(done.experiment_id)
    return done.experiment_id, recorded_inputs(run=run, plan=plan)


def test_recorded_inputs__declared_dimensions__are_in_the_plan_and_counted_by_level(tmp_path: Path) -> None:
    units = drawn(1)
    experiment_id, inputs = imported(tmp_path, units)
    assert plan_of(experiment_id).dimensions == ("country", "device")
    assert {sums.metric for sums in inputs.segments} == {"conversion"}
    expected = {
        (dimension, level, variant): (
            sum(unit[1] == arm and unit[place] == level for unit in units),
            sum(unit[1] == arm and unit[place] == level and unit[2] for unit in units),
        )
        for dimension, place, levels in (("country", 4, ("US", "UK", "")), ("device", 5, ("phone", "desk")))
        for level in levels
        for variant, arm in (("control", "a"), ("treatment", "b"))
    }
    assert {
        (sums.dimension, sums.level, sums.variant): (sums.sums.n, sums.sums.total("y")) for sums in inputs.segments
    } == expected
    assert {
        (cell.dimension, cell.level, variant): count for cell in inputs.cells for variant, count in cell.units.items()
    } == {place: counts[0] for place, counts in expected.items()}
    assert {cell.stratum for cell in inputs.cells} == {"1"}


def test_recorded_inputs__clusters__count_in_each_level_that_their_units_have(tmp_path: Path) -> None:
    units = drawn(2)
    _, inputs = imported(tmp_path, units, columns={"variant": "arm", "cluster": "store"})
    for sums in inputs.segments:
        place = 4 if sums.dimension == "country" else 5
        arm = "a" if sums.variant == "control" else "b"
        totals: dict[str, int] = {}
        for unit in units:
            if unit[1] == arm and unit[place] == sums.level:
                totals[unit[6]] = totals.get(unit[6], 0) + unit[2]
        assert sums.sums.n == len(totals)
        assert sums.sums.total("y") == sum(totals.values())
        assert sums.sums.product("y", "y") == sum(total**2 for total in totals.values())
    assert sum(stratum.units["control"] for stratum in inputs.strata) == 15


def test_recorded_inputs__no_dimensions__have_no_levels(tmp_path: Path) -> None:
    _, inputs = imported(tmp_path, drawn(3), dimensions=None)
    assert (inputs.segments, inputs.cells, inputs.unfiltered) == ((), (), ())


def test_differing_looks__recorded_with_dimensions__finds_none(tmp_path: Path) -> None:
    experiment_id, _ = imported(tmp_path, drawn(4))
    assert differing_looks(experiment_id) == []
