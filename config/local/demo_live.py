"""The live demonstration: one simulated shop through real processes, from its catalogue to a promotion and back."""

import argparse
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.local import demo_console, demo_model, demo_promotion, demo_report
from config.local.demo_bar import Bar
from config.local.demo_faults import DemoFailed, wait_until
from config.local.demo_records import launch_experiments
from config.local.demo_stage import WAIT_SECONDS, Stage, await_experiments, set_the_stage
from decisions.actions.rebuilding import rebuild_project
from experiments.queries.evidence import evidence_facts
from experiments.vocabulary import VerdictState
from models_registry.queries.versions import version_by_id
from simulation.designs import (
    DECISION_POINT,
    ENROLMENT_DAYS,
    EXPERIMENTS,
    HORIZON_DAYS,
    VISITORS_PER_DAY,
    WINDOW_DAYS,
)
from simulation.live import LEAD, Run, Traffic, TrafficBehind, replay
from simulation.truth import RECOMMENDATIONS, Truth

REPLAYED = 10
"""Every tenth message is sent again."""
OWN_SHOP = """
Your own shop:
  bin/serve                                           starts a site that stays; bin/setup has printed its account
  bin/manage create_project my-shop --currency EUR    makes its project; its API keys are issued in the admin
  docs/events.md                                      what its storefront asks and sends, as commands to copy
  docs/experiments.md                                 how to design and launch an experiment"""


def demonstrate(stack: ExitStack, state: Path, secret: str, options: argparse.Namespace) -> int:
    """Run the demonstration and return the exit code: 0 only if no verdict is against the truth. Raises DemoFailed."""
    truth = Truth()
    print(
        f"truth: digest {truth.fingerprint(options.seed)} (seed {options.seed}; simulation/truth.py says what is true)"
    )
    for design in EXPERIMENTS:
        print(f"  {design.key:<22} an ideal analysis says {truth.right_verdict(design.key)}")
    stage = set_the_stage(stack, state, secret, truth, options)
    per_day = options.visitors or VISITORS_PER_DAY
    challenger = _train(stage, per_day, "item_item" if options.light else "two_tower")
    ids = launch_experiments(
        project_id=stage.project.id,
        designs=EXPERIMENTS,
        point_id=challenger.point_id,
        version_id=challenger.version_id,
        now=datetime.now(UTC),
    )
    await_experiments(stage, set(ids))
    traffic = Traffic(start=stage.clock.now() + LEAD, days=ENROLMENT_DAYS, per_day=per_day)
    _drive(stage, traffic, ids)
    judged = demo_report.judge_all(ids, truth)
    for design in EXPERIMENTS:
        print(f"\n{design.name}")
        for line in demo_report.readout_lines(ids[design.key]):
            print(line)
    print("\nVerdicts against the truth")
    for line in demo_report.verdict_lines(judged):
        print(line)
    for line in demo_report.truth_lines(stage.driver.run):
        print(line)
    print(f"  truth: digest {truth.fingerprint(options.seed)}, as printed before\n")
    _prove(stage)
    _promote(stage, ids[RECOMMENDATIONS], approve=options.approve)
    version = version_by_id(challenger.version_id)
    _show_the_way(stage, list(ids), version.number, keeps=options.keep)
    print(f"\nThe demonstration took {stage.story.seconds:.0f} s.{OWN_SHOP}")
    if options.keep:
        _keep(stage)
    wrong = [one for one in judged if one.judgement == "wrong"]
    if wrong:
        raise DemoFailed(f"Against the truth: {', '.join(f'{one.experiment} {one.verdict}' for one in wrong)}.")
    return 0


def _train(stage: Stage, per_day: int, recipe: str) -> demo_model.Challenger:
    model_id, point_id = demo_model.open_point(stage.project, datetime.now(UTC))
    sent = demo_model.send_past(stage.project, stage.shop, stage.driver, per_day)
    stage.story.tell(f"past: {sent} events of six days")
    return demo_model.train(stage.project, model_id=model_id, point_id=point_id, recipe=recipe, say=stage.story.tell)


def _drive(stage: Stage, traffic: Traffic, ids: dict[str, int]) -> None:
    """Send the traffic and return once a look has seen the window of the last visitor."""
    bar = Bar("visitors", HORIZON_DAYS)

    def tell(day: int, run: Run) -> None:
        if day >= 0:
            verdicts = [demo_report.latest_verdict(number) or "-" for number in ids.values()]
            exposed = run.exposures(RECOMMENDATIONS)
            note = f"day {day}, {exposed} exposed, {len(run.messages)} events: {', '.join(verdicts)}"
            bar.show(min(day, HORIZON_DAYS - 1), note)

    try:
        stage.driver.drive(traffic, tell)
    except TrafficBehind as fault:
        raise DemoFailed(f"{fault} This machine, as busy as it is, needs a larger --seconds-per-day.") from fault
    run = stage.driver.run
    if run.rejected:
        raise DemoFailed(f"The edge rejected {run.rejected} messages.")
    complete = traffic.start + timedelta(days=traffic.days + WINDOW_DAYS)
    left = max(0.0, (complete - stage.clock.now()).total_seconds() / stage.clock.speed)

    def seen() -> bool:
        ends = demo_report.latest_window_end(ids["button-colour"])
        return ends is not None and ends >= complete

    wait_until(seen, seconds=WAIT_SECONDS + left, missing="The last look did not come in time; see the worker's log.")
    bar.show(HORIZON_DAYS, f"{len(run.messages)} events")
    late = evidence_facts(stage.project.id).quarantined
    if late:
        raise DemoFailed(f"{late} messages came too late to count: this machine needs a larger --seconds-per-day.")
    reasons = ", ".join(f"{variant} {reason} {count}" for (variant, reason), count in sorted(run.reasons.items()))
    stage.story.tell(f"decisions: {reasons}")


def _prove(stage: Stage) -> None:
    """Send messages again and rebuild the evidence; raise DemoFailed when anything differs."""
    sent = stage.driver.run.messages[::REPLAYED]
    new = replay(client=stage.edges[0], messages=sent)
    if new:
        raise DemoFailed(f"{new} replayed messages were taken for new ones.")
    stage.story.tell(f"replay: {len(sent)} messages sent again changed nothing")
    rebuilt = rebuild_project(project_key=stage.project.key)
    stage.story.tell("rebuilt from the event log:")
    for line in rebuilt.lines():
        print(f"  {line}")
    if not rebuilt.identical:
        raise DemoFailed("The rebuilt evidence differs from what was stored.")


def _promote(stage: Stage, experiment_id: int, *, approve: bool) -> None:
    """Show the promotion that the verdict leads to; approve it and take it back where that was asked for."""
    if demo_report.latest_verdict(experiment_id) != VerdictState.SHIP:
        stage.story.tell("promotion: none is proposed, because the verdict on the recommendations is not SHIP")
        return
    proposal = demo_promotion.await_proposal(experiment_id)
    stage.story.tell(f"promotion: proposed by look {proposal.look}; it waits for a person")
    if not approve:
        print("  approve it in the admin (--keep leaves the site running), or run bin/demo --approve")
        return
    visitor = next(
        message["anonymousId"]
        for message in reversed(stage.driver.run.messages)
        if message["event"] == "Product Viewed"
    )
    demo_promotion.promote_and_take_back(proposal, stage.edges, visitor, stage.story.tell)


def _show_the_way(stage: Stage, experiments: list[str], version: int, *, keeps: bool) -> None:
    """Open every page as a person would; only then print their addresses."""
    paths = demo_console.pages(
        stage.project.key, experiments=experiments, point=DECISION_POINT, model=demo_model.MODEL, version=version
    )
    demo_console.probe(stage.site.url, stage.password, paths)
    url = stage.site.url if keeps else ""
    stage.story.tell(f"every page answers; account {demo_console.ACCOUNT}, password {stage.password}")
    if not keeps:
        print(
            "  This site ends now. bin/serve shows the same pages at its own address; --keep leaves this one running."
        )
    for title, path in paths.items():
        print(f"  {title:<30} {url}{path}")


def _keep(stage: Stage) -> None:
    print(f"The site goes on at {stage.site.url}, its edge at {stage.site.edge_url}. Ctrl-C stops it.", flush=True)
    try:
        while True:
            time.sleep(1.0)
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
