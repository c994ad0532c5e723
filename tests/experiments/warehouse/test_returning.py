"""Who comes back after a week, by browser, beside a plain count over the same rows."""

from datetime import timedelta

import pytest

from experiments.analysis.inputs import BrowserReturns, History
from experiments.queries.analysis_inputs import own_inputs
from experiments.queries.designs import run_facts
from experiments.queries.plans import plan_of
from experiments.warehouse.postgres import rows
from experiments.warehouse.returning import returning
from foundation.models import Project
from tests.experiments.warehouse.shop import END, RECEIVED, Shop
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def shop() -> Shop:
    project_id = make_project()
    return Shop(project_id, make_running(project_id))


def counts(made: Shop, **changes: object) -> dict[str, tuple[int, int]]:
    found = rows(returning(made.question(**changes)))
    return {row["browser"]: (row["visitors"], row["returned"]) for row in found}


def test_returning__edges_of_the_days__are_counted_to_the_second() -> None:
    made = shop()
    for name, after in (
        ("too-early", 7 * DAY),
        ("first", 7 * DAY + SECOND),
        ("last", 10 * DAY),
        ("too-late", 10 * DAY + SECOND),
    ):
        made.expose(name, NOW, browser=name)
        made.act(name, "Product Viewed", NOW + after, times=2)
    made.store()
    assert counts(made) == {"too-early": (1, 0), "first": (1, 1), "last": (1, 1), "too-late": (1, 0)}


def test_returning__visitors_whose_ten_days_are_not_over__are_left_out() -> None:
    made = shop()
    made.expose("old", END - 10 * DAY, browser="safari")
    made.expose("young", END - 10 * DAY + SECOND, browser="safari")
    made.expose("unknown", NOW)
    made.expose("twice", NOW, browser="chrome")
    made.expose("twice", NOW + 9 * DAY, browser="safari")
    for name in ("old", "young", "unknown", "twice"):
        made.act(name, "Order Completed", END - DAY)
    made.store()
    assert counts(made) == {"safari": (1, 1), "chrome": (1, 0)}


def test_returning__messages_that_came_after_the_look__change_nothing() -> None:
    made = shop()
    made.expose("a", NOW, browser="safari")
    made.outcomes.append(("a", "Product Viewed", NOW + 8 * DAY, RECEIVED, 0, 0))
    made.store()
    assert counts(made) == {"safari": (1, 0)}
    assert counts(made, received_before=RECEIVED + SECOND) == {"safari": (1, 1)}


def test_own_inputs__project_that_stores_browsers__knows_who_came_back() -> None:
    made = shop()
    made.expose("a", NOW + SECOND, browser="safari")
    made.expose("b", NOW + SECOND, browser="chrome")
    made.act("b", "Product Viewed", NOW + 8 * DAY)
    made.store()

    def found() -> tuple[BrowserReturns, ...]:
        asked = {"window_end": END, "received_before": RECEIVED, "history": History()}
        run = run_facts(made.experiment_id)
        return own_inputs(run=run, plan=plan_of(made.experiment_id), **asked).health.returns  # type: ignore[arg-type]

    Project.objects.filter(pk=made.project_id).update(attributes=["country"])
    assert found() == ()
    Project.objects.filter(pk=made.project_id).update(attributes=["browser"])
    assert found() == (BrowserReturns("chrome", 1, 1), BrowserReturns("safari", 1, 0))
