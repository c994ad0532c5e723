"""Batches on the pages of the console: what was decided and became of it, as files too, and what to do next."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from decisions.actions.acknowledging import acknowledge
from decisions.models import BatchDecision, DecisionBatch, DecisionPoint, StockCount
from decisions.queries import batch_records
from experiments.models import Experiment
from tests.decisions.menus import decision_of, priced, stocked
from tests.fixtures.batches import first_period, made, make_batch_experiment, make_batch_point, make_priced
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> int:
    return make_project()


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    return client


def shown(manager: Client, path: str) -> str:
    answer = manager.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_point__without_a_cadence__is_told_to_say_one(manager, project):
    make_batch_point(project, every_minutes=None)
    page = shown(manager, "/d/prices")
    assert "Makes no batches" in page
    assert "Say so in its form." in page


def test_point__with_batches__lists_them_with_files_settings_and_reasons(manager, project):
    batch = priced(project)
    DecisionPoint.objects.update(settings={"max_step": 0.05})
    page = shown(manager, "/d/prices")
    assert f"/d/prices/batches/{batch.pk}?project=" in page
    assert f"/d/prices/batches/{batch.pk}.csv?project=" in page
    assert "<dt>Largest step</dt><dd>0.05</dd>" in page
    assert "<dt>Decides every</dt><dd>1 day</dd>" in page
    assert "Baseline: the model does not know the item" in page


def test_point__as_json__has_cadence_settings_and_batches(manager, project):
    batch = priced(project)
    told = manager.get("/d/prices.json").json()["batches"]
    assert (told["every_minutes"], told["settings"]["max_step"]) == (1440, 0.1)
    assert [found["batch"] for found in told["newest"]] == [batch.pk]


def test_point__whose_batch_is_missing__says_that_it_is_late(manager, project):
    make_batch_point(project)
    assert "A batch is late" in shown(manager, "/d/prices")


def test_batch__page__says_before_decided_change_reason_and_state(manager, project):
    batch = priced(project)
    acknowledge(
        batch_id=batch.pk,
        project_id=project,
        items=[{"subject": "cup", "status": "overridden", "value": "18.50", "note": "label printed"}],
        actor="shop",
        now=NOW,
    )
    page = shown(manager, f"/d/prices/batches/{batch.pk}")
    assert f"/d/prices/{decision_of(batch, 'cup')}" in page
    assert "−10.0%" in page
    assert "Overridden</span> 18.50" in " ".join(page.split()).replace(" </span>", "</span>")
    assert "label printed" in page
    assert "Nothing to do" in page
    narrowed = shown(manager, f"/d/prices/batches/{batch.pk}?only=changed")
    assert ">cup</a>" in narrowed
    assert ">pot</a>" not in narrowed


def test_batch__longer_than_a_page__is_turned_without_gaps(manager, project, monkeypatch):
    monkeypatch.setattr(batch_records, "LINES", 2)
    batch = priced(project)
    first = shown(manager, f"/d/prices/batches/{batch.pk}")
    assert ">pot</a>" not in first
    assert "after=jug" in first
    second = shown(manager, f"/d/prices/batches/{batch.pk}?after=jug")
    assert ">pot</a>" in second
    assert ">jug</a>" not in second
    assert "From the beginning" in second
    assert 'rel="next"' not in second


def test_batch__files__are_those_of_the_interface_and_deliver_nothing(manager, project):
    batch = priced(project)
    table = manager.get(f"/d/prices/batches/{batch.pk}.csv")
    assert table.content.decode().splitlines()[1].startswith("cup,cup,,18.00,20.00,MODEL")
    assert len(manager.get(f"/d/prices/batches/{batch.pk}.json").json()["decisions"]) == 3
    assert DecisionBatch.objects.get().delivered_at is None


@pytest.mark.parametrize("path", ["/d/prices/batches/999", "/d/other/batches/1", "/d/prices/batches/999.csv"])
def test_batch__that_is_not_there__is_not_found(manager, project, path):
    make_batch_point(project)
    assert manager.get(path).status_code == 404


def test_batch__of_another_point__is_not_found(manager, project):
    batch = priced(project)
    make_batch_point(project, key="shelf")
    assert manager.get(f"/d/shelf/batches/{batch.pk}").status_code == 404


def test_batch__person_without_permission__sees_nothing(project):
    batch = priced(project)
    client = Client()
    client.force_login(User.objects.create(username="colleague", is_staff=True))
    assert client.get(f"/d/prices/batches/{batch.pk}").status_code == 403


def test_batch__counts_that_are_missing__says_what_to_send(manager, project):
    batch = stocked(project)
    StockCount.objects.all().delete()
    BatchDecision.objects.filter(batch=batch).update(reason="STOCK_MISSING")
    DecisionBatch.objects.update(degraded=2)
    page = shown(manager, f"/d/orders/batches/{batch.pk}")
    assert "100.00% of the decisions fell back" in page
    assert "Send what the stores have with PUT /v1/stock." in page


def test_decision__of_a_batch__shows_the_menu_and_its_pictures(manager, project):
    batch = priced(project, floor=19.0)
    page = shown(manager, f"/d/prices/{decision_of(batch, 'cup')}")
    assert "19.00 instead of 20.00" in page
    assert "Not lower, though that would bring more: it is below the floor." in page
    assert f'<a href="/d/prices/batches/{batch.pk}?project=shop">#{batch.pk}</a>' in page
    assert page.count('<figure class="curve picture">') == 2
    assert "Why is an item not there?" not in page
    told = manager.get(f"/d/prices/{decision_of(batch, 'cup')}.json").json()
    assert told["explanation"]["menu"]["lower"] == "floor"


def test_readout__of_an_experiment_in_batches__tells_what_was_done(manager, project):
    make_priced(project, {f"item-{n:02d}": 20.0 for n in range(12)})
    point = make_batch_point(project)
    experiment = make_batch_experiment(project, point)
    key = Experiment.objects.get(pk=experiment).key
    assert "Was it done?" not in shown(manager, f"/x/{key}")
    begun = first_period(experiment)
    batches = [made(project, point, due_at=begun + period) for period in (timedelta(), timedelta(days=2))]
    treated = BatchDecision.objects.filter(batch=batches[0], variant="treatment")
    words = [{"subject": row.subject, "status": "applied"} for row in treated]
    acknowledge(batch_id=batches[0].pk, project_id=project, items=words, actor="shop", now=begun)
    page = shown(manager, f"/x/{key}")
    assert "Was it done?" in page
    assert "Intention decides" in page
    assert "anew every 2 days; the first 1 day of a period do not count." in page
    if words:
        assert f'<td class="num">{len(words)} (' in page
