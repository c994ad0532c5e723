"""Pacing of campaigns: what their creatives have cost since the day began, and how fast the rest may be spent.

Spend is counted anew from the log each time, never added up, so doing it twice changes nothing. A day is one of the
project's zone; its last figures are taken within an hour after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from decisions.actions.catalogue_pace import promise_catalogue
from decisions.actions.pace_rows import locked_paces, write_paces
from decisions.domains.ad_placement.domain import DOMAIN
from decisions.domains.ad_placement.pacing import PERIODS, Pace, allotted, is_spent, paced
from decisions.queries.ad_responses import Responses, counted_clicks, counted_orders
from decisions.queries.pacing import (
    Creative,
    PaceFacts,
    Split,
    ad_points,
    arm_names,
    budget_splits,
    budgets_of,
    creatives_of,
    has_budgets,
    lowest_bids,
    paces_on,
    shown_multiplier,
)
from foundation.actions.jobs import enqueue, has_open_job
from foundation.queries import ProjectFacts, project_facts

PACE: Final = "pace_campaigns"
"""The kind of the job that paces the campaigns of a project."""
EVERY: Final = timedelta(minutes=1)
"""Of project time; in a simulated project not more often than once a second of wall time, as the clock ticks."""
SETTLES: Final = timedelta(hours=1)
"""How long after a day its spend is still counted again: for what was sent late."""

Key = tuple[str, str]
"""A campaign and an arm."""


def promise_pacing(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise to pace a project's campaigns once a minute of its time; return whether that was new."""
    if has_open_job(kind=PACE, project_id=facts.id) or not has_budgets(facts.id):
        return 0
    minute = int(facts.clock.at(now).timestamp() // EVERY.total_seconds())
    return int(enqueue(kind=PACE, key=f"{PACE}:{facts.id}:{minute}", project_id=facts.id, payload={}))


@transaction.atomic
def pace_campaigns(*, project_id: int, now: datetime) -> bool:
    """Count what campaigns have spent, move their multipliers, and return whether edges have to know of it."""
    facts = project_facts(project_id)
    creatives = creatives_of(project_id)
    budgets = budgets_of(creatives)
    if not budgets:
        return False
    at = facts.clock.at(now).astimezone(UTC)
    today = at.astimezone(ZoneInfo(facts.time_zone)).date()
    if at - _bounds(facts, today)[0] < SETTLES:
        _settle(facts, creatives, day=today - timedelta(days=1))
    before = _published(paces_on(project_id, today), creatives)
    changed = before != _published(_move(facts, creatives, budgets, at=at, day=today), creatives)
    if changed:
        promise_catalogue(project_id=project_id, collection=DOMAIN.collection)
    return changed


def _move(
    facts: ProjectFacts,
    creatives: tuple[Creative, ...],
    budgets: Mapping[str, int],
    *,
    at: datetime,
    day: date,
) -> tuple[PaceFacts, ...]:
    """Write where every campaign stands in every arm now, and return it."""
    since, end = _bounds(facts, day)
    rows = {(found.campaign, found.arm): found for found in locked_paces(facts.id, day)}
    shares = _shares(budget_splits(facts.id))
    spent = _spend(facts.id, creatives, {*shares, *(arm for _, arm in rows)}, since=since, until=at)
    moved = []
    for campaign, budget in sorted(budgets.items()):
        costs = {arm: cost for (owner, arm), cost in spent.items() if owner == campaign}
        for arm, part in allotted(budget, shares, costs).items():
            known = rows.get((campaign, arm))
            before = (
                Pace(part) if known is None else replace(known.pace, budget=part, spent=min(part, known.pace.spent))
            )
            begun = at if known is None else known.updated_at
            before = replace(before, periods=_periods(begun - since, end - since))
            pace = paced(before, spent=costs.get(arm, 0), periods=_periods(at - since, end - since))
            moved.append(PaceFacts(campaign, arm, day, pace, max(at, begun)))
    write_paces(facts.id, moved)
    return tuple(moved)


def _settle(facts: ProjectFacts, creatives: tuple[Creative, ...], *, day: date) -> None:
    """Count the spend of a day that is over once more; budgets and multipliers stay as they ended."""
    known = locked_paces(facts.id, day)
    if not known:
        return
    since, until = _bounds(facts, day)
    spent = _spend(facts.id, creatives, {found.arm for found in known}, since=since, until=until)
    costs = [min(found.pace.budget, spent.get((found.campaign, found.arm), 0)) for found in known]
    write_paces(
        facts.id,
        [replace(found, pace=replace(found.pace, spent=cost)) for found, cost in zip(known, costs, strict=True)],
    )


def _shares(splits: Iterable[Split]) -> dict[str, float]:
    """Return the share of traffic of each arm; several splits that want more than there is are scaled to all of it."""
    shares = {arm: share for split in splits for arm, share in split.shares.items()}
    whole = max(1.0, sum(shares.values()))
    return {arm: share / whole for arm, share in shares.items()}


def _bounds(facts: ProjectFacts, day: date) -> tuple[datetime, datetime]:
    """Return when a day of the project's zone begins and ends, in UTC: days in which clocks change differ in length."""
    zone = ZoneInfo(facts.time_zone)
    begin, end = (datetime.combine(day + timedelta(days=later), time(), tzinfo=zone) for later in (0, 1))
    return begin.astimezone(UTC), end.astimezone(UTC)


def _periods(stretch: timedelta, day: timedelta) -> float:
    """Return how many periods of a day are over after a stretch of it; every day has as many, however long it is."""
    return min(float(PERIODS), max(0.0, PERIODS * (stretch / day)))


def _spend(
    project_id: int,
    creatives: tuple[Creative, ...],
    arms: Iterable[str],
    *,
    since: datetime,
    until: datetime,
) -> dict[Key, int]:
    """Return what each campaign has cost in each arm: every click, or order, its creative's bid."""
    points = ad_points(project_id)
    by_id = {creative.item_id: creative for creative in creatives}
    named = arm_names(arms)
    spent: dict[Key, int] = {}

    def charge(responses: tuple[Responses, ...], *, per_order: bool) -> None:
        for found in responses:
            creative = by_id.get(found.creative)
            if creative is not None and creative.per_order is per_order:
                key = (creative.campaign, named.get((found.experiment, found.variant), ""))
                spent[key] = spent.get(key, 0) + creative.bid * found.count

    charge(counted_clicks(project_id, points=points, since=since, until=until), per_order=False)
    if any(creative.per_order for creative in creatives):
        charge(counted_orders(project_id, points=points, since=since, until=until), per_order=True)
    return spent


def _published(paces: Iterable[PaceFacts], creatives: tuple[Creative, ...]) -> dict[Key, tuple[float, bool]]:
    """Return what a catalogue shows of the paces: multiplier and whether the budget is out."""
    lowest = lowest_bids(creatives)
    return {
        (found.campaign, found.arm): (
            shown_multiplier(found.pace),
            is_spent(found.pace, lowest_bid=lowest.get(found.campaign, 0)),
        )
        for found in paces
    }
