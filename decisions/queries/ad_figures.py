"""What advertising at a decision point is worth: to the shop that shows it, and to those who pay for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from decisions.domains.ad_placement.domain import DOMAIN
from decisions.queries.ad_responses import Arm, Responses, counted_clicks, counted_orders, made_decisions
from decisions.queries.pacing import Creative, PaceFacts, creatives_of, paces_on, past_paces
from decisions.queries.points import PointFacts
from foundation.queries import project_facts

WITHIN = timedelta(days=1)
PAST_DAYS = 7


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """What a campaign paid in the last day and what followed. Money in millionths; `sales` are attributed."""

    campaign: str
    clicks: int
    orders: int
    spent: int
    sales: int


@dataclass(frozen=True, slots=True)
class AdRecord:
    """Both views of a decision point of advertising over the last 24 hours of the project's time.

    decisions: how many it made, by arm. served: what they earned, in millionths, by arm. campaigns: in the order of
    their spend. today: paces of the project's day. past: of the days before, the latest first.
    """

    decisions: Mapping[Arm, int]
    served: Mapping[Arm, int]
    campaigns: tuple[CampaignFigures, ...]
    today: tuple[PaceFacts, ...]
    past: tuple[PaceFacts, ...]


def ad_record(point: PointFacts, *, now: datetime) -> AdRecord | None:
    """Return both views of a decision point, None where it does not place advertisements."""
    if point.domain != DOMAIN.key:
        return None
    facts = project_facts(point.project_id)
    at = facts.clock.at(now)
    today = at.astimezone(ZoneInfo(facts.time_zone)).date()
    creatives = {found.item_id: found for found in creatives_of(point.project_id)}
    clicks, orders = (
        counted(point.project_id, points=[point.key], since=at - WITHIN, until=at)
        for counted in (counted_clicks, counted_orders)
    )
    return AdRecord(
        decisions=made_decisions(point.project_id, points=[point.key], since=at - WITHIN, until=at),
        served=_served(creatives, clicks, orders),
        campaigns=_campaigns(creatives, clicks, orders),
        today=paces_on(point.project_id, today),
        past=_past(point.project_id, today),
    )


def _past(project_id: int, today: date) -> tuple[PaceFacts, ...]:
    return past_paces(project_id, before=today, days=PAST_DAYS)


def _served(
    creatives: Mapping[str, Creative], clicks: Iterable[Responses], orders: Iterable[Responses]
) -> dict[Arm, int]:
    served: dict[Arm, int] = {}
    for found, cost in _paid(creatives, clicks, orders):
        arm = (found.experiment, found.variant)
        served[arm] = served.get(arm, 0) + cost
    return served


def _campaigns(
    creatives: Mapping[str, Creative], clicks: Sequence[Responses], orders: Sequence[Responses]
) -> tuple[CampaignFigures, ...]:
    totals: dict[str, list[int]] = {}
    for place, responses in enumerate((clicks, orders)):
        for found in responses:
            if found.creative in creatives:
                total = totals.setdefault(creatives[found.creative].campaign, [0, 0, 0, 0])
                total[place] += found.count
                total[3] += round(found.amount * 1_000_000)
    for found, cost in _paid(creatives, clicks, orders):
        totals[creatives[found.creative].campaign][2] += cost
    figures = (CampaignFigures(campaign, *total) for campaign, total in totals.items())
    return tuple(sorted(figures, key=lambda one: (-one.spent, one.campaign)))


def _paid(
    creatives: Mapping[str, Creative], clicks: Iterable[Responses], orders: Iterable[Responses]
) -> Iterable[tuple[Responses, int]]:
    """Yield what was paid for: clicks where the bid is for one, orders where it is for those."""
    for per_order, responses in ((False, clicks), (True, orders)):
        for found in responses:
            creative = creatives.get(found.creative)
            if creative is not None and creative.per_order is per_order:
                yield found, creative.bid * found.count
