"""Prices, from past sales to a promotion and the way back, in a simulated shop whose households' demand is known.

A model of demand is trained on weeks of varied prices; its gate lets it pass; an experiment by cluster and period tries
it against the shop's own prices; contribution says what the truth says; the version is promoted and taken back. Design,
launch, promotion and the way back go through the console; everything else a shop does over HTTP. Whoever asks at one
moment is quoted one price.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from config.local.demo_records import create_demo_project, simulated_origin
from decisions.actions.points import PointDraft, create_point
from decisions.actions.training import order_training
from decisions.queries.promotions import proposal_of
from experiments.models import Experiment
from experiments.queries.looks import latest_look
from experiments.queries.metrics import metric_ids
from experiments.vocabulary import Status, VerdictState
from models_registry.actions.models import create_model
from models_registry.actions.training import TrainingOrder
from models_registry.queries.runs import run_by_id
from models_registry.vocabulary import RunState
from simulation.edge_client import ConsoleClient, EdgeClient
from simulation.live import Clock
from simulation.pricing.live import PriceDriver
from simulation.pricing.office import NOBODY, Shop
from simulation.pricing.past import past
from simulation.pricing.tags import unequal
from simulation.pricing.truth import Market, PriceTruth, draw_market
from simulation.queue import BATCH
from tests.journeys.console import CONTROL, TREATMENT, Console, Design

pytestmark = pytest.mark.slow

SEED = 5
SECONDS_PER_DAY = 3.0
DAY_MINUTES = 1_440
PAST, PERIODS, PERIOD, BURN_IN = 84, 2, 5, 2
"""Days of sales to learn from; periods of the experiment; days of a period, and how many of them count for nothing."""
POINT = "shelf-prices"
WHO = {"acting_user": "shop"}
MODEL, BASELINE = "MODEL", "BASELINE"
SETTINGS = {"max_step": 0.4, "grid_step": 0.05, "cool_down_hours": 12.0, "quote_minutes": 1_440.0}
"""Quotes run out in project time, of which a second of the wall is a third of a day."""


def test_pricing__trained_tested_promoted_and_taken_back__as_the_truth_says_at_one_price_for_all(make_site):
    site = make_site()
    now = datetime.now(UTC)
    speed, origin = 86_400.0 / SECONDS_PER_DAY, simulated_origin(now, days=120)
    project = create_demo_project(key="prices", speed=speed, origin=origin, now=now)
    clock = Clock(origin=origin, started_at=now, speed=speed)
    market = draw_market(PriceTruth(), SEED)
    console = ConsoleClient(site.console_url, project.server_key)
    driver = PriceDriver(shop=Shop(EdgeClient(site.edge_url, project.client_key), console, clock, POINT), market=market)
    model, point = make_point(project.id)
    driver.open(since=origin)
    today = midnight_after(clock)
    backfill(EdgeClient(site.edge_url, project.server_key), market, today)
    version = trained(model, until=today)
    wait_until(lambda: own_prices_quoted(driver, market), 60, "the first prices", driver)
    person = Console()
    experiment = launched(person, project.id, point, version)

    driver.drive(start=Experiment.objects.get(pk=experiment).periods_from.date(), days=PERIODS * PERIOD)
    assert_sold_as_quoted(driver)
    assert_decided_as_meant(driver, market)
    assert_same_for_all(driver, market, console)
    wait_until(lambda: verdict_of(experiment) is VerdictState.SHIP, 60, "the verdict", driver)
    assert_true(experiment, driver)

    wait_until(lambda: proposal_of(experiment) is not None, 30, "the proposal", driver)
    proposal = proposal_of(experiment).id
    person.approve(proposal)
    assert Experiment.objects.get(pk=experiment).status == Status.CONCLUDED
    wait_until(lambda: reasons(driver) == {MODEL}, 30, "the champion's batch", driver)
    wait_until(lambda: not own_prices_quoted(driver, market), 30, "the champion's prices", driver)
    person.roll_back(proposal)
    wait_until(lambda: reasons(driver) == {BASELINE}, 30, "the baseline's batch", driver)
    wait_until(lambda: own_prices_quoted(driver, market), 30, "the shop's own prices", driver)


def make_point(project: int) -> tuple[int, int]:
    """Return a model and a decision point that makes a batch each midnight."""
    now = datetime.now(UTC)
    model = create_model(project_id=project, key="demand", name="Demand", domain="pricing", now=now, **WHO)
    draft = PointDraft(
        key=POINT,
        name="Shelf prices",
        domain="pricing",
        model_id=model,
        settings=SETTINGS,
        every_minutes=DAY_MINUTES,
    )
    point = create_point(project_id=project, draft=draft, now=now, **WHO)
    return model, point


def midnight_after(clock: Clock) -> datetime:
    """Wait for the next midnight of the project and return it."""
    wanted = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    wait_until(lambda: clock.now() > wanted, 30, "midnight")
    return wanted


def backfill(edge: EdgeClient, market: Market, until: datetime) -> None:
    """Send what was sold before a midnight, as history."""
    messages = list(past(market, until=until.date(), days=PAST))
    for first in range(0, len(messages), BATCH):
        answer = edge.send(messages[first : first + BATCH])
        assert {result["status"] for result in answer["results"]} == {"accepted"}


def trained(model: int, *, until: datetime) -> int:
    """Return the version that a worker trained on past sales, and that its gate let pass."""
    order = TrainingOrder(
        recipe="elasticity", data_start=until - timedelta(days=PAST), data_end=until + timedelta(hours=1)
    )
    run_id = order_training(model_id=model, order=order, now=datetime.now(UTC), **WHO)
    ended = (RunState.SUCCEEDED, RunState.REFUSED, RunState.FAILED)
    wait_until(lambda: run_by_id(run_id).state in ended, 120, "the training")
    run = run_by_id(run_id)
    assert run.state is RunState.SUCCEEDED, (run.error, run.gate.get("reasons"), run.metrics)
    assert run.version_id is not None
    return run.version_id


def launched(person: Console, project: int, point: int, version: int) -> int:
    """Return a running experiment, designed and launched at the console: whether a version earns more than the shop."""
    person.add_metrics(point)
    metrics = metric_ids(project, keys=["contribution", "units-sold", "price-index"])
    design = Design(
        project=project,
        key="prices-test",
        name="Prices by demand",
        hypothesis="Prices by demand bring more than the shop's own: some items are too dear, others too cheap.",
        unit_kind="cluster",
        metrics=[
            (metrics["contribution"], "DECISION", ""),
            (metrics["units-sold"], "SECONDARY", ""),
            (metrics["price-index"], "SECONDARY", ""),
        ],
        fields={
            "payable": "PRICE",
            "period_minutes": str(PERIOD * DAY_MINUTES),
            "burn_in_minutes": str(BURN_IN * DAY_MINUTES),
            "period_design": "BALANCED",
            "horizon_days": str(PERIODS * PERIOD + 1),
            "minimum_effect": "20",
            "plan_overrides": json.dumps({"repurchase_days": PERIOD - BURN_IN}),
        },
    )
    experiment = person.design(design)
    person.bind(experiment, point, {CONTROL: "baseline", TREATMENT: f"version:{version}"})
    person.submit(experiment)
    person.launch(experiment)
    assert Experiment.objects.get(pk=experiment).status == Status.RUNNING
    return experiment


def assert_sold_as_quoted(driver: PriceDriver) -> None:
    """Assert that everything had a price, that every quote was honoured, and that the product took every word."""
    run = driver.run
    assert (dict(run.unquoted), dict(run.refused), driver.office.refused) == ({}, {}, [])
    assert run.honoured > 1_000
    assert run.moved > 0, "nobody paid a price that had changed since the page"


def assert_decided_as_meant(driver: PriceDriver, market: Market) -> None:
    """Assert that both variants decided by what they were to decide by: keen households pay less, loyal ones more."""
    own = dict(zip(market.ids, market.price.tolist(), strict=True))
    keen = {item: market.elasticity(int(place)) < -1.0 for item, place in zip(market.ids, market.cluster, strict=True)}
    met: set[tuple[str, str]] = set()
    for batch in driver.office.batches:
        for item, price in batch.prices.items():
            variant = batch.variants.get(item, NOBODY)
            met.add((variant, batch.reasons[item]))
            if variant == TREATMENT:
                assert (price < own[item]) if keen[item] else (price > own[item])
            else:
                assert price == own[item]
    assert met == {(NOBODY, BASELINE), (CONTROL, BASELINE), (TREATMENT, MODEL)}


def assert_same_for_all(driver: PriceDriver, market: Market, console: ConsoleClient) -> None:
    """Assert that no two shoppers were quoted two prices at one moment, and that the ledger knows what they were."""
    tags = driver.run.tags
    assert len(tags) > 3_000
    assert list(unequal(tags)) == []
    quoted: dict[str, set[tuple[float, str]]] = {item: set() for item in market.ids}
    for tag in tags:
        quoted[tag.item].add((tag.price, tag.since.isoformat(timespec="milliseconds")))
    unchanged = [item for item, prices in quoted.items() if len({price for price, _ in prices}) == 1]
    assert unchanged == [], [(batch.takes_effect_at, batch.prices[unchanged[0]]) for batch in driver.office.batches]
    for item in market.ids[:: market.truth.items]:
        assert quoted[item] <= set(in_ledger(console, item))


def in_ledger(console: ConsoleClient, item: str) -> Iterator[tuple[float, str]]:
    """Yield the prices that an item was offered for, and since when."""
    for offer in console.price(item)["history"]:
        yield offer["price"], datetime.fromisoformat(offer["offered_since"]).isoformat(timespec="milliseconds")


def assert_true(experiment: int, driver: PriceDriver) -> None:
    """Assert that contribution decided as the truth of the prices that were met says."""
    control, treatment = driver.run.true_lift(CONTROL), driver.run.true_lift(TREATMENT)
    assert control is not None
    assert treatment is not None
    assert treatment > control + 0.2, "the truth of what was served"
    look = latest_look(experiment)
    assert look is not None
    found = look.scorecard.comparison("contribution", TREATMENT)
    assert found.absolute.interval.lower > 0.0


def verdict_of(experiment: int) -> VerdictState | None:
    look = latest_look(experiment)
    return None if look is None else look.verdict.state


def reasons(driver: PriceDriver) -> set[str]:
    """Return by what the newest batch was decided."""
    return set(driver.office.batches[-1].reasons.values())


def own_prices_quoted(driver: PriceDriver, market: Market) -> bool:
    """Return whether everybody is quoted the shop's own price for every item."""
    return driver.quoted() == dict(zip(market.ids, market.price.tolist(), strict=True))


def wait_until(condition: Callable[[], bool], seconds: float, what: str, driver: PriceDriver | None = None) -> None:
    """Wait until something holds, while the shop does what it always does."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"{what} did not come in {seconds} s"
        if driver is not None:
            driver.keep_up()
        time.sleep(0.1)
