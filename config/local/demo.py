"""`bin/demo`: a live experiment with known truth through the real HTTP API, judged, replayed and rebuilt."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from config.environment import EnvironmentFault, load
from config.local.embedded import ensure_services
from config.local.faults import LocalServiceError
from config.local.places import state_directory
from config.local.supervisor import Site
from simulation.edge_client import EdgeClient
from simulation.live import Clock, Run, Traffic, drive, replay
from simulation.truth import Truth

SECONDS_PER_DAY = 5.0
VISITORS_PER_DAY = 800
WAIT_SECONDS = 60.0


class DemoFailed(Exception):
    """The demonstration did not show what it should."""


def main(arguments: list[str]) -> int:
    """Run the demonstration and return its exit code: 0 only if no verdict is wrong and replay changes nothing."""
    options = _parser().parse_args(arguments)
    state = state_directory()
    try:
        with ensure_services(state):
            environment = load()
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
            import django

            django.setup()
            secret = environment.secret_key.get_secret_value()
            with Site(state / "demo", environment={"SECRET_KEY": secret}) as site:
                _demonstrate(site, options, _say)
    except (EnvironmentFault, LocalServiceError, DemoFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def _demonstrate(site: Site, options: argparse.Namespace, say: Callable[[str], None]) -> None:
    from config.local.demo_records import ENROLMENT_DAYS, EXPERIMENT, create_demo, simulated_origin
    from config.local.demo_report import latest_verdict, readout_lines
    from experiments.queries.evidence import evidence_facts

    truth = Truth(conversion_lift=options.lift)
    say(f"truth: conversion {truth.conversion:.1%}, lift {truth.conversion_lift:+.0%}; digest {truth.fingerprint()}")
    now = datetime.now(UTC)
    key = f"demo-{now:%Y%m%d-%H%M%S}"
    speed = 86_400.0 / options.seconds_per_day
    records = create_demo(key=key, speed=speed, origin=simulated_origin(now), now=now)
    client = EdgeClient(site.edge_url, records.client_key)
    _wait_for_bundle(client, EXPERIMENT)
    clock = Clock(origin=simulated_origin(now), started_at=now, speed=speed)
    traffic = Traffic(start=clock.now(), days=ENROLMENT_DAYS, per_day=options.visitors, seed=options.seed)
    say(
        f"running {ENROLMENT_DAYS} days of visitors and 7 more for their orders, a day in {options.seconds_per_day:g} s"
    )
    run = drive(
        client=client,
        experiment=EXPERIMENT,
        clock=clock,
        traffic=traffic,
        truth=truth,
        tell=lambda day, done: _tell(say, day, done, records.experiment_id),
    )
    if run.rejected:
        raise DemoFailed(f"The edge rejected {run.rejected} messages.")
    _wait_for_last_look(records.experiment_id, clock, traffic)
    late = evidence_facts(records.project_id).quarantined
    if late:
        raise DemoFailed(f"{late} messages came too late to count: this machine needs a larger --seconds-per-day.")
    verdict = latest_verdict(records.experiment_id)
    for line in readout_lines(records.experiment_id):
        say(line)
    _prove(client, run, key, say)
    say(f"truth {truth.fingerprint()}: an ideal analysis says {truth.right_verdict}; the verdict is {verdict}")
    say(f"readout: {site.console_url}/x/{EXPERIMENT}?project={key}")
    if verdict not in {truth.right_verdict, "CONTINUE", "INCONCLUSIVE"}:
        raise DemoFailed(f"The verdict {verdict} is against the truth.")
    if options.keep:
        say("The site goes on; Ctrl-C stops it.")
        _until_interrupted()


def _prove(client: EdgeClient, run: Run, project: str, say: Callable[[str], None]) -> None:
    """Send every message again and rebuild the evidence; raise DemoFailed when anything differs."""
    from decisions.actions.rebuilding import rebuild_project

    say(f"replaying all {len(run.messages)} messages")
    new = replay(client=client, run=run)
    if new:
        raise DemoFailed(f"{new} replayed messages were taken for new ones.")
    rebuilt = rebuild_project(project_key=project)
    for line in rebuilt.lines():
        say(f"  {line}")
    if not rebuilt.identical:
        raise DemoFailed("The rebuilt evidence differs from what was stored.")


def _wait_for_bundle(client: EdgeClient, experiment: str) -> None:
    """Return once the edge serves the experiment."""
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        try:
            served = client.assign("probe")["assignments"]
        except RuntimeError:
            served = []
        if any(entry["experiment"] == experiment for entry in served):
            return
        time.sleep(0.2)
    raise DemoFailed("The edge did not get the experiment in time; see the worker's log.")


def _wait_for_last_look(experiment_id: int, clock: Clock, traffic: Traffic) -> None:
    """Return once a look has seen the whole window of the last visitor."""
    from config.local.demo_records import WINDOW_DAYS
    from config.local.demo_report import latest_window_end

    complete = traffic.start + timedelta(days=traffic.days + WINDOW_DAYS)
    ends = time.monotonic() + WAIT_SECONDS + max(0.0, (complete - clock.now()).total_seconds() / clock.speed)
    while time.monotonic() < ends:
        seen = latest_window_end(experiment_id)
        if seen is not None and seen >= complete:
            return
        time.sleep(0.5)
    raise DemoFailed("The last look did not come in time; see the worker's log.")


def _tell(say: Callable[[str], None], day: int, run: Run, experiment_id: int) -> None:
    from config.local.demo_report import latest_verdict

    verdict = latest_verdict(experiment_id) or "no look yet"
    say(f"day {day:>2}: {sum(run.variants.values()):>6} visitors exposed, {len(run.messages):>6} events, {verdict}")


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(1.0)
    except KeyboardInterrupt:
        return


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/demo", description="Run a live experiment with known truth.")
    parser.add_argument("--lift", type=float, default=0.25, help="true relative effect on conversion (default 0.25)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the visitors (default 1)")
    parser.add_argument("--visitors", type=int, default=VISITORS_PER_DAY, help="new visitors a simulated day")
    parser.add_argument("--seconds-per-day", type=float, default=SECONDS_PER_DAY, help="real seconds a simulated day")
    parser.add_argument("--keep", action="store_true", help="leave the site running to look at its pages")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
