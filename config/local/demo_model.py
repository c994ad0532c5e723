"""The challenger of the demonstration: the shop's past, a training by the worker, a decision point."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config.local.demo_bar import Bar
from config.local.demo_faults import DemoFailed, wait_until
from config.local.demo_records import ACTOR, DemoProject
from decisions.actions.points import PointDraft, create_point
from decisions.actions.training import order_training
from decisions.queries.catalogue import published_catalogue
from models_registry.actions.models import create_model
from models_registry.actions.training import TrainingOrder
from models_registry.queries.runs import RunFacts, run_by_id
from models_registry.vocabulary import RunState
from simulation.designs import DECISION_POINT, SLATE_SIZE
from simulation.edge_client import ConsoleClient
from simulation.live import Driver
from simulation.past import PAST_DAYS
from simulation.storefront import Shop
from simulation.visitors import crowd_events

MODEL = "home-ranker"
DOMAIN = "recommendation"
BEHIND = timedelta(days=PAST_DAYS - 1.0)
"""How long before the clock's start the past begins: its first events must not be a week old when they arrive."""
WAIT_SECONDS = 60.0
TRAINING_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Challenger:
    """What was trained: the decision point, its model, and the version that is to be tried."""

    point_id: int
    model_id: int
    version_id: int


def load_catalogue(shop: Shop, console: ConsoleClient) -> int:
    """Send the catalogue as the shop's back end does and return how many items were taken."""
    taken = console.put_items(shop.items())
    if taken["refused"]:
        raise DemoFailed(f"The console refused items: {taken['refused'][0]}.")
    return int(taken["created"] + taken["updated"] + taken["unchanged"])


def open_point(project: DemoProject, now: datetime) -> tuple[int, int]:
    """Create the model without versions and the decision point that it is to serve; return both ids, model first."""
    model_id = create_model(
        project_id=project.id,
        key=MODEL,
        name="Home page",
        domain=DOMAIN,
        acting_user=ACTOR,
        now=now,
        description="Ranks the items of the home page for each visitor.",
    )
    draft = PointDraft(key=DECISION_POINT, name="Home page", domain=DOMAIN, model_id=model_id, slate_size=SLATE_SIZE)
    point_id = create_point(project_id=project.id, draft=draft, acting_user=ACTOR, now=now)
    return model_id, point_id


def send_past(project: DemoProject, shop: Shop, driver: Driver, per_day: int) -> int:
    """Send six days of browsing, as they happened, and return how many events they were."""
    assert project.clock.origin is not None
    events = crowd_events(shop, per_day=per_day, start=project.clock.origin - BEHIND)
    bar = Bar("past", len(events))
    driver.send_past(events, bar.show)
    return len(events)


def train(project: DemoProject, *, model_id: int, point_id: int, recipe: str, say: Callable[[str], None]) -> Challenger:
    """Have a worker train the model on the past and return what it registered.

    Raises DemoFailed where the gate refused it, or where nothing came in time.
    """
    now = datetime.now(UTC)
    data_end = project.clock.at(now)
    wait_until(
        lambda: published_catalogue(project.id) is not None,
        seconds=WAIT_SECONDS,
        missing="The catalogue was not published in time; see the worker's log.",
    )
    order = TrainingOrder(recipe=recipe, data_start=data_end - timedelta(days=PAST_DAYS + 7.0), data_end=data_end)
    run_id = order_training(model_id=model_id, order=order, acting_user=ACTOR, now=now)
    bar = Bar(f"training {recipe}", 100)

    def ended() -> bool:
        run = run_by_id(run_id)
        bar.show(min(99.0, 100.0 * run.progress), run.step or run.state.value.lower())
        return run.state not in (RunState.QUEUED, RunState.RUNNING)

    wait_until(ended, seconds=TRAINING_SECONDS, missing="The training did not end in time; see the trainer's log.")
    run = run_by_id(run_id)
    bar.show(100.0, run.state.value.lower())
    if run.version_id is None:
        raise DemoFailed(f"The training ended as {run.state}: {run.error or run.gate}.")
    say(f"registered {MODEL} v{_number(run)}: {_figures(run)}")
    return Challenger(point_id=point_id, model_id=model_id, version_id=run.version_id)


def _number(run: RunFacts) -> int:
    from models_registry.queries.versions import version_by_id

    assert run.version_id is not None
    return version_by_id(run.version_id).number


def _figures(run: RunFacts) -> str:
    shown = [f"{name} {value:.3f}" for name, value in sorted(run.metrics.items()) if name.startswith("ndcg")]
    return ", ".join(shown) or f"{len(run.metrics)} offline figures"
