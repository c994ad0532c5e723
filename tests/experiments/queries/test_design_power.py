"""Drafts by period, rehearsed on the past of their project: the figures, the sentence, the command and the page."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from experiments.admin.guidance import guide_of
from experiments.queries.design_power import NoPast, PowerImpossible, design_power, power_at_a_glance
from experiments.reports.design_power import power_sentence, power_table
from tests.fixtures.cells import SALES
from tests.fixtures.pasts import sell
from tests.fixtures.records import NOW, make_draft, make_project

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
ITEMS = [f"item-{number:02d}" for number in range(16)]


def draft(project_id: int, **changes) -> int:
    values = {
        "unit_kind": "item",
        "period_minutes": 7 * 1_440,
        "period_design": "BALANCED",
        "burn_in_minutes": 1_440,
        "horizon_days": 56,
        "definitions": (SALES,),
        "key": "prices",
    }
    return make_draft(project_id, **values | changes)


def live(project_id: int, *, until: datetime = MIDNIGHT, days: int = 90, items: list[str] | None = None) -> None:
    """Let items sell for amounts whose levels differ a little and whose days are uneven."""
    rng = np.random.default_rng(41)
    kept = items or ITEMS
    levels = dict(zip(kept, rng.uniform(80.0, 120.0, len(kept)), strict=True))
    midnights = [until - ago * DAY for ago in range(1, days + 1)]
    sell(project_id, kept, midnights, lambda item, _day: levels[item] * rng.lognormal(0.0, 0.2))


def test_design_power__past_of_ninety_days__says_what_the_design_would_find():
    project_id = make_project()
    live(project_id)
    experiment_id = draft(project_id)
    found = design_power(experiment_id, now=NOW, draws=100)
    assert found is not None
    assert (found.units, found.available, found.planned, found.why) == (16, 12, 8, None)
    assert [each.periods for each in found.found] == [4, 8]
    best = found.of_design
    assert best is not None
    assert best.periods == 8
    assert best.detectable is not None
    assert 0.02 < best.detectable < found.found[0].detectable < 0.3
    assert best.false_positives < 0.15
    assert found == design_power(experiment_id, now=NOW, draws=100)
    sentence = power_sentence(found)
    assert sentence.startswith("By your last 90 days, with 16 units in 8 periods of 7 days you would find +")
    assert sentence.endswith("of sales with 80% power.")
    assert len(list(power_table(found))) == 3


def test_design_power__design_longer_than_the_past__says_so():
    project_id = make_project()
    live(project_id, days=40)
    found = design_power(draft(project_id), now=NOW, draws=20)
    assert found is not None
    assert (found.available, [each.periods for each in found.found]) == (6, [4, 6])
    assert power_sentence(found).endswith("The design plans 8 periods, for which there is too little history.")


@pytest.mark.parametrize(
    ("days", "items", "why", "sentence"),
    [
        (0, ITEMS, NoPast.NOTHING_HAPPENED, "The last 90 days have nothing of sales"),
        (21, ITEMS, NoPast.TOO_SHORT, "There is too little history: 3 whole periods"),
        (60, ITEMS[:2], None, "There is too little history, or there are too few units, for an error: 2 units in 8"),
    ],
)
def test_design_power__past_that_says_nothing__says_why(days, items, why, sentence):
    project_id = make_project()
    live(project_id, days=days, items=items)
    found = design_power(draft(project_id), now=NOW, draws=20)
    assert found is not None
    assert found.why is why
    assert power_sentence(found).startswith(sentence)


def test_design_power__units_that_are_randomised_once__cannot_be_rehearsed():
    with pytest.raises(PowerImpossible):
        design_power(make_draft(make_project()), now=NOW)


def test_glance__more_cells_than_somebody_waits_for__is_none():
    project_id = make_project()
    live(project_id, days=30)
    experiment_id = draft(project_id)
    assert power_at_a_glance(experiment_id, now=NOW, draws=20, most_cells=16 * 5 - 1) is None
    assert power_at_a_glance(experiment_id, now=NOW, draws=20, most_cells=16 * 5) is not None


@pytest.mark.parametrize("horizon_days", [28, 56, None])
def test_glance__design__is_rehearsed_as_planned_and_nothing_else(horizon_days):
    project_id = make_project()
    live(project_id)
    experiment_id = draft(project_id, horizon_days=horizon_days)
    whole = design_power(experiment_id, now=NOW, draws=40)
    found = power_at_a_glance(experiment_id, now=NOW, draws=40, most_cells=1_000)
    assert found is not None
    assert found.found == (whole.of_design,)
    assert len(whole.found) > 1
    assert power_sentence(found) == power_sentence(whole)


def test_command__draft__prints_sentence_and_table():
    project_id = make_project()
    live(project_id, until=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0))
    draft(project_id)
    out = StringIO()
    call_command("design_power", "prices", "--draws", "50", stdout=out)
    said = out.getvalue().splitlines()
    assert said[0].startswith("By your last 90 days, with 16 units in 8 periods of 7 days you would find +")
    assert [line.split()[0] for line in said[2:]] == ["periods", "4", "8"]


def test_command__what_cannot_be__is_refused():
    with pytest.raises(CommandError, match="EXPERIMENT_UNKNOWN"):
        call_command("design_power", "nowhere")
    with pytest.raises(CommandError, match="--days"):
        call_command("design_power", "nowhere", "--days", "0")
    make_draft(make_project(), key="once")
    with pytest.raises(CommandError, match="POWER_IMPOSSIBLE"):
        call_command("design_power", "once")


def test_guide__draft_by_period__says_what_it_would_find(admin_client: Client):
    project_id = make_project()
    live(project_id, until=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0))
    page = reverse("admin:experiments_experiment_change", args=[draft(project_id)])
    shown = admin_client.get(page).content.decode()
    assert "By your last 90 days, with 16 units in 8 periods of 7 days you would find +" in shown


def test_guide__other_drafts__say_nothing_of_it():
    guide = guide_of(make_draft(make_project()), now=NOW)
    assert guide is not None
    assert guide.power == ""
