"""Campaigns, their creatives and how their budgets are spent: what pacing reads, and what a catalogue shows of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Max

from decisions.domains.ad_placement.board import PACE, SPENT_OUT
from decisions.domains.ad_placement.domain import DOMAIN
from decisions.domains.ad_placement.features import PER_ORDER
from decisions.domains.ad_placement.pacing import Pace, is_spent
from decisions.domains.ad_placement.reward import CLICKED, ORDERED, VIEWED
from decisions.models import CampaignPace, DecisionPoint, Item, PointExperiment
from experiments.lifecycle import SERVING
from experiments.queries.standing import live_allocation, standings
from foundation.money import to_micros

RATES_FOR: Final = timedelta(days=28)
PRIOR_VIEWS: Final = 100.0
"""With how many views at the rate of all creatives a creative's own rate begins."""
RATE_OF_NONE: Final = 0.01
"""The rate of clicks that is taken before anything was seen."""
SLOTS: Final = 1_000_000

_RATES: Final = """
SELECT properties->>'promotion_id', count(*) FILTER (WHERE event = %(viewed)s),
    count(*) FILTER (WHERE event = %(clicked)s)
FROM decisions_eventlog
WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
    AND event IN (%(viewed)s, %(clicked)s) AND properties->>'promotion_id' IS NOT NULL
GROUP BY 1
"""
_ORDER_RATE: Final = """
WITH clicker AS (
    SELECT DISTINCT coalesce(customer, visitor) AS unit FROM decisions_eventlog
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
        AND event = %(clicked)s
)
SELECT count(*), count(*) FILTER (WHERE unit IN (
    SELECT coalesce(customer, visitor) FROM decisions_eventlog
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
        AND event = %(ordered)s
)) FROM clicker
"""


@dataclass(frozen=True, slots=True)
class Creative:
    """A creative and what it costs: the bid in millionths, for an order or for a click."""

    item_id: str
    campaign: str
    bid: int
    per_order: bool
    budget: int | None


@dataclass(frozen=True, slots=True)
class PaceFacts:
    """How the budget of a campaign's day is spent in one arm, "" outside of budget splits."""

    campaign: str
    arm: str
    day: date
    pace: Pace
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Split:
    """A budget split that runs: its experiment, and the share of all traffic of each of its arms."""

    experiment_id: int
    shares: Mapping[str, float]


def creatives_of(project_id: int) -> tuple[Creative, ...]:
    """Return the creatives of a project, in the order of their ids."""
    rows = Item.objects.filter(project_id=project_id, collection=DOMAIN.collection).order_by("item_id")
    return tuple(_creative(item_id, values) for item_id, values in rows.values_list("item_id", "properties"))


def has_budgets(project_id: int) -> bool:
    """Return whether any creative of a project names a budget; asked every second, it reads no more than one."""
    rows = Item.objects.filter(project_id=project_id, collection=DOMAIN.collection, properties__has_key="budget")
    return rows.exists()


def budgets_of(creatives: Sequence[Creative]) -> dict[str, int]:
    """Return the budget of each campaign's day that has one: the largest that its creatives name."""
    budgets: dict[str, int] = {}
    for creative in creatives:
        if creative.budget is not None and creative.campaign:
            budgets[creative.campaign] = max(creative.budget, budgets.get(creative.campaign, 0))
    return budgets


def lowest_bids(creatives: Sequence[Creative]) -> dict[str, int]:
    """Return the lowest bid of each campaign."""
    lowest: dict[str, int] = {}
    for creative in creatives:
        lowest[creative.campaign] = min(creative.bid, lowest.get(creative.campaign, creative.bid))
    return lowest


def ad_points(project_id: int) -> tuple[str, ...]:
    """Return the keys of the project's decision points that place advertisements."""
    rows = DecisionPoint.objects.filter(project_id=project_id, domain=DOMAIN.key).order_by("pk")
    return tuple(rows.values_list("key", flat=True))


def budget_splits(project_id: int) -> tuple[Split, ...]:
    """Return the running experiments with a budget at decision points of advertising, oldest first."""
    bound = PointExperiment.objects.filter(point__project_id=project_id, point__domain=DOMAIN.key)
    found = standings(sorted(bound.values_list("experiment_id", flat=True)))
    splits = []
    for standing in found.values():
        allocation = live_allocation(standing.id)
        if standing.budget is None or standing.status not in SERVING or allocation is None:
            continue
        coverage = allocation.coverage / SLOTS
        shares = {f"{standing.id}.{share.variant}": coverage * share.weight / SLOTS for share in allocation.shares}
        splits.append(Split(standing.id, shares))
    return tuple(splits)


def arm_names(arms: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return arms by the keys of their experiment and their variant, as decisions are logged."""
    parts = {arm: arm.partition(".") for arm in arms if arm}
    found = standings(int(experiment) for experiment, _, _ in parts.values())
    return {
        (found[int(experiment)].key, variant): arm
        for arm, (experiment, _, variant) in parts.items()
        if int(experiment) in found
    }


def paces_on(project_id: int, day: date) -> tuple[PaceFacts, ...]:
    """Return the paces of a day of the project's zone, by campaign and arm."""
    rows = CampaignPace.objects.filter(project_id=project_id, day=day).order_by("campaign", "experiment_id", "variant")
    return tuple(pace_facts(row) for row in rows)


def newest_paces(project_id: int) -> tuple[PaceFacts, ...]:
    """Return the paces of the last day that was paced."""
    day = CampaignPace.objects.filter(project_id=project_id).aggregate(newest=Max("day"))["newest"]
    return () if day is None else paces_on(project_id, day)


def past_paces(project_id: int, *, before: date, days: int) -> tuple[PaceFacts, ...]:
    """Return the paces of the days before one, as they ended."""
    rows = CampaignPace.objects.filter(project_id=project_id, day__lt=before, day__gte=before - timedelta(days=days))
    return tuple(pace_facts(row) for row in rows.order_by("-day", "campaign", "experiment_id", "variant"))


def pace_columns(project_id: int, *, collection: str, items: Sequence[str]) -> dict[str, list[float]]:
    """Return the columns that a catalogue has of pacing, parallel to its items; none for another collection.

    `pace` is the multiplier of the item's campaign, `spent_out` 1 where its budget of the day is out; both once more
    for each arm of a budget split, as `pace@<experiment id>.<variant>`. A campaign that has no budget any more is not
    paced, whatever became of the one that it had.
    """
    if collection != DOMAIN.collection:
        return {}
    creatives = creatives_of(project_id)
    campaigns, lowest = {found.item_id: found.campaign for found in creatives}, lowest_bids(creatives)
    budgets = budgets_of(creatives)
    paced = {(found.arm, found.campaign): found.pace for found in newest_paces(project_id) if found.campaign in budgets}
    columns: dict[str, list[float]] = {}
    for arm in ("", *sorted({arm for arm, _ in paced if arm})):
        found = [(campaigns.get(item, ""), paced.get((arm, campaigns.get(item, "")))) for item in items]
        suffix = f"@{arm}" if arm else ""
        columns[f"{PACE}{suffix}"] = [0.0 if pace is None else shown_multiplier(pace) for _, pace in found]
        columns[f"{SPENT_OUT}{suffix}"] = [
            0.0 if pace is None else float(is_spent(pace, lowest_bid=lowest[campaign])) for campaign, pace in found
        ]
    return columns


def shown_multiplier(pace: Pace) -> float:
    """Return the multiplier as catalogues have it: with two digits, so that a still campaign publishes nothing."""
    return round(pace.multiplier, 2)


def paid_rates(project_id: int, *, collection: str, at: datetime) -> dict[str, float]:
    """Return how often each creative's bid is paid for when it is shown: the model-free policy's; {} for others.

    The rate of clicks by views in the 28 days before `at` (project time), drawn to that of all creatives; where the bid
    is for an order, times the share of clickers who ordered. A creative that nobody has seen has the rate of all.
    """
    if collection != DOMAIN.collection:
        return {}
    span: dict[str, Any] = {"project": project_id, "start": at - RATES_FOR, "end": at}
    span |= {"viewed": VIEWED, "clicked": CLICKED, "ordered": ORDERED}
    with connection.cursor() as cursor:
        cursor.execute(_RATES, span)
        counts = {creative: (views, clicks) for creative, views, clicks in cursor.fetchall()}
        cursor.execute(_ORDER_RATE, span)
        clickers, buyers = cursor.fetchone()
    views, clicks = (sum(count[place] for count in counts.values()) for place in (0, 1))
    rate = min(1.0, (clicks + PRIOR_VIEWS * RATE_OF_NONE) / (views + PRIOR_VIEWS))
    order_rate = (buyers + 0.5) / (clickers + 10.0)
    rates = {}
    for creative in creatives_of(project_id):
        seen, clicked = counts.get(creative.item_id, (0, 0))
        own = min(1.0, (clicked + PRIOR_VIEWS * rate) / (seen + PRIOR_VIEWS))
        rates[creative.item_id] = round(own * (order_rate if creative.per_order else 1.0), 6)
    return rates


def _creative(item_id: str, values: Mapping[str, Any]) -> Creative:
    budget = values.get("budget")
    return Creative(
        item_id=item_id,
        campaign=str(values.get("campaign") or ""),
        bid=to_micros(values.get("bid") or 0),
        per_order=values.get("pays") == PER_ORDER,
        budget=None if budget is None else to_micros(budget),
    )


def pace_facts(row: CampaignPace) -> PaceFacts:
    """Return the facts of a row."""
    arm = f"{row.experiment_id}.{row.variant}" if row.experiment_id else ""
    pace = Pace(row.budget, row.spent, row.multiplier)
    return PaceFacts(row.campaign, arm, row.day, pace, row.updated_at)
