"""A project's past by unit and period: against a plain re-count."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from experiments.analysis.metrics import STOCK_VALUED, Aggregation, MetricSpec, What
from experiments.analysis.planned_periods import PlannedPeriods
from experiments.queries.panels import PastAsked, last_midnight, past_panel
from experiments.vocabulary import MetricKind, PeriodDesign, UnitKind
from tests.fixtures.pasts import sell
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SALES = MetricSpec("sales", 1, MetricKind.SUM, Aggregation(("Order Completed",), What.SUM_VALUE), window_hours=48)
RATE = MetricSpec(
    "rate",
    1,
    MetricKind.RATIO,
    Aggregation(("Order Completed",), What.SUM_VALUE),
    Aggregation(("Order Completed",), What.COUNT),
    window_hours=48,
)
TWO_DAYS = PlannedPeriods(2 * 1_440, PeriodDesign.BALANCED, burn_in=1_440, block=2)
ITEMS = ["a|1", "b", "c"]


def asked(project_id: int, *, spec: MetricSpec = SALES, days: int = 12, periods: PlannedPeriods = TWO_DAYS):
    return PastAsked(project_id, UnitKind.ITEM, spec, periods, days, MIDNIGHT, MIDNIGHT + DAY)


def amount(item: str, day: datetime) -> float:
    """Return what an item sells for: c sells on one day alone."""
    ago = (MIDNIGHT - day).days
    return (ago == 3) * 7.0 if item == "c" else ago + 100.0 * (item == "b")


def test_past_panel__periods_with_burn_in__count_their_second_day_back_from_midnight():
    project_id = make_project()
    sell(project_id, ITEMS, [MIDNIGHT - ago * DAY for ago in range(-1, 14)], amount)
    found = past_panel(asked(project_id))
    assert found is not None
    last_days = np.array([11.0, 9.0, 7.0, 5.0, 3.0, 1.0])
    assert found.above.tolist() == [last_days.tolist(), (100.0 + last_days).tolist(), [0, 0, 0, 0, 7.0, 0]]
    assert found.below is None


def test_past_panel__ratio__has_both_parts():
    project_id = make_project()
    sell(project_id, ITEMS, [MIDNIGHT - ago * DAY for ago in range(1, 5)], amount)
    found = past_panel(asked(project_id, spec=RATE, days=4))
    assert found is not None
    assert found.below is not None
    assert found.above.tolist() == [[3.0, 1.0], [103.0, 101.0], [7.0, 0.0]]
    assert found.below.tolist() == [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]]


def test_past_panel__before_the_first_sale__is_no_past():
    project_id = make_project()
    sell(project_id, ITEMS[:2], [MIDNIGHT - ago * DAY for ago in range(1, 5)], amount)
    found = past_panel(asked(project_id, days=40))
    assert found is not None
    assert (found.units, found.periods) == (2, 2)


def test_past_panel__nothing_or_too_little__is_none():
    project_id = make_project()
    assert past_panel(asked(project_id)) is None
    sell(make_project(key="other"), ITEMS, [MIDNIGHT - DAY], amount)
    assert past_panel(asked(project_id)) is None
    sell(project_id, ITEMS, [MIDNIGHT - DAY], amount)
    assert past_panel(asked(project_id, days=1)) is None


def test_past_panel__metric_that_needs_books__has_no_past():
    project_id = make_project()
    sell(project_id, ITEMS, [MIDNIGHT - ago * DAY for ago in range(1, 9)], amount)
    books = MetricSpec(
        "profit", 1, MetricKind.SUM, Aggregation(("Order Completed", STOCK_VALUED), What.SUM_VALUE), window_hours=48
    )
    assert past_panel(asked(project_id, spec=books)) is None


def test_last_midnight__is_that_of_the_time_zone():
    at = datetime(2026, 3, 2, 17, tzinfo=UTC)
    assert last_midnight(at, "Asia/Shanghai") == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert last_midnight(at, "UTC") == MIDNIGHT
