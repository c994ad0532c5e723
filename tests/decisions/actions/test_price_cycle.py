"""Prices from the shop's catalogue through batches and the ledger to the quotes of everybody, on real tables."""

from datetime import timedelta

import pytest

from decisions.actions.price_publishing import publish_prices
from decisions.actions.publishing import publish_bundle
from decisions.models import BatchDecision, PublishedChunk
from decisions.queries.live import newest_bundle
from decisions.queries.prices import offered, price_decision
from decisions.serving.artifacts import FileCache
from decisions.serving.loader import EquipmentLoader
from decisions.serving.offers import microseconds
from experiments.actions import lifecycle
from tests.fixtures.batches import first_period, made, made_again, make_batch_experiment, make_batch_point, make_priced
from tests.fixtures.records import ACTOR, make_project

pytestmark = pytest.mark.django_db

ITEMS = {f"item-{number:02d}": 20.0 for number in range(12)}
DAY = timedelta(days=1)
OWN, CHEAPER = 20_000_000, 19_000_000


@pytest.fixture
def project() -> int:
    project_id = make_project()
    make_priced(project_id, ITEMS)
    return project_id


def decided(batch: object) -> dict[str, tuple[str, int | None]]:
    rows = BatchDecision.objects.filter(batch=batch)
    return {subject: (variant, value) for subject, variant, value in rows.values_list("subject", "variant", "value")}


def test_prices__test_by_period__each_item_has_the_price_of_its_variant_and_returns_to_the_shop_s(project):
    point = make_batch_point(project, settings={"cool_down_hours": 24.0})
    experiment = make_batch_experiment(project, point)
    began = first_period(experiment)
    met: dict[str, set[str]] = {item: set() for item in ITEMS}
    batch = made(project, point, due_at=began)
    for day in range(4):
        if day:
            batch = made_again(point, due_at=began + day * DAY)
        for item, (variant, value) in decided(batch).items():
            met[item].add(variant)
            assert value == (CHEAPER if variant == "treatment" else OWN), (day, item, variant)
            now = batch.takes_effect_at
            assert offered(project, item, at=now).price == value
            told = price_decision(project, item, at=now)
            assert (told.batch, told.variant, told.price) == (batch.pk, variant, value)
    assert set(map(frozenset, met.values())) == {frozenset({"control", "treatment"})}


def test_prices__that_a_batch_decided__are_quoted_from_their_moment_on(project, tmp_path):
    point = make_batch_point(project)
    experiment = make_batch_experiment(project, point)
    batch = made(project, point, due_at=first_period(experiment))
    publish_prices(project_id=project, now=batch.made_at)
    publish_bundle(project_id=project)
    bundle = newest_bundle(project)

    def fetch(sha: str) -> bytes:
        return b"".join(bytes(c.content) for c in PublishedChunk.objects.filter(sha256=sha).order_by("position"))

    loaded = EquipmentLoader(FileCache(tmp_path)).equip(bundle.points, bundle.signing_keys[0].secret, fetch)
    assert loaded.prices is not None
    for item, (_, value) in decided(batch).items():
        assert loaded.prices.offer(item, microseconds(batch.takes_effect_at)).price == value


def test_prices__experiment_is_stopped__go_back_to_the_shop_s(project):
    point = make_batch_point(project, settings={"cool_down_hours": 0.0})
    experiment = make_batch_experiment(project, point)
    began = first_period(experiment)
    first = decided(made(project, point, due_at=began))
    assert CHEAPER in {value for _, value in first.values()}
    lifecycle.stop(experiment_id=experiment, reason="Enough seen.", acting_user=ACTOR, now=began + DAY)
    later = decided(made(project, point, due_at=began + 2 * DAY))
    assert set(later.values()) == {("", OWN)}
