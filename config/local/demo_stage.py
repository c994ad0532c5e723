"""What the demonstration plays on: processes, a simulation project, a shop with its catalogue, an account."""

import argparse
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.local import demo_console, demo_model
from config.local.demo_bar import Story
from config.local.demo_faults import wait_until
from config.local.demo_records import DemoProject, create_demo_project, simulated_origin
from config.local.processes import Role
from config.local.supervisor import ALL_ROLES, Site
from simulation.catalogue import draw_catalogue
from simulation.designs import DECISION_POINT, EXPERIMENTS
from simulation.edge_client import ConsoleClient, EdgeClient
from simulation.live import Clock, Driver, Placement
from simulation.storefront import Shop
from simulation.truth import RECOMMENDATIONS, Truth

WAIT_SECONDS = 60.0
DAYS_BACK = 300
"""How far the clock's start lies back: further than the demonstration lasts, so that nothing in it is in the future."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and the driver of its traffic; `edges` are clients of every edge process."""

    site: Site
    edges: tuple[EdgeClient, ...]
    project: DemoProject
    shop: Shop
    driver: Driver
    clock: Clock
    password: str
    story: Story


def set_the_stage(stack: ExitStack, state: Path, secret: str, truth: Truth, options: argparse.Namespace) -> Stage:
    """Start the processes, make the project and send the catalogue."""
    story = Story()
    roles = (*ALL_ROLES, Role.TRAINER, *((Role.PROXY,) if options.keep else ()))
    site = stack.enter_context(Site(state, environment={"SECRET_KEY": secret}, roles=roles))
    second = stack.enter_context(Site(state / "second", environment={"SECRET_KEY": secret}, roles=(Role.EDGE,)))
    story.tell(f"site: {len(site.pids) + len(second.pids)} processes on free ports; logs in {state / 'logs'}")
    password = demo_console.make_account()
    shop = Shop(truth, options.seed, draw_catalogue(truth, options.seed))
    now = datetime.now(UTC)
    speed, origin = 86_400.0 / options.seconds_per_day, simulated_origin(now, days=DAYS_BACK)
    project = create_demo_project(key=f"demo-{now:%Y%m%d-%H%M%S}", speed=speed, origin=origin, now=now)
    edges = tuple(EdgeClient(url, project.client_key) for url in (site.edge_url, second.edge_url))
    clock = Clock(origin=origin, started_at=now, speed=speed)
    plain = tuple(design.key for design in EXPERIMENTS if not design.is_decision)
    placement = Placement(plain=plain, point=DECISION_POINT, decided=RECOMMENDATIONS)
    driver = Driver(client=edges[0], shop=shop, clock=clock, placement=placement)
    wait_until(lambda: _knows(edges[0]), seconds=WAIT_SECONDS, missing="The edge does not know the new project.")
    taken = demo_model.load_catalogue(shop, ConsoleClient(site.console_url, project.server_key))
    story.tell(f"catalogue: {taken} items sent to the console")
    return Stage(site, edges, project, shop, driver, clock, password, story)


def _knows(edge: EdgeClient) -> bool:
    try:
        return bool(edge.assign("probe"))
    except RuntimeError:
        return False


def await_experiments(stage: Stage, wanted: set[str]) -> None:
    """Return once every edge serves the experiments and the decision point decides with a catalogue."""

    def ready() -> bool:
        return all(
            {entry["experiment"] for entry in edge.assign("probe")["assignments"]} >= wanted
            and edge.decide(DECISION_POINT, "probe")["actions"]
            for edge in stage.edges
        )

    wait_until(ready, seconds=WAIT_SECONDS, missing="An edge did not get the experiments; see the worker's log.")
    stage.story.tell(f"launched: {', '.join(sorted(wanted))}")
