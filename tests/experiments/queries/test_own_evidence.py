"""Inputs of a look against a plain recount: kept and filtered units, segments, cells by day and level."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from experiments.analysis.inputs import DAY_CELLS, FILTER_CELLS
from experiments.analysis.metrics import MetricSpec, variables
from experiments.models import Variant
from experiments.queries.own_evidence import OwnEvidence, read_own
from experiments.queries.strata import Strata
from experiments.statistics.moments import PowerSums
from tests.experiments.warehouse.shop import CONVERSION, END, FILTERS, REVENUE, First, Shop, counted, random_shop
from tests.fixtures.records import make_project, make_running

pytestmark = pytest.mark.django_db

ZONE = "Asia/Shanghai"
STRATA = Strata({1: {"control": 1, "treatment": 1}, 2: {"control": 1, "treatment": 3}}, {1: "1", 2: "2"})
ONE = Strata({1: {"control": 1, "treatment": 1}, 2: {"control": 1, "treatment": 1}}, {1: "1", 2: "1"})
Units = dict[str, First]


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Shop:
    project_id = make_project()
    return random_shop(project_id, make_running(project_id), getattr(request, "param", 0))


def names(shop: Shop) -> dict[int, str]:
    return dict(Variant.objects.filter(experiment_id=shop.experiment_id).values_list("pk", "key"))


def read(shop: Shop, strata: Strata = STRATA, **changes: Any) -> OwnEvidence:
    asked = {"filters": FILTERS, "dimensions": ("country", "agent"), "zone": ZONE} | changes
    return read_own(shop.question(**asked), names(shop), strata, ["conversion"])


def recount(shop: Shop, spec: MetricSpec, units: Units, place: Callable[[First], Any]) -> dict[Any, PowerSums]:
    """Return the sums of complete units by place."""
    closed: dict[Any, list[dict[str, int]]] = defaultdict(list)
    for unit, first in units.items():
        if first.at + timedelta(hours=spec.window_hours) <= END:
            closed[place(first)].append(shop.totals(spec, unit, first))
    keys = [variable.name for variable in variables(spec)]
    found = {}
    for where, rows in closed.items():
        total = PowerSums.zero(keys)
        for row in rows:
            values = [row[key] for key in keys]
            products = [a * b for index, a in enumerate(values) for b in values[index:]]
            nonzero = [int(value != 0) for value in values]
            total = total.merge(
                PowerSums(1, tuple(keys), tuple(values), tuple(products), tuple(nonzero), values[0] ** 3)
            )
        found[where] = total
    return found


def split(shop: Shop) -> tuple[Units, Units]:
    """Return the units that met one variant: those that are kept, and everybody."""
    everybody = {unit: first for unit, first in shop.first().items() if not first.crossed}
    return {unit: first for unit, first in everybody.items() if not shop.left_out(unit, first)}, everybody


@pytest.mark.parametrize("shop", [0, 1, 2], indirect=True)
def test_read_own__random_evidence__sums_equal_a_plain_recount(shop: Shop) -> None:
    kept, everybody = split(shop)
    found, keys = read(shop), names(shop)
    for given, units in ((found.sums, kept), (found.unfiltered, everybody)):
        by_place = {(sums.metric, sums.variant, sums.stratum): sums.sums for sums in given}
        for spec in (CONVERSION, REVENUE):
            expected = recount(shop, spec, units, lambda first: (keys[first.variant], str(first.epoch)))
            for place, sums in expected.items():
                assert by_place[spec.key, *place] == sums
            empty = {place for place, sums in by_place.items() if place[0] == spec.key and sums.n == 0}
            assert set(by_place) >= {(spec.key, *place) for place in expected}
            assert all(place[1:] not in expected for place in empty)
    assert sum(sums.sums.n for sums in found.unfiltered) > sum(sums.sums.n for sums in found.sums)


@pytest.mark.parametrize("shop", [0, 1], indirect=True)
def test_read_own__random_evidence__segments_hold_the_decision_metric_of_each_level(shop: Shop) -> None:
    kept, _ = split(shop)
    found, keys = read(shop), names(shop)
    assert {sums.metric for sums in found.segments} == {"conversion"}
    for dimension in ("country", "agent"):
        expected = recount(
            shop,
            CONVERSION,
            kept,
            lambda first, name=dimension: (first.level(name), keys[first.variant], str(first.epoch)),  # type: ignore[misc]
        )
        got = {
            (sums.level, sums.variant, sums.stratum): sums.sums
            for sums in found.segments
            if sums.dimension == dimension and sums.sums.n
        }
        assert got == expected
        assert "" in {level for level, _, _ in got}


def test_read_own__random_evidence__cells_and_counts_equal_a_plain_recount(shop: Shop) -> None:
    kept, everybody = split(shop)
    found, keys = read(shop), names(shop)
    zone = ZoneInfo(ZONE)
    expected = counted(
        (DAY_CELLS, first.at.astimezone(zone).date().isoformat(), str(first.epoch), keys[first.variant])
        for first in kept.values()
    )
    for dimension in ("country", "agent"):
        expected |= counted(
            (dimension, first.level(dimension), str(first.epoch), keys[first.variant]) for first in kept.values()
        )
    left_out = [(key, first) for unit, first in everybody.items() for key in shop.left_out(unit, first)]
    expected |= counted((FILTER_CELLS, key, str(first.epoch), keys[first.variant]) for key, first in left_out)
    got = {
        (cell.dimension, cell.level, cell.stratum, variant): count
        for cell in found.cells
        for variant, count in cell.units.items()
        if count
    }
    assert got == expected
    assert all(set(cell.units) == {"control", "treatment"} for cell in found.cells)
    by_filter = counted((key, keys[first.variant]) for key, first in left_out)
    assert {(key, v): n for key, counts in found.filtered.items() for v, n in counts.items() if n} == by_filter
    assert found.exclusions.filtered == len(everybody) - len(kept)
    assert found.exclusions.crossovers == len(shop.first()) - len(everybody)
    assert found.exclusions.immature == sum(first.at + timedelta(hours=168) > END for first in kept.values())
    assert found.units == len(kept) == sum(sum(stratum.units.values()) for stratum in found.strata)


def test_read_own__zones__put_the_same_units_on_other_days(shop: Shop) -> None:
    def days(zone: str) -> dict[str, int]:
        cells = [cell for cell in read(shop, zone=zone).cells if cell.dimension == DAY_CELLS]
        found: dict[str, int] = {}
        for cell in cells:
            found[cell.level] = found.get(cell.level, 0) + sum(cell.units.values())
        return found

    kept, _ = split(shop)
    for zone in ("UTC", "America/Los_Angeles", "Asia/Kathmandu"):
        assert days(zone) == counted(first.at.astimezone(ZoneInfo(zone)).date().isoformat() for first in kept.values())
    assert days("UTC") != days("America/Los_Angeles")


def test_read_own__epochs_of_one_split__share_a_stratum(shop: Shop) -> None:
    apart, together = read(shop), read(shop, strata=ONE)
    assert {sums.stratum for sums in together.sums} == {"1"}
    for metric in ("conversion", "revenue"):
        for variant in ("control", "treatment"):
            (one,) = [s.sums for s in together.sums if (s.metric, s.variant) == (metric, variant)]
            first, second = [s.sums for s in apart.sums if (s.metric, s.variant) == (metric, variant)]
            assert one == first.merge(second)


def test_read_own__asked_twice__gives_the_same_in_the_same_order(shop: Shop) -> None:
    assert read(shop) == read(shop)


def test_read_own__neither_filters_nor_dimensions__leaves_their_parts_empty(shop: Shop) -> None:
    found = read(shop, filters=(), dimensions=())
    assert (found.unfiltered, found.segments, found.filtered, found.exclusions.filtered) == ((), (), {}, 0)
    assert {cell.dimension for cell in found.cells} == {DAY_CELLS}
    with_filters = read(shop)
    assert found.sums == with_filters.unfiltered


def test_read_own__levels__come_by_size_in_the_order_of_the_dimensions(shop: Shop) -> None:
    found = read(shop, strata=ONE)
    levels = [(cell.dimension, cell.level, sum(cell.units.values())) for cell in found.cells]
    for dimension in ("country", "agent"):
        sizes = [size for name, _, size in levels if name == dimension]
        assert sizes == sorted(sizes, reverse=True)
    order = list(dict.fromkeys(name for name, _, _ in levels))
    assert order == [DAY_CELLS, "country", "agent", FILTER_CELLS]
    days = [level for name, level, _ in levels if name == DAY_CELLS]
    assert days == sorted(days)
